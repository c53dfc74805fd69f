namespace PerfMonitoring.QueryLog;

/// <summary>One row of the stored log: an execution, or what a statement did in an interval.</summary>
public sealed record QueryPerformanceEntry
{
    /// <summary>Id, a UUIDv7 made from <see cref="ExecutedAt"/>.</summary>
    public required Guid Id { get; init; }

    /// <summary>SHA-256 of the normalised text, 64 lower-case hexadecimal digits.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The normalised text, cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>Execution time in milliseconds; over an interval the mean of its executions.</summary>
    public double ExecutionTimeMs { get; init; }

    /// <summary>How often it ran in the interval; null for a single execution.</summary>
    public long? Calls { get; init; }

    /// <summary>Execution time in milliseconds over the whole interval; null for a single execution.</summary>
    public double? TotalTimeMs { get; init; }

    /// <summary>Rows that an execution read, or null where unknown.</summary>
    public long? RowsExamined { get; init; }

    /// <summary>Whether <see cref="RowsExamined"/> is the planner's estimate; null where unknown.</summary>
    public bool? RowsExaminedIsEstimate { get; init; }

    /// <summary>Rows that an execution returned or affected, rounded.</summary>
    public long RowsReturned { get; init; }

    /// <summary>The indexes in its plan as JSON, or null where no plan is known.</summary>
    public string? IndexesUsed { get; init; }

    /// <summary>Its plan as EXPLAIN (FORMAT JSON) writes it, or null where unknown.</summary>
    public string? ExecutionPlan { get; init; }

    /// <summary>Whether its plan has an index, or null where no plan is known.</summary>
    public bool? UsedIndex { get; init; }

    /// <summary>Whether it took longer than <see cref="SlowQueryThresholdMs"/>.</summary>
    public bool IsSlowQuery { get; init; }

    /// <summary>The threshold in force when it was stored, in milliseconds.</summary>
    public double SlowQueryThresholdMs { get; init; }

    /// <summary>The role that ran it.</summary>
    public required string DatabaseUser { get; init; }

    /// <summary>Where it ran, or what ran it.</summary>
    public string? ApplicationContext { get; init; }

    /// <summary>When it ran; over an interval its end.</summary>
    public DateTimeOffset ExecutedAt { get; init; }

    /// <summary>When the interval began; null for a single execution, and where the server does not say.</summary>
    public DateTimeOffset? IntervalStart { get; init; }

    /// <summary>The server's own identifier (pg_stat_statements.queryid), or null.</summary>
    public long? QueryId { get; init; }
}

/// <summary>Which rows of the stored log are asked for.</summary>
public sealed record QueryPerformanceLogFilter
{
    /// <summary>Executed at or after this.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Executed before this.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Fingerprints; null for all.</summary>
    public IReadOnlyList<string>? QueryHash { get; init; }

    /// <summary>Roles, with PowerShell's wildcards; null for all.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary>Slow ones only.</summary>
    public bool SlowOnly { get; init; }

    /// <summary>Lowest execution time in milliseconds.</summary>
    public double MinimumMs { get; init; }

    /// <summary>The latest so many; null for all.</summary>
    public int? First { get; init; }

    /// <summary>Rows of every database in the store, not only of the one that is connected to.</summary>
    public bool AllDatabases { get; init; }
}
