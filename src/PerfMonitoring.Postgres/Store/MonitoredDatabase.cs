using System.Globalization;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;

namespace PerfMonitoring.Postgres.Store;

/// <summary>The row of perf_monitoring.monitored_database that stands for one target, added on first sight.</summary>
internal sealed class MonitoredDatabase(Database store, ServerTarget target)
{
    // Boxed, since several threads may ask.
    private object? id;

    /// <summary>The cluster, by what a row of perf_monitoring.monitored_database knows it by.</summary>
    public string ServerIdentity => target.SystemIdentifier?.ToString(CultureInfo.InvariantCulture) ?? $"{target.HostName}:{target.Port}";

    public async Task<Guid> GetIdAsync(CancellationToken cancellationToken) =>
        (Guid)(id ??= await store.QuerySingleOrDefaultAsync<Guid>(
            Sql.Get(typeof(MonitoredDatabase), "GetOrAddMonitoredDatabase", store.Target.ServerVersionNumber),
            new
            {
                ServerIdentity,
                DatabaseName = target.Database,
                target.HostName,
                target.Port,
            },
            cancellationToken));
}
