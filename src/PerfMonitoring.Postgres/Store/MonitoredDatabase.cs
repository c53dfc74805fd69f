using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>The row of perf_monitoring.monitored_database for one target. Readers look it up; writers register it.</summary>
internal sealed class MonitoredDatabase(Database store, ServerTarget target)
{
    // Boxed, because several threads may read it.
    private object? id;
    private volatile bool isRegistered;

    /// <summary>The cluster's identity in a row of perf_monitoring.monitored_database.</summary>
    public string ServerIdentity =>
        target.SystemIdentifier?.ToString(CultureInfo.InvariantCulture) ?? $"{target.HostName}:{target.Port}";

    /// <summary>The id, for statements that read; null, which equals no row, if the store does not know this database.</summary>
    public async Task<Guid?> FindIdAsync(CancellationToken cancellationToken) =>
        (Guid?)(id ??= await store.QuerySingleOrDefaultAsync<Guid?>(
            Sql.Get("FindMonitoredDatabase"), new { ServerIdentity, DatabaseName = target.Database }, cancellationToken));

    /// <summary>
    /// The id, for statements that write. The row is added at the first use, and its address is the last one used.
    /// </summary>
    public async Task<Guid> RegisterAsync(CancellationToken cancellationToken)
    {
        if (!isRegistered)
        {
            id = await store.QuerySingleOrDefaultAsync<Guid>(
                Sql.Get("RegisterMonitoredDatabase"),
                new { ServerIdentity, DatabaseName = target.Database, target.HostName, target.Port }, cancellationToken);
            isRegistered = true;
        }

        return (Guid)id!;
    }

}
