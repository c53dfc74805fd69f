using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>The consequence of a finding for a build.</summary>
public enum PreflightState : long
{
    /// <summary>Not checked.</summary>
    Unknown,
    /// <summary>No objection.</summary>
    Ok,
    /// <summary>The build is possible, but the user should know this first; also where a fact could not be determined.</summary>
    Warn,
    /// <summary>The index is not built.</summary>
    Block,
}

/// <summary>The checks before a build.</summary>
public enum PreflightCheck : long
{
    /// <summary>Whether the maintenance window allows the build to start.</summary>
    MaintenanceWindow = 1,
    /// <summary>Whether the server accepts writes and the role may create the index.</summary>
    Privilege,
    /// <summary>Whether the table and its partitions can have such an index.</summary>
    Definition,
    /// <summary>Whether the tablespace exists and the role may use it.</summary>
    Tablespace,
    /// <summary>Whether enough sessions are free: a build needs three.</summary>
    Connection,
    /// <summary>Whether event triggers run on CREATE INDEX.</summary>
    EventTrigger,
    /// <summary>Whether an index that does the same, or more, exists.</summary>
    ExistingIndex,
    /// <summary>Whether every possible row and every existing row of the table fits into the index.</summary>
    EntrySize,
    /// <summary>The expected size against the allowed growth.</summary>
    DatabaseGrowth,
    /// <summary>The expected size against the free space on the disk.</summary>
    DiskSpace,
    /// <summary>The sessions that CREATE INDEX CONCURRENTLY would wait for.</summary>
    OlderTransaction,
    /// <summary>The prepared transactions that the build would wait for.</summary>
    PreparedTransaction,
    /// <summary>Whether autovacuum is working on the table.</summary>
    Autovacuum,
    /// <summary>Other builds in the database.</summary>
    OtherBuild,
    /// <summary>The replication lag of the standbys.</summary>
    ReplicationLag,
    /// <summary>The number of active sessions.</summary>
    ActiveSession,
}

/// <summary>One finding of the preflight of a build.</summary>
public sealed record IndexPreflight
{
    /// <summary>The strategy.</summary>
    public required Guid IndexStrategyId { get; init; }

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index.</summary>
    public required string IndexName { get; init; }

    /// <summary>The check.</summary>
    public required PreflightCheck Check { get; init; }

    /// <summary>The consequence.</summary>
    public required PreflightState State { get; init; }

    /// <summary>The reason, as one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The database of the index.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;

    /// <inheritdoc/>
    public override string ToString() => ShortText.Of($"{State} {Check}: {Reason}");
}
