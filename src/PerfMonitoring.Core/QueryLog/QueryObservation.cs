namespace PerfMonitoring.QueryLog;

/// <summary>What a statement did in an interval, or one logged execution.</summary>
public sealed record QueryObservation
{
    /// <summary>Fingerprint of the statement.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The statement, normalised; cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>When the interval began; null for one whose beginning is unknown, and for an execution.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset End { get; init; }

    /// <summary>Executions; 1 for a logged one.</summary>
    public required long Calls { get; init; }

    /// <summary>Their time in milliseconds.</summary>
    public required double TotalTimeMs { get; init; }

    /// <summary>The sum of the squares of their times in square milliseconds; null where unknown.</summary>
    public double? SquaredTime { get; init; }

    /// <summary>Whether it is one logged execution and no interval.</summary>
    public bool IsExecution { get; init; }
}
