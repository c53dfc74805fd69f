using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

/// <summary>The server's cumulative counters at one moment. Only the difference of two samples is meaningful.</summary>
public sealed record MetricSample
{
    /// <summary>Time of the sample, by the clock of the server.</summary>
    public required DateTimeOffset TakenAt { get; init; }

    /// <summary>The server that counted: a standby has separate counters.</summary>
    public required string Instance { get; init; }

    /// <summary>Time when the counters of the database were last reset; null for never.</summary>
    public DateTimeOffset? ResetAt { get; init; }

    /// <summary>Number of finished transactions; a smaller number than before means a crash.</summary>
    public long Transactions { get; init; }

    /// <summary>Number of deadlocks in the database.</summary>
    public long Deadlocks { get; init; }

    /// <summary>The counters of the user's tables.</summary>
    public IReadOnlyList<TableCounters> Tables { get; init; } = [];

    /// <summary>
    /// The counters of statements; null where pg_stat_statements cannot be read: <see cref="StatementsReason"/> gives the reason.
    /// </summary>
    public StatementSample? Statements { get; init; }

    /// <summary>The reason why there are no statements; null where there are.</summary>
    public string? StatementsReason { get; init; }
}

/// <summary>The counters of pg_stat_statements at one moment.</summary>
public sealed record StatementSample
{
    /// <summary>Time of the reading, and start of the counting.</summary>
    public StatementsState State { get; init; } = new();

    /// <summary>Whether statements of other roles are included.</summary>
    public bool OfAllRoles { get; init; }

    /// <summary>The statements of the monitored database, without utility statements and statements of the module.</summary>
    public IReadOnlyList<StatementCounters> Statements { get; init; } = [];
}

/// <summary>The counters of a table: blocks of heap, indexes and TOAST; scans of the heap and of indexes.</summary>
public sealed record TableCounters
{
    /// <summary>Object identifier.</summary>
    public uint Oid { get; init; }

    /// <summary>Blocks found in the cache.</summary>
    public long BlocksHit { get; init; }

    /// <summary>Blocks read from outside the cache.</summary>
    public long BlocksRead { get; init; }

    /// <summary>Scans that used an index.</summary>
    public long IndexScans { get; init; }

    /// <summary>Scans of the whole table.</summary>
    public long SequentialScans { get; init; }
}

/// <summary>Client connections at one moment.</summary>
public sealed record ConnectionCount
{
    /// <summary>Time of the reading, by the clock of the server.</summary>
    public DateTimeOffset TakenAt { get; init; }

    /// <summary>Client connections of the whole server; null where the role may not see those of other roles.</summary>
    public long? Clients { get; init; }

    /// <summary>max_connections.</summary>
    public long Maximum { get; init; }
}

/// <summary>A table with its partitions.</summary>
public sealed record MeasuredTable
{
    /// <summary>The name with its schema, as SQL writes it.</summary>
    public required string Name { get; init; }

    /// <summary>The tables that contain the rows: the table itself, or its partitions.</summary>
    public required IReadOnlyList<uint> Oids { get; init; }
}

/// <summary>Size of a table.</summary>
public sealed record TableSize
{
    /// <summary>The name with its schema, as SQL writes it.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes of the table, its indexes and its TOAST.</summary>
    public long Bytes { get; init; }

    /// <summary>Time of the reading, by the clock of the server.</summary>
    public DateTimeOffset TakenAt { get; init; }
}
