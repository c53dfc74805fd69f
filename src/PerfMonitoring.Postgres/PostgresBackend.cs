using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres;

/// <summary>The way in: the module makes one through the private load context.</summary>
public sealed class PostgresBackend : IMonitoringBackend
{
    /// <inheritdoc/>
    public async Task<IMonitoringConnection> ConnectAsync(
        ConnectionSettings monitored, ConnectionSettings? store, string? actingUser, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(monitored);
        var target = await Database.OpenAsync(monitored, cancellationToken);
        try
        {
            var storeDatabase = store is null ? target : await StorePool.OpenAsync(store, cancellationToken);
            return new PostgresConnection(target, storeDatabase, actingUser);
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }
}
