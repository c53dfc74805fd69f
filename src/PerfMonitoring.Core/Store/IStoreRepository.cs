using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

/// <summary>One migration of the store's schema.</summary>
/// <param name="Name">Name of the script; names are in order: <c>0001_store.sql</c>.</param>
/// <param name="Sql">The SQL of the script.</param>
public sealed record StoreMigration(string Name, string Sql)
{
    /// <summary>A migration without a name and SQL.</summary>
    public StoreMigration()
        : this("", "")
    {
    }

    /// <summary>The schema that it belongs to.</summary>
    public string SchemaName { get; init; } = StoreSchema.Own;

    /// <summary>The monitored database whose store it is for; null for another one of the store.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;

    /// <inheritdoc/>
    public override string ToString() => ShortText.Of($"{SchemaName} {Name}");
}

/// <summary>What is written about a monitored database in a store for many.</summary>
public sealed record StoreRegistration
{
    /// <summary>Its group; null leaves what is there.</summary>
    public string? Group { get; init; }

    /// <summary>Its tags; null leaves what is there.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>What the user says of it.</summary>
    public StoreEntryIdentity Identity { get; init; }
}

/// <summary>The store's schema.</summary>
public interface IStoreRepository
{
    /// <summary>Whether the store exists and has the version of the module.</summary>
    Task<bool> IsReadyAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The migrations that the store lacks, in order; with <paramref name="all"/> those of every registered database.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew, StoreNotTrusted, or an error of the server.</exception>
    Task<IReadOnlyList<StoreMigration>> GetPendingAsync(
        StoreRegistration registration, bool all, CancellationToken cancellationToken);

    /// <summary>The migrations that the store of this database lacks, in order.</summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew, StoreNotTrusted, or an error of the server.</exception>
    Task<IReadOnlyList<StoreMigration>> GetPendingAsync(CancellationToken cancellationToken) =>
        GetPendingAsync(new(), all: false, cancellationToken);

    /// <summary>
    /// Upgrades the store to the version of the module, in one transaction and under one lock, and registers the database in a
    /// store for many. Returns the applied migrations.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew, StoreMigrationFailed, StoreNotTrusted, or an error of the
    /// server.</exception>
    Task<IReadOnlyList<StoreMigration>> UpgradeAsync(
        StoreRegistration registration, bool all, CancellationToken cancellationToken);

    /// <summary>Upgrades the store of this database, and registers it without a group and tags.</summary>
    /// <exception cref="PerfMonitoringException">StoreTooNew, StoreMigrationFailed, StoreNotTrusted, or an error of the
    /// server.</exception>
    Task<IReadOnlyList<StoreMigration>> UpgradeAsync(CancellationToken cancellationToken) =>
        UpgradeAsync(new(), all: false, cancellationToken);

    /// <summary>The schema of this database in the store; null if it has none yet.</summary>
    Task<string?> FindSchemaAsync(CancellationToken cancellationToken);

    /// <summary>What the user should know of this database's entry: a copy, a failover; null for nothing.</summary>
    Task<string?> GetNoteAsync(CancellationToken cancellationToken);

    /// <summary>Writes when and where the database was seen, in a store for many.</summary>
    Task SaveSightingAsync(CancellationToken cancellationToken);

    /// <summary>The databases in the list of a store for many; none in a store for one.</summary>
    Task<IReadOnlyList<StoreEntry>> GetEntriesAsync(CancellationToken cancellationToken);
}
