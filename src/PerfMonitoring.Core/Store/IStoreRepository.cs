using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

/// <summary>One migration of the store's schema.</summary>
/// <param name="Name">Name of the script; names are in order: <c>0001_store.sql</c>.</param>
/// <param name="Sql">The SQL of the script.</param>
public sealed record StoreMigration(string Name, string Sql);

/// <summary>The store's schema.</summary>
public interface IStoreRepository
{
    /// <summary>Whether the store exists and has the version of the module.</summary>
    Task<bool> IsReadyAsync(CancellationToken cancellationToken);

    /// <summary>The migrations that the store lacks, in order.</summary>
    Task<IReadOnlyList<StoreMigration>> GetPendingAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Upgrades the store to the version of the module: each migration in a transaction, all under one lock. Returns the applied
    /// migrations.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew, StoreMigrationFailed, or an error of the server.</exception>
    Task<IReadOnlyList<StoreMigration>> UpgradeAsync(CancellationToken cancellationToken);
}
