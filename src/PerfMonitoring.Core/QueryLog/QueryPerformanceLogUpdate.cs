using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>What bringing the log up to date has stored.</summary>
public sealed record QueryPerformanceLogUpdate
{
    /// <summary>The monitored database.</summary>
    public required ServerTarget Target { get; init; }

    /// <summary>
    /// Since when the stored figures count; null where the server does not say (first run, pg_stat_statements 1.8).
    /// </summary>
    public DateTimeOffset? IntervalStart { get; init; }

    /// <summary>Until when the stored figures count.</summary>
    public DateTimeOffset IntervalEnd { get; init; }

    /// <summary>Rows that were added to the log: one for each statement that ran in the interval.</summary>
    public int Statements { get; init; }

    /// <summary>How many of them are slow.</summary>
    public int SlowStatements { get; init; }

    /// <summary>How many of the slow ones have a plan.</summary>
    public int Plans { get; init; }

    /// <summary>Those of the slow ones that were not planned for the code that this could run.</summary>
    public IReadOnlyList<UntrustedStatement> UntrustedStatements { get; init => field = value.ToArray(); } = [];

    /// <summary>Executions in the interval.</summary>
    public long Calls { get; init; }

    /// <summary>Execution time in the interval, in milliseconds.</summary>
    public double TotalTimeMs { get; init; }

    /// <summary>
    /// Statements whose counters were lost or began anew (reset, eviction, a crash of the server): what they did between
    /// <see cref="GapSince"/> and the loss is unknown.
    /// </summary>
    public int Gaps { get; init; }

    /// <summary>Since when something is unknown, or null where there is no gap.</summary>
    public DateTimeOffset? GapSince { get; init; }

    /// <summary>Whether all counters were reset in the interval.</summary>
    public bool WasReset { get; init; }

    /// <summary>
    /// How often in the interval pg_stat_statements gave up entries for want of room; null where the server does not say.
    /// </summary>
    public long? Deallocations { get; init; }

    /// <summary>Statements of other roles that the role may not read.</summary>
    public long HiddenStatements { get; init; }

    /// <summary>Slower than this is slow, in milliseconds.</summary>
    public double SlowQueryThresholdMs { get; init; }
}

/// <summary>What the clearing of the log has removed, or would remove.</summary>
public sealed record QueryPerformanceLogCleanup
{
    /// <summary>Rows older than this go.</summary>
    public DateTimeOffset Before { get; init; }

    /// <summary>Partitions that go whole.</summary>
    public int Partitions { get; init; }

    /// <summary>Rows in them.</summary>
    public long RowsInPartitions { get; init; }

    /// <summary>Rows that go one by one.</summary>
    public long RowsDeleted { get; init; }

    /// <summary>All rows that go.</summary>
    public long Rows => RowsInPartitions + RowsDeleted;
}
