namespace PerfMonitoring.Statements;

/// <summary>What slow queries are ordered by, the most first.</summary>
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
/// Which slow queries are asked for. Names and texts may hold PowerShell's wildcards and are compared without regard to case.
/// </summary>
public sealed record SlowQueryFilter
{
    /// <summary>At most so many; null for all.</summary>
    public int? Top { get; init; }

    /// <summary>Lowest mean execution time in milliseconds.</summary>
    public double MinimumMeanMs { get; init; }

    /// <summary>Lowest number of executions.</summary>
    public long MinimumCalls { get; init; }

    /// <summary>The order.</summary>
    public SlowQueryOrder OrderBy { get; init; }

    /// <summary>Databases; null for the one that is connected to.</summary>
    public IReadOnlyList<string>? Databases { get; init; }

    /// <summary>Roles; null for all.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary>Texts, one of which must match; without a wildcard a text matches wherever it stands. Null for all.</summary>
    public IReadOnlyList<string>? Like { get; init; }

    /// <summary>Texts, none of which may match.</summary>
    public IReadOnlyList<string>? ExcludeLike { get; init; }

    /// <summary>From the stored log only: executed at or after this.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>From the stored log only: executed before this.</summary>
    public DateTimeOffset? Until { get; init; }
}
