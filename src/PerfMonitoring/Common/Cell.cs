using System.Globalization;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Common;

/// <summary>
/// What the views compute for a cell, in the culture of the session; null for what is unknown. Texts go through
/// <see cref="VisibleText"/>.
/// </summary>
public static partial class Cell
{
    /// <summary>A number.</summary>
    public static string? Number(double? value, int decimals) =>
        value?.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.CurrentCulture);

    /// <summary>A size in MB of 1,048,576 bytes.</summary>
    public static string? Megabytes(long? bytes) => Number(bytes / 1048576.0, 1);

    /// <summary>A share of 1 in percent.</summary>
    public static string? Percent(double? share, int decimals) => Number(100 * share, decimals);

    /// <summary>A limit as a person writes it.</summary>
    public static string? Limit(decimal? value) => value?.ToString("0.####", CultureInfo.CurrentCulture);

    /// <summary>A moment, in local time.</summary>
    public static string? Time(DateTimeOffset? moment) => Local(moment, "yyyy-MM-dd HH:mm:ss");

    /// <summary>The time of day of a moment, in local time.</summary>
    public static string? TimeOfDay(DateTimeOffset? moment) => Local(moment, "HH:mm:ss");

    /// <summary>A moment with the distance of its time zone from UTC.</summary>
    public static string? ZonedTime(DateTimeOffset? moment) =>
        moment?.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);

    /// <summary>yes or no.</summary>
    public static string YesNo(bool value) => value ? "yes" : "no";

    /// <summary>A statement in one line.</summary>
    public static string OneLine(string? statement) => VisibleText.Line(Space().Replace(statement ?? "", " "));

    private static string? Local(DateTimeOffset? moment, string format) =>
        moment?.ToLocalTime().ToString(format, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
