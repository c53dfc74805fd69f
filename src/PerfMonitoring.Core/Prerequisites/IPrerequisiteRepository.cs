namespace PerfMonitoring.Prerequisites;

/// <summary>The facts about the server that prerequisites need.</summary>
public sealed record ServerFacts
{
    /// <summary>The version as text, for example 15.18.</summary>
    public required string Version { get; init; }

    /// <summary>Whether it is a standby, which does not accept writes.</summary>
    public bool IsStandby { get; init; }
}

/// <summary>An extension that is created in the database or available.</summary>
public sealed record ExtensionFacts
{
    /// <summary>Name of the extension.</summary>
    public required string Name { get; init; }

    /// <summary>The version that is created in the database; null where it is not created.</summary>
    public string? InstalledVersion { get; init; }

    /// <summary>The version in the server's files; null where they are missing.</summary>
    public string? AvailableVersion { get; init; }

    /// <summary>The schema of its objects; null where it is not created.</summary>
    public string? Schema { get; init; }
}

/// <summary>A configuration parameter that the role may see.</summary>
public sealed record SettingFacts
{
    /// <summary>Name of the parameter.</summary>
    public required string Name { get; init; }

    /// <summary>The value in the base unit of the parameter.</summary>
    public required string Value { get; init; }

    /// <summary>Whether the configuration files have another value that needs a restart.</summary>
    public bool PendingRestart { get; init; }
}

/// <summary>The rights of the role in the monitored database.</summary>
public sealed record RightFacts
{
    /// <summary>Whether the role inherits the rights of its roles without SET ROLE.</summary>
    public bool Inherits { get; init; } = true;

    /// <summary>Whether the role may read the statistics of other roles.</summary>
    public bool ReadsAllStatistics { get; init; }

    /// <summary>Number of tables and views outside the system's schemas.</summary>
    public long Relations { get; init; }

    /// <summary>Number of these that the role may read.</summary>
    public long ReadableRelations { get; init; }

    /// <summary>The schemas with relations that the role may not read.</summary>
    public IReadOnlyList<string> UnreadableSchemas { get; init; } = [];

    /// <summary>Number of tables outside the system's schemas.</summary>
    public long Tables { get; init; }

    /// <summary>
    /// Number of these on which the role may create indexes: it has the rights of the owner and CREATE on the schema.
    /// </summary>
    public long IndexableTables { get; init; }

    /// <summary>The owners, without superusers, whose rights the role lacks.</summary>
    public IReadOnlyList<string> OtherOwners { get; init; } = [];

    /// <summary>Schemas in which the role may not create objects.</summary>
    public IReadOnlyList<string> ClosedSchemas { get; init; } = [];

    /// <summary>Superusers that own tables: their rights should not be granted.</summary>
    public IReadOnlyList<string> SuperOwners { get; init; } = [];
}

/// <summary>The rights of the role in the store's database.</summary>
public sealed record StoreRightFacts
{
    /// <summary>The role of the store's connection.</summary>
    public required string UserName { get; init; }

    /// <summary>Whether the role inherits the rights of its roles without SET ROLE.</summary>
    public bool Inherits { get; init; } = true;

    /// <summary>The owner of the store's schema; null where there is none.</summary>
    public string? Owner { get; init; }

    /// <summary>Whether the role has the rights of the owner.</summary>
    public bool IsOwner { get; init; }
}

/// <summary>The age of the server's counters.</summary>
public sealed record StatisticsFacts
{
    /// <summary>Present time by the clock of the server.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>Time when the counters of the database were last reset; null where they never were.</summary>
    public DateTimeOffset? ResetAt { get; init; }

    /// <summary>Number of tables with rows that were never analysed.</summary>
    public long NeverAnalyzed { get; init; }
}

/// <summary>The facts for prerequisites. A failure of one method does not affect the others.</summary>
public interface IPrerequisiteRepository
{
    /// <summary>Version and role of the server.</summary>
    Task<ServerFacts> GetServerAsync(CancellationToken cancellationToken);

    /// <summary>The extensions of the given names that are created or available.</summary>
    Task<IReadOnlyList<ExtensionFacts>> GetExtensionsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>The parameters of the given names that exist and that the role may see.</summary>
    Task<IReadOnlyList<SettingFacts>> GetSettingsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>The rights of the role in the monitored database.</summary>
    Task<RightFacts> GetRightsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Powers over the server that code with the role's rights could abuse: superuser, createrole, pg_execute_server_program ...;
    /// empty for none.
    /// </summary>
    Task<IReadOnlyList<string>> GetPowersAsync(CancellationToken cancellationToken);

    /// <summary>The rights of the role in the store's database.</summary>
    Task<StoreRightFacts> GetStoreRightsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The grants that the role lacks in the monitored database or in the store's database. A grant on a missing object is not
    /// lacking.
    /// </summary>
    Task<IReadOnlyList<AccessGrant>> GetMissingGrantsAsync(
        IReadOnlyList<AccessGrant> grants, bool ofStore, CancellationToken cancellationToken);

    /// <summary>The age of the statistics.</summary>
    Task<StatisticsFacts> GetStatisticsAsync(CancellationToken cancellationToken);
}
