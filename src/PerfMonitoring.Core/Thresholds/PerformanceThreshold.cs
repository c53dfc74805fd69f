using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>
/// Two limits for one metric, as the user writes them: for CacheHitRatio and IndexScanRatio lower is worse, so
/// <see cref="Warning"/> is above <see cref="Critical"/>; for the other metrics it is below or equal.
/// </summary>
public sealed record PerformanceThreshold
{
    /// <summary>The metric, its table and its limits.</summary>
    public override string ToString() => ShortText.Of(string.Create(
        CultureInfo.CurrentCulture,
        $"{MetricType}{(TableName is null ? "" : " of " + TableName)}: warning {Warning:0.####}, critical {Critical:0.####} "
            + $"{Unit}"));

    /// <summary>Identifier in the store; null for limits that are not stored.</summary>
    public Guid? Id { get; init; }

    /// <summary>The monitored metric.</summary>
    public required MetricType MetricType { get; init; }

    /// <summary>The table, as SQL writes it; null for the whole database or server.</summary>
    public string? TableName { get; init; }

    /// <summary>A value that reaches it is a warning. The unit is <see cref="Unit"/>.</summary>
    public required decimal Warning { get; init; }

    /// <summary>A value that reaches it is critical. The unit is <see cref="Unit"/>.</summary>
    public required decimal Critical { get; init; }

    /// <summary>The unit of both limits.</summary>
    public required ThresholdUnit Unit { get; init; }

    /// <summary>Whether to send an alert.</summary>
    public bool AlertEnabled { get; init; } = true;

    /// <summary>Configuration of the alert, as the user wrote it; null for none.</summary>
    public AlertConfiguration? AlertConfiguration { get; init; }

    /// <summary>Name of the acting user who created it; null where it is not stored.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Name of the acting user who last changed it; null where nobody did.</summary>
    public string? UpdatedBy { get; init; }

    /// <summary>Time of creation; null where it is not stored.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Time of the last change; null where it is not stored.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>False after removal.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>The monitored database of the session that read or stored it; null where no session did.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;

    /// <summary>The database of the store; null where it is not stored.</summary>
    public ServerTarget? Store { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the store as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? StoreIdentity => Store?.Identity;
}
