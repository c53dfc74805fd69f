using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

/// <summary>The server's cumulative counters at one moment. Only the difference of two samples says anything.</summary>
public sealed record MetricSample
{
    /// <summary>When, by the server's clock.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>Which server counted: a standby counts for itself.</summary>
    public required string Instance { get; init; }

    /// <summary>When the database's counters were last set to zero; null for never.</summary>
    public DateTimeOffset? ResetAt { get; init; }

    /// <summary>Transactions that ended; a smaller number than before betrays a crash.</summary>
    public long Transactions { get; init; }

    /// <summary>Deadlocks found in the database.</summary>
    public long Deadlocks { get; init; }

    /// <summary>The counters of the user's tables.</summary>
    public IReadOnlyList<TableCounters> Tables { get; init; } = [];

    /// <summary>
    /// The counters of statements; null where pg_stat_statements cannot be read, and then <see cref="StatementsReason"/> says
    /// why.
    /// </summary>
    public StatementSample? Statements { get; init; }

    /// <summary>Why there are no statements; null when there are.</summary>
    public string? StatementsReason { get; init; }
}

/// <summary>The counters of pg_stat_statements at one moment.</summary>
public sealed record StatementSample
{
    /// <summary>When they were read, and since when they count.</summary>
    public StatementsState State { get; init; } = new();

    /// <summary>Whether other roles' statements are among them.</summary>
    public bool OfAllRoles { get; init; }

    /// <summary>The statements of the monitored database, without utility statements and the product's own.</summary>
    public IReadOnlyList<StatementCounters> Statements { get; init; } = [];
}

/// <summary>What was counted for a table: blocks of heap, indexes and TOAST; scans of the heap and of indexes.</summary>
public sealed record TableCounters
{
    /// <summary>Object identifier.</summary>
    public uint Oid { get; init; }

    /// <summary>Blocks found in the cache.</summary>
    public long BlocksHit { get; init; }

    /// <summary>Blocks read from outside the cache.</summary>
    public long BlocksRead { get; init; }

    /// <summary>Scans that went through an index.</summary>
    public long IndexScans { get; init; }

    /// <summary>Scans of the whole table.</summary>
    public long SequentialScans { get; init; }
}

/// <summary>Client connections at one moment.</summary>
public sealed record ConnectionCount
{
    /// <summary>When, by the server's clock.</summary>
    public DateTimeOffset TakenAt { get; init; }

    /// <summary>Client connections of the whole server; null where the role may not see other roles'.</summary>
    public long? Clients { get; init; }

    /// <summary>max_connections.</summary>
    public long Maximum { get; init; }
}

/// <summary>A table with its partitions.</summary>
public sealed record MeasuredTable
{
    /// <summary>The name with its schema, as in SQL.</summary>
    public required string Name { get; init; }

    /// <summary>The tables that hold the rows: the table itself, or its partitions.</summary>
    public required IReadOnlyList<uint> Oids { get; init; }
}

/// <summary>How much room a table takes.</summary>
public sealed record TableSize
{
    /// <summary>The name with its schema, as in SQL.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes of the table, its indexes and its TOAST.</summary>
    public long Bytes { get; init; }

    /// <summary>When, by the server's clock.</summary>
    public DateTimeOffset TakenAt { get; init; }
}
