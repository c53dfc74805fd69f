using PerfMonitoring.Common;
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
            var storeDatabase = store is null ? target : await OpenStoreAsync(store, cancellationToken);
            return new PostgresConnection(target, storeDatabase, actingUser);
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ConnectionAddress Resolve(ConnectionSettings settings)
    {
        var plan = ConnectionStrings.Build(settings, LibpqEnvironment.OfProcess);
        return new ConnectionAddress
        {
            Servers = string.Join(',', plan.Servers),
            HostName = string.Join(',', plan.Servers.Select(s => s.ShownName).Distinct()),
            Port = plan.Servers[0].Port,
            Database = plan.Builder.Database!,
            UserName = plan.Builder.Username!,
            HoldsPassword = ConnectionStrings.HoldsPassword(settings),
        };
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> FindDatabasesAsync(
        ConnectionSettings server, IReadOnlyList<string> patterns, CancellationToken cancellationToken) =>
        DatabaseFinder.FindAsync(server, patterns, cancellationToken);

    /// <inheritdoc/>
    public IReadOnlyList<string> GetServiceNames() =>
        ServiceFile.Names(LibpqEnvironment.OfProcess["PGSERVICEFILE"], LibpqEnvironment.OfProcess);

    /// <inheritdoc/>
    public IReadOnlyList<string> GetKnownHosts()
    {
        var environment = LibpqEnvironment.OfProcess;
        return [.. PasswordFile.Hosts(environment["PGPASSFILE"] ?? environment.PasswordFile)
            .Concat(ServiceFile.Values("host", environment["PGSERVICEFILE"], environment))
            .Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    private static async Task<Database> OpenStoreAsync(ConnectionSettings store, CancellationToken cancellationToken)
    {
        try
        {
            return await StorePool.OpenAsync(store, cancellationToken);
        }
        catch (PerfMonitoringException e)
        {
            throw e.OfStore();
        }
    }
}
