using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>How a value stands to its limits.</summary>
public enum ThresholdState
{
    /// <summary>Within both limits.</summary>
    Ok,
    /// <summary>The warning limit is reached.</summary>
    Warning,
    /// <summary>The critical limit is reached.</summary>
    Critical,
    /// <summary>There is no value; <see cref="ThresholdResult.Reason"/> says why.</summary>
    Unknown,
}

/// <summary>What a <see cref="ThresholdResult"/> speaks of.</summary>
public enum ThresholdSubject
{
    /// <summary>The whole server.</summary>
    Server,
    /// <summary>The monitored database.</summary>
    Database,
    /// <summary>One table with its indexes and TOAST, or with its partitions.</summary>
    Table,
    /// <summary>One normalised statement.</summary>
    Query,
}

/// <summary>One value, held against two limits.</summary>
public sealed record ThresholdResult
{
    /// <summary>How the value stands.</summary>
    public required ThresholdState State { get; init; }

    /// <summary>What was measured.</summary>
    public required MetricType MetricType { get; init; }

    /// <summary>What kind of thing it was measured on.</summary>
    public required ThresholdSubject Subject { get; init; }

    /// <summary>The thing: host and port, a database, a table, or the beginning of a statement.</summary>
    public required string ObjectName { get; init; }

    /// <summary>The value in <see cref="Unit"/>; null when Unknown.</summary>
    public decimal? Value { get; init; }

    /// <summary>The warning limit in <see cref="Unit"/>.</summary>
    public required decimal Warning { get; init; }

    /// <summary>The critical limit in <see cref="Unit"/>.</summary>
    public required decimal Critical { get; init; }

    /// <summary>The unit of the value and of both limits.</summary>
    public required ThresholdUnit Unit { get; init; }

    /// <summary>Where the window begins that was counted; null for what is measured at one moment, or when Unknown.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Where the window ends, or the moment of the measurement, by the server's clock; null when Unknown.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Why the value is Unknown; null otherwise.</summary>
    public string? Reason { get; init; }

    /// <summary>The normalised statement; null unless the subject is a query.</summary>
    public string? Query { get; init; }

    /// <summary>SHA-256 of the normalised statement; null unless the subject is a query.</summary>
    public string? QueryHash { get; init; }

    /// <summary>The server's own identifier of the statement; null unless the subject is a query.</summary>
    public long? QueryId { get; init; }

    /// <summary>How often the statement ran in the window; null unless the subject is a query.</summary>
    public long? Calls { get; init; }

    /// <summary>The stored threshold; null when the limits were given by hand.</summary>
    public Guid? ThresholdId { get; init; }

    /// <summary>The database that was measured.</summary>
    public required ServerTarget Target { get; init; }
}
