namespace PerfMonitoring.Statements;

/// <summary>The sort order of slow queries, highest first.</summary>
public enum SlowQueryOrder
{
    /// <summary>Execution time over all calls.</summary>
    Total,
    /// <summary>Mean execution time.</summary>
    Mean,
    /// <summary>Longest execution.</summary>
    Max,
    /// <summary>Number of executions.</summary>
    Calls,
    /// <summary>Rows returned or affected.</summary>
    Rows,
    /// <summary>Blocks read from and written to disk, temporary ones included.</summary>
    IO,
}

/// <summary>
/// Selects slow queries. Names and texts may contain PowerShell's wildcards; the comparison ignores case. Limits are for the
/// whole query, and not for each statement that the server counts.
/// </summary>
public sealed record SlowQueryFilter
{
    /// <summary>The most results; null for all.</summary>
    public int? Top { get; init; }

    /// <summary>Lowest mean execution time in milliseconds.</summary>
    public double MinimumMeanMs { get; init; }

    /// <summary>Lowest number of executions.</summary>
    public long MinimumCalls { get; init; }

    /// <summary>The order.</summary>
    public SlowQueryOrder OrderBy { get; init; }

    /// <summary>Databases; null for the connected one.</summary>
    public IReadOnlyList<string>? Databases { get; init; }

    /// <summary>Roles; null for all.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary>
    /// Texts, at least one of which must match; a text without a wildcard matches anywhere in the query. Null for all.
    /// </summary>
    public IReadOnlyList<string>? Like { get; init; }

    /// <summary>Texts, none of which may match.</summary>
    public IReadOnlyList<string>? ExcludeLike { get; init; }

    /// <summary>For the stored log only: executed at or after this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>For the stored log only: executed before this time.</summary>
    public DateTimeOffset? Until { get; init; }
}
