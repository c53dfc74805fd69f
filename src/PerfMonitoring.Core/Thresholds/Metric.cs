using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>
/// Properties of a metric: the worse direction, the allowed units, and whether it can be measured for one table.
/// </summary>
internal sealed class Metric
{
    private static readonly Metric[] All =
    [
        new(MetricType.QueryTime, false, true, [ThresholdUnit.Milliseconds])
        {
            NoTableReason = "a statement may read several tables, and its text does not safely say which",
        },
        new(MetricType.IndexScanRatio, true, true, [ThresholdUnit.Ratio, ThresholdUnit.Percentage]),
        new(MetricType.TableSize, false, false, [ThresholdUnit.Bytes]),
        new(MetricType.CacheHitRatio, true, true, [ThresholdUnit.Ratio, ThresholdUnit.Percentage]),
        new(MetricType.ConnectionCount, false, false, [ThresholdUnit.Count, ThresholdUnit.Percentage])
        {
            NoTableReason = "connections belong to the server",
        },
        new(MetricType.DeadlockCount, false, true, [ThresholdUnit.Count])
        {
            NoTableReason = "the server counts deadlocks by database",
        },
    ];

    private Metric(MetricType type, bool lowerIsWorse, bool isCounted, ThresholdUnit[] units)
    {
        Type = type;
        LowerIsWorse = lowerIsWorse;
        IsCounted = isCounted;
        Units = units;
    }

    /// <summary>The metric.</summary>
    public MetricType Type { get; }

    /// <summary>Whether a smaller value is worse.</summary>
    public bool LowerIsWorse { get; }

    /// <summary>
    /// Whether it is a difference of counters over an observation window; otherwise it is measured at one moment.
    /// </summary>
    public bool IsCounted { get; }

    /// <summary>The allowed units of its limits; the first is the default.</summary>
    public IReadOnlyList<ThresholdUnit> Units { get; }

    private string? NoTableReason { get; init; }

    /// <summary>The metric of a type.</summary>
    public static Metric Of(MetricType type) =>
        Array.Find(All, m => m.Type == type) ?? throw new ArgumentOutOfRangeException(nameof(type), type, null);

    /// <summary>Refuses limits that make no sense.</summary>
    /// <param name="warning">The warning limit as the user writes it.</param>
    /// <param name="critical">The critical limit as the user writes it.</param>
    /// <param name="unit">The unit of both limits.</param>
    /// <param name="tableName">A table, or null.</param>
    /// <exception cref="PerfMonitoringException">UnitNotAllowed, TableNotAllowed, InvalidName, InvalidThreshold.</exception>
    public void Check(decimal warning, decimal critical, ThresholdUnit unit, string? tableName)
    {
        if (!Units.Contains(unit))
        {
            throw Invalid(
                ErrorIds.UnitNotAllowed, $"-Unit {unit} does not fit {Type}, which is measured in {string.Join(" or ", Units)}.",
                $"Write -Unit {Units[0]}, or leave -Unit out.", unit);
        }

        if (tableName is not null)
        {
            if (NoTableReason is not null)
            {
                throw Invalid(
                    ErrorIds.TableNotAllowed, $"-TableName cannot be used with {Type}: {NoTableReason}.", "Leave -TableName out.",
                    tableName);
            }

            if (RelationName.Parse(tableName).ToString().Length > 100)
            {
                throw Invalid(
                    ErrorIds.InvalidName, $"-TableName '{tableName}' has more than 100 characters, and the store keeps 100.",
                    "Rename the table, or leave -TableName out.", tableName);
            }
        }

        CheckLimit("-Warning", warning, unit);
        CheckLimit("-Critical", critical, unit);
        if (LowerIsWorse && warning < critical)
        {
            throw Invalid(
                ErrorIds.InvalidThreshold,
                $"-Warning {Text(warning)} is below -Critical {Text(critical)}; for {Type} lower is worse, so the warning "
                    + $"comes at the higher value.",
                $"Write -Warning {Text(critical)} -Critical {Text(warning)}.", warning);
        }

        if (!LowerIsWorse && warning > critical)
        {
            throw Invalid(
                ErrorIds.InvalidThreshold,
                $"-Warning {Text(warning)} is above -Critical {Text(critical)}; for {Type} higher is worse, so the warning "
                    + $"comes at the lower value.",
                $"Write -Warning {Text(critical)} -Critical {Text(warning)}.", warning);
        }
    }

    /// <summary>The limit in the store's form: where lower is worse, the difference to the maximum.</summary>
    public decimal ToStored(decimal natural, ThresholdUnit unit) => LowerIsWorse ? Whole(unit) - natural : natural;

    /// <summary>The limit as the user writes it.</summary>
    public decimal ToNatural(decimal stored, ThresholdUnit unit) => ToStored(stored, unit);

    /// <summary>State of a value against limits in the same unit. A value that reaches a limit violates it.</summary>
    public ThresholdState Judge(decimal value, decimal warning, decimal critical) =>
        Reaches(value, critical) ? ThresholdState.Critical : Reaches(value, warning) ? ThresholdState.Warning : ThresholdState.Ok;

    /// <summary>The maximum in a unit of shares: 1 or 100.</summary>
    internal static decimal Whole(ThresholdUnit unit) => unit == ThresholdUnit.Percentage ? 100 : 1;

    private bool Reaches(decimal value, decimal limit) => LowerIsWorse ? value <= limit : value >= limit;

    private void CheckLimit(string argument, decimal value, ThresholdUnit unit)
    {
        var isShare = unit is ThresholdUnit.Ratio or ThresholdUnit.Percentage;
        if (isShare && (value < 0 || value > Whole(unit)))
        {
            throw Invalid(
                ErrorIds.InvalidThreshold,
                $"{argument} {Text(value)} is not a {unit}: it must lie between 0 and {Text(Whole(unit))}.",
                unit == ThresholdUnit.Ratio && value is > 1 and <= 100
                    ? $"Write {argument} "
                        + $"{Text(value / 100)}{(Units.Contains(ThresholdUnit.Percentage) ? ", or add -Unit Percentage" : "")}."
                    : $"Write {argument} as a number between 0 and {Text(Whole(unit))}.",
                value);
        }

        if (LowerIsWorse && value == Whole(unit))
        {
            throw Invalid(
                ErrorIds.InvalidThreshold,
                $"{argument} {Text(value)} leaves no room: {Type} is never above {Text(value)}, so even a perfect value would "
                    + $"reach the limit (the store keeps its shortfall, which must be above 0).",
                $"Write a value below {Text(value)}.", value);
        }

        if (!LowerIsWorse && value <= 0)
        {
            throw Invalid(
                ErrorIds.InvalidThreshold, $"{argument} {Text(value)} must be above 0.", $"Write {argument} as a number above 0.",
                value);
        }
    }

    private static string Text(decimal value) => value.ToString("0.############", CultureInfo.InvariantCulture);

    private static PerfMonitoringException Invalid(string id, string message, string? remedy, object value) =>
        new(id, FailureKind.InvalidArgument, message, remedy, value);
}
