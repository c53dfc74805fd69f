namespace PerfMonitoring.Prerequisites;

/// <summary>The server, as far as prerequisites go.</summary>
public sealed record ServerFacts
{
    /// <summary>The version in words, for example 15.18.</summary>
    public required string Version { get; init; }

    /// <summary>Whether it is a standby, which takes no writes.</summary>
    public bool IsStandby { get; init; }
}

/// <summary>An extension, created in the database or waiting to be.</summary>
public sealed record ExtensionFacts
{
    /// <summary>Name of the extension.</summary>
    public required string Name { get; init; }

    /// <summary>The version that was created here; null when it was not.</summary>
    public string? InstalledVersion { get; init; }

    /// <summary>The version that the server's files offer; null when they are not there.</summary>
    public string? AvailableVersion { get; init; }

    /// <summary>The schema of its objects; null when it was not created.</summary>
    public string? Schema { get; init; }
}

/// <summary>A configuration parameter that the role may see.</summary>
public sealed record SettingFacts
{
    /// <summary>Name of the parameter.</summary>
    public required string Name { get; init; }

    /// <summary>Its value in the parameter's base unit.</summary>
    public required string Value { get; init; }

    /// <summary>Whether the files hold another value that waits for a restart.</summary>
    public bool PendingRestart { get; init; }
}

/// <summary>What the role may do in the monitored database.</summary>
public sealed record RightFacts
{
    /// <summary>Whether it has the rights of the roles that it is a member of without SET ROLE.</summary>
    public bool Inherits { get; init; } = true;

    /// <summary>Whether it sees other roles' statistics.</summary>
    public bool ReadsAllStatistics { get; init; }

    /// <summary>Tables and views outside the system's schemas.</summary>
    public long Relations { get; init; }

    /// <summary>Those of them that the role may read.</summary>
    public long ReadableRelations { get; init; }

    /// <summary>The schemas with others.</summary>
    public IReadOnlyList<string> UnreadableSchemas { get; init; } = [];

    /// <summary>Tables outside the system's schemas.</summary>
    public long Tables { get; init; }

    /// <summary>Those of them that the role may create indexes on: it has the owner's rights and CREATE on the schema.</summary>
    public long IndexableTables { get; init; }

    /// <summary>The owners, other than superusers, whose rights it lacks.</summary>
    public IReadOnlyList<string> OtherOwners { get; init; } = [];

    /// <summary>Schemas without the right to create in them.</summary>
    public IReadOnlyList<string> ClosedSchemas { get; init; } = [];

    /// <summary>Superusers that own tables: their rights are not to be granted.</summary>
    public IReadOnlyList<string> SuperOwners { get; init; } = [];
}

/// <summary>What the role may do in the store's database.</summary>
public sealed record StoreRightFacts
{
    /// <summary>The role of the store's connection.</summary>
    public required string UserName { get; init; }

    /// <summary>Whether it has the rights of the roles that it is a member of without SET ROLE.</summary>
    public bool Inherits { get; init; } = true;

    /// <summary>Whether it may create a schema.</summary>
    public bool CanCreate { get; init; }

    /// <summary>The owner of the store's schema; null where there is none.</summary>
    public string? Owner { get; init; }

    /// <summary>Whether the role has the owner's rights.</summary>
    public bool IsOwner { get; init; }
}

/// <summary>What the server has counted so far.</summary>
public sealed record StatisticsFacts
{
    /// <summary>The server's clock.</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>When the database's counters were last set to zero; null when they never were.</summary>
    public DateTimeOffset? ResetAt { get; init; }

    /// <summary>Tables with rows that were never analysed.</summary>
    public long NeverAnalyzed { get; init; }
}

/// <summary>The facts that prerequisites are judged by. Each method may fail without the others.</summary>
public interface IPrerequisiteRepository
{
    /// <summary>Version and role of the server.</summary>
    Task<ServerFacts> GetServerAsync(CancellationToken cancellationToken);

    /// <summary>The extensions of the given names that are created or available.</summary>
    Task<IReadOnlyList<ExtensionFacts>> GetExtensionsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>The parameters of the given names that exist and that the role may see.</summary>
    Task<IReadOnlyList<SettingFacts>> GetSettingsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken);

    /// <summary>The role's rights in the monitored database.</summary>
    Task<RightFacts> GetRightsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Rights over the server that code which runs with them could abuse: superuser, createrole, pg_execute_server_program ...;
    /// empty for none.
    /// </summary>
    Task<IReadOnlyList<string>> GetPowersAsync(CancellationToken cancellationToken);

    /// <summary>The role's rights in the store's database.</summary>
    Task<StoreRightFacts> GetStoreRightsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Those of the grants that the role lacks in the monitored database or in the store's. What does not exist is not lacking.
    /// </summary>
    Task<IReadOnlyList<AccessGrant>> GetMissingGrantsAsync(
        IReadOnlyList<AccessGrant> grants, bool ofStore, CancellationToken cancellationToken);

    /// <summary>The age of the statistics.</summary>
    Task<StatisticsFacts> GetStatisticsAsync(CancellationToken cancellationToken);
}
