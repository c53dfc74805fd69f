using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>
/// Two limits for one metric, in the user's own terms: for CacheHitRatio and IndexScanRatio lower is worse, so
/// <see cref="Warning"/> is above <see cref="Critical"/>; for the others below or equal.
/// </summary>
public sealed record PerformanceThreshold
{
    /// <summary>Identifier in the store; null for limits that are not stored.</summary>
    public Guid? Id { get; init; }

    /// <summary>What is watched.</summary>
    public required MetricType MetricType { get; init; }

    /// <summary>The table that it is about, as in SQL; null for the whole database or server.</summary>
    public string? TableName { get; init; }

    /// <summary>A value that reaches it is a warning. In <see cref="Unit"/>.</summary>
    public required decimal Warning { get; init; }

    /// <summary>A value that reaches it is critical. In <see cref="Unit"/>.</summary>
    public required decimal Critical { get; init; }

    /// <summary>The unit of both limits.</summary>
    public required ThresholdUnit Unit { get; init; }

    /// <summary>Whether somebody is to be told.</summary>
    public bool AlertEnabled { get; init; } = true;

    /// <summary>How, as the user wrote it; null for nothing.</summary>
    public IReadOnlyDictionary<string, object?>? AlertConfiguration { get; init; }

    /// <summary>Who made it; null when it is not stored.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Who changed it last; null when nobody did.</summary>
    public string? UpdatedBy { get; init; }

    /// <summary>When it was made; null when it is not stored.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When it was changed last; null when it is not stored.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>False once it was removed.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>The database of the store that it is in; null when it is not stored.</summary>
    public ServerTarget? Store { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the store: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? StoreIdentity => Store?.Identity;
}
