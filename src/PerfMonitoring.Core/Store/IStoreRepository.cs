using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

/// <summary>One step of the store's schema.</summary>
/// <param name="Name">Name of the script, in order: <c>0001_store.sql</c>.</param>
/// <param name="Sql">What it runs.</param>
public sealed record StoreMigration(string Name, string Sql);

/// <summary>The store's schema.</summary>
public interface IStoreRepository
{
    /// <summary>Whether the store is there and at this version.</summary>
    Task<bool> IsReadyAsync(CancellationToken cancellationToken);

    /// <summary>The migrations that the store lacks, in order.</summary>
    Task<IReadOnlyList<StoreMigration>> GetPendingAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Brings the store to this version: each migration in a transaction, all under a lock. Returns what was applied.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew, StoreMigrationFailed, or what the server says.</exception>
    Task<IReadOnlyList<StoreMigration>> UpgradeAsync(CancellationToken cancellationToken);
}
