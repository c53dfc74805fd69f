namespace PerfMonitoring.QueryLog;

/// <summary>The activity of a query in an interval, or one logged execution.</summary>
public sealed record QueryObservation
{
    /// <summary>Fingerprint of the statement.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The query; cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>Start of the interval; null where it is unknown, and for an execution.</summary>
    public DateTimeOffset? Start { get; init; }

    /// <summary>End of the interval or execution.</summary>
    public required DateTimeOffset End { get; init; }

    /// <summary>Number of executions; 1 for a logged one.</summary>
    public required long Calls { get; init; }

    /// <summary>Execution time of all calls, in milliseconds.</summary>
    public required double TotalTimeMs { get; init; }

    /// <summary>Sum of the squares of the execution times, in square milliseconds; null where unknown.</summary>
    public double? SquaredTime { get; init; }

    /// <summary>Whether it is one logged execution; else it is an interval.</summary>
    public bool IsExecution { get; init; }
}
