namespace PerfMonitoring.Changes;

/// <summary>What a finding means for a build.</summary>
public enum PreflightState
{
    /// <summary>Nothing speaks against it.</summary>
    Ok,
    /// <summary>It can be built, and a person should know this before; also where something could not be found out.</summary>
    Warn,
    /// <summary>It is not built.</summary>
    Block,
}

/// <summary>What is looked at before a build.</summary>
public enum PreflightCheck
{
    /// <summary>Whether its maintenance window lets it begin.</summary>
    MaintenanceWindow,
    /// <summary>Whether the server takes writes and the role may make the index.</summary>
    Privilege,
    /// <summary>Whether the table and its partitions take such an index.</summary>
    Definition,
    /// <summary>Whether its tablespace is there, and the role may use it.</summary>
    Tablespace,
    /// <summary>Whether enough sessions are left: a build needs three.</summary>
    Connection,
    /// <summary>Whether event triggers run on CREATE INDEX.</summary>
    EventTrigger,
    /// <summary>Whether an index that does the same, or more, is there already.</summary>
    ExistingIndex,
    /// <summary>Whether every row that may be written fits into it, and every row of the table does.</summary>
    EntrySize,
    /// <summary>Its expected size against the growth that is allowed.</summary>
    DatabaseGrowth,
    /// <summary>Its expected size against the free space of its disk.</summary>
    DiskSpace,
    /// <summary>The sessions that CREATE INDEX CONCURRENTLY would wait for.</summary>
    OlderTransaction,
    /// <summary>The prepared transactions that it would wait for.</summary>
    PreparedTransaction,
    /// <summary>Whether autovacuum works on the table.</summary>
    Autovacuum,
    /// <summary>Other builds in the database.</summary>
    OtherBuild,
    /// <summary>How far standbys are behind.</summary>
    ReplicationLag,
    /// <summary>How many sessions are active.</summary>
    ActiveSession,
}

/// <summary>One finding about a build before it begins.</summary>
public sealed record IndexPreflight
{
    /// <summary>The strategy.</summary>
    public required Guid IndexStrategyId { get; init; }

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index.</summary>
    public required string IndexName { get; init; }

    /// <summary>What was looked at.</summary>
    public required PreflightCheck Check { get; init; }

    /// <summary>What it means.</summary>
    public required PreflightState State { get; init; }

    /// <summary>Why, as a sentence.</summary>
    public required string Reason { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{State} {Check}: {Reason}";
}
