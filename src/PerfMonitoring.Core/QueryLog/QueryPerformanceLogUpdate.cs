using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>Result of an update of the log.</summary>
public sealed record QueryPerformanceLogUpdate
{
    /// <summary>The numbers of statements and calls.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.CurrentCulture, $"{Statements:N0} statements, {Calls:N0} calls");

    /// <summary>The monitored database.</summary>
    public required ServerTarget Target { get; init; }

    /// <summary>Start of the stored period; null where the server does not tell (first run, pg_stat_statements 1.8).</summary>
    public DateTimeOffset? IntervalStart { get; init; }

    /// <summary>End of the stored period.</summary>
    public DateTimeOffset IntervalEnd { get; init; }

    /// <summary>Number of rows added to the log: one for each query that ran in the interval.</summary>
    public int Statements { get; init; }

    /// <summary>Number of slow queries among them.</summary>
    public int SlowStatements { get; init; }

    /// <summary>Number of slow queries with a plan.</summary>
    public int Plans { get; init; }

    /// <summary>The slow queries that were not planned because planning could run untrusted code.</summary>
    public ItemList<UntrustedStatement> UntrustedStatements { get; init => field = value.ToItemList(); } = [];

    /// <summary>Number of executions in the interval.</summary>
    public long Calls { get; init; }

    /// <summary>Execution time in the interval, in milliseconds.</summary>
    public double TotalTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Number of statements whose counters were lost or restarted (reset, eviction, crash of the server): their activity between
    /// <see cref="GapSince"/> and the loss is unknown.
    /// </summary>
    public int Gaps { get; init; }

    /// <summary>Start of the unknown activity, or null where there is no gap.</summary>
    public DateTimeOffset? GapSince { get; init; }

    /// <summary>Whether all counters were reset in the interval.</summary>
    public bool WasReset { get; init; }

    /// <summary>
    /// How often pg_stat_statements evicted entries in the interval because its table was full; null where the server does not
    /// tell.
    /// </summary>
    public long? Deallocations { get; init; }

    /// <summary>Number of statements of other roles that the role may not read.</summary>
    public long HiddenStatements { get; init; }

    /// <summary>The threshold: a query with a longer execution time is slow; in milliseconds.</summary>
    public double SlowQueryThresholdMs { get; init; }
}

/// <summary>The rows that clearing the log has deleted, or would delete.</summary>
public sealed record QueryPerformanceLogCleanup
{
    /// <summary>The number of rows.</summary>
    public override string ToString() => string.Create(CultureInfo.CurrentCulture, $"{Rows:N0} rows");

    /// <summary>Only rows older than this time are deleted.</summary>
    public DateTimeOffset Before { get; init; }

    /// <summary>Number of partitions that are dropped.</summary>
    public int Partitions { get; init; }

    /// <summary>Number of rows in these partitions.</summary>
    public long RowsInPartitions { get; init; }

    /// <summary>Number of rows that are deleted individually.</summary>
    public long RowsDeleted { get; init; }

    /// <summary>Number of all deleted rows.</summary>
    public long Rows => RowsInPartitions + RowsDeleted;

    /// <summary>The monitored database of the session that cleared the log.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
