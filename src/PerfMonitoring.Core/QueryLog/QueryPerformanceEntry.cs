using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.QueryLog;

/// <summary>One row of the log: an execution, or the activity of a query in an interval.</summary>
public sealed record QueryPerformanceEntry
{
    /// <summary>The time of one execution and the beginning of the query.</summary>
    public override string ToString() => ShortText.Of(
        string.Create(CultureInfo.CurrentCulture, $"{ExecutionTimeMs:N1} ms: {ShortText.OfQuery(Query)}"));

    /// <summary>A UUIDv7 made from <see cref="ExecutedAt"/>.</summary>
    public required Guid Id { get; init; }

    /// <summary>SHA-256 of the normal form, 64 lower-case hexadecimal digits.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The query, cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>Execution time in milliseconds; for an interval, the mean over its executions.</summary>
    public double ExecutionTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Number of executions in the interval; null for a single execution.</summary>
    public long? Calls { get; init; }

    /// <summary>Execution time of the complete interval, in milliseconds; null for a single execution.</summary>
    public double? TotalTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Rows that one execution read, or null where unknown.</summary>
    public long? RowsExamined { get; init; }

    /// <summary>Whether <see cref="RowsExamined"/> is the planner's estimate; null where unknown.</summary>
    public bool? RowsExaminedIsEstimate { get; init; }

    /// <summary>Rows that one execution returned or affected, rounded.</summary>
    public long RowsReturned { get; init; }

    /// <summary>The indexes of the plan as JSON, or null where no plan is known.</summary>
    public string? IndexesUsed { get; init; }

    /// <summary>The plan as EXPLAIN (FORMAT JSON) writes it, or null where unknown.</summary>
    public string? ExecutionPlan { get; init; }

    /// <summary>Whether the plan uses an index, or null where no plan is known.</summary>
    public bool? UsedIndex { get; init; }

    /// <summary>Whether the execution time is above <see cref="SlowQueryThresholdMs"/>.</summary>
    public bool IsSlowQuery { get; init; }

    /// <summary>The threshold when the row was stored, in milliseconds.</summary>
    public double SlowQueryThresholdMs { get; init; }

    /// <summary>The role that ran it.</summary>
    public required string DatabaseUser { get; init; }

    /// <summary>Application or source of the execution.</summary>
    public string? ApplicationContext { get; init; }

    /// <summary>Time of the execution; for an interval, its end.</summary>
    public DateTimeOffset ExecutedAt { get; init; }

    /// <summary>Start of the interval; null for a single execution, and where the server does not tell.</summary>
    public DateTimeOffset? IntervalStart { get; init; }

    /// <summary>The server's identifier (pg_stat_statements.queryid), or null.</summary>
    public long? QueryId { get; init; }

    /// <summary>The database that ran it; null where rows of all databases of the store were asked for.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}

/// <summary>Selects rows of the log.</summary>
public sealed record QueryPerformanceLogFilter
{
    /// <summary>Executed at or after this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Executed before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Fingerprints; null for all.</summary>
    public IReadOnlyList<string>? QueryHash { get; init; }

    /// <summary>Roles, with PowerShell's wildcards; null for all.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary>Whether to select slow ones only.</summary>
    public bool SlowOnly { get; init; }

    /// <summary>Lowest execution time in milliseconds.</summary>
    public double MinimumMs { get; init; }

    /// <summary>Number of latest rows; null for all.</summary>
    public int? First { get; init; }
}
