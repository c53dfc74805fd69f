using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>State of a value against its limits.</summary>
public enum ThresholdState : long
{
    /// <summary>There is no value; <see cref="ThresholdResult.Reason"/> gives the reason.</summary>
    Unknown,
    /// <summary>No limit is reached.</summary>
    Ok,
    /// <summary>The warning limit is reached.</summary>
    Warning,
    /// <summary>The critical limit is reached.</summary>
    Critical,
}

/// <summary>The kind of object of a <see cref="ThresholdResult"/>.</summary>
public enum ThresholdSubject : long
{
    /// <summary>The whole server.</summary>
    Server = 1,
    /// <summary>The monitored database.</summary>
    Database,
    /// <summary>One table with its indexes and TOAST, or with its partitions.</summary>
    Table,
    /// <summary>One query.</summary>
    Query,
}

/// <summary>One value, compared with two limits.</summary>
public sealed record ThresholdResult
{
    /// <summary>The state, the metric and the object.</summary>
    public override string ToString() => ShortText.Of($"{State}: {MetricType} of {ObjectName}");

    /// <summary>State of the value.</summary>
    public required ThresholdState State { get; init; }

    /// <summary>The measured metric.</summary>
    public required MetricType MetricType { get; init; }

    /// <summary>The kind of the measured object.</summary>
    public required ThresholdSubject Subject { get; init; }

    /// <summary>The object: host and port, a database, a table, or the beginning of a query.</summary>
    public required string ObjectName { get; init; }

    /// <summary>The value in <see cref="Unit"/>; null when Unknown.</summary>
    public decimal? Value { get; init => field = Figure.Round(value); }

    /// <summary>The warning limit in <see cref="Unit"/>.</summary>
    public required decimal Warning { get; init; }

    /// <summary>The critical limit in <see cref="Unit"/>.</summary>
    public required decimal Critical { get; init; }

    /// <summary>The unit of the value and of both limits.</summary>
    public required ThresholdUnit Unit { get; init; }

    /// <summary>Start of the observation window; null for a metric that is measured at one moment, or when Unknown.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>
    /// End of the observation window, or the time of the measurement, by the clock of the server; null when Unknown.
    /// </summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The reason why the value is Unknown; null otherwise.</summary>
    public string? Reason { get; init; }

    /// <summary>The query; null unless the subject is a query.</summary>
    public string? Query { get; init; }

    /// <summary>SHA-256 of the query; null unless the subject is a query.</summary>
    public string? QueryHash { get; init; }

    /// <summary>The server's identifier of the statement; null unless the subject is a query.</summary>
    public long? QueryId { get; init; }

    /// <summary>Number of executions in the observation window; null unless the subject is a query.</summary>
    public long? Calls { get; init; }

    /// <summary>The stored threshold; null where the limits were given by hand.</summary>
    public Guid? ThresholdId { get; init; }

    /// <summary>The measured database.</summary>
    public required ServerTarget Target { get; init; }
}
