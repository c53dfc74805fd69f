using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// The row of perf_monitoring.monitored_database that stands for one target. What reads looks it up; what writes registers it.
/// </summary>
internal sealed class MonitoredDatabase(Database store, ServerTarget target)
{
    // Boxed, since several threads may ask.
    private object? id;
    private volatile bool isRegistered;

    /// <summary>The cluster, by what a row of perf_monitoring.monitored_database knows it by.</summary>
    public string ServerIdentity =>
        target.SystemIdentifier?.ToString(CultureInfo.InvariantCulture) ?? $"{target.HostName}:{target.Port}";

    /// <summary>
    /// The id, for statements that read; null, which no row equals, where the store holds nothing of this database yet.
    /// </summary>
    public async Task<Guid?> FindIdAsync(CancellationToken cancellationToken) =>
        (Guid?)(id ??= await store.QuerySingleOrDefaultAsync<Guid?>(
            Sql.Get("FindMonitoredDatabase"), new { ServerIdentity, DatabaseName = target.Database }, cancellationToken));

    /// <summary>
    /// The id, for statements that write: the row is added on first sight, and its address is the last one used.
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
