using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>Who acts: a row of perf_monitoring."user", added on first sight.</summary>
internal sealed class ActingUser(Database store, string? name)
{
    // Boxed, since several threads may ask.
    private object? id;

    /// <summary>The name that stands in created_by and updated_by.</summary>
    public string Name => name ?? store.UserName;

    public async Task<Guid> GetIdAsync(CancellationToken cancellationToken) =>
        (Guid)(id ??= await store.QuerySingleOrDefaultAsync<Guid>(
            Sql.Get("GetOrAddUser"), new { Name }, cancellationToken));
}
