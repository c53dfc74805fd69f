using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>The acting user: a row of perf_monitoring."user", added at the first use.</summary>
internal sealed class ActingUser(Database store, string? name)
{
    // Boxed, because several threads may read it.
    private object? id;

    /// <summary>The name that is written to created_by and updated_by.</summary>
    public string Name => name ?? store.UserName;

    public async Task<Guid> GetIdAsync(CancellationToken cancellationToken) =>
        (Guid)(id ??= await store.QuerySingleOrDefaultAsync<Guid>(
            Sql.Get("GetOrAddUser"), new { Name }, cancellationToken));
}
