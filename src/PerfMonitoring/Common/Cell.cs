using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Common;

/// <summary>
/// What the views compute for a cell, in the culture of the session; null for what is unknown. Texts go through
/// <see cref="VisibleText"/>.
/// </summary>
public static partial class Cell
{
    private static readonly string[] Good =
        ["AlreadyExists", "Chosen", "Created", "Improved", "Ok", "Rebuilt", "Removed", "Succeeded", "Yes"];

    private static readonly string[] Bad = ["Block", "Critical", "Denied", "Failed", "Regressed"];

    private static readonly string[] Doubtful =
    [
        "Blocked", "Cancelled", "Deferred", "Insufficient", "Kept", "Missing", "NotThere", "Reverted", "Started", "Unknown",
        "Warn", "Warning",
    ];

    /// <summary>A number.</summary>
    public static string? Number(double? value, int decimals) =>
        value?.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.CurrentCulture);

    /// <summary>A number of bytes in MB of 1,048,576 bytes, to be compared as it is shown.</summary>
    public static double? Megabytes(long? bytes) => bytes is { } known ? Math.Round(known / 1048576.0, 1) : null;

    /// <summary>A share of 1 in percent, to be compared as it is shown.</summary>
    public static double? Percent(double? share) => share is { } known ? Math.Round(100 * known, 2) : null;

    /// <summary>A limit as a person writes it.</summary>
    public static string? Limit(decimal? value) => value?.ToString("0.####", CultureInfo.CurrentCulture);

    /// <summary>
    /// A moment in the time zone of the session, with its distance from UTC as PostgreSQL writes it: 2026-03-29 14:05:00+02.
    /// </summary>
    public static string? Time(DateTimeOffset? moment)
    {
        var text = moment?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:sszzz", CultureInfo.InvariantCulture);
        return text is not null && text.EndsWith(":00", StringComparison.Ordinal) ? text[..^3] : text;
    }

    /// <summary>A day.</summary>
    public static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>A duration, to a tenth of a second.</summary>
    public static string? Duration(TimeSpan? duration) =>
        duration?.ToString(duration.Value.Days == 0 ? @"hh\:mm\:ss\.f" : @"d\.hh\:mm\:ss\.f", CultureInfo.InvariantCulture);

    /// <summary>A statement in one line.</summary>
    public static string OneLine(string? statement) => VisibleText.Line(Space().Replace(statement ?? "", " ").Trim());

    /// <summary>The beginning of a statement in one line.</summary>
    /// <param name="statement">The statement, or null.</param>
    /// <param name="width">The most characters to show; the last one is an ellipsis if there are more.</param>
    public static string OneLine(string? statement, int width)
    {
        var line = OneLine(statement);
        return line.Length <= width ? line : line[..(width - 1)] + "…";
    }

    /// <summary>A text, and below it the reason, if there is one.</summary>
    public static string WithReason(string? text, string? reason) =>
        VisibleText.Line(text) + (string.IsNullOrEmpty(reason) ? "" : "\n" + VisibleText.Line(reason));

    /// <summary>
    /// A state or a verdict in the colour that the user has chosen for errors and warnings, or in green; without colour where
    /// <c>$PSStyle.OutputRendering</c> is PlainText. PowerShell takes the colour away where output is redirected.
    /// </summary>
    /// <param name="state">A word of an enumeration, or null.</param>
    /// <param name="style">$PSStyle, or null.</param>
    public static string? State(object? state, object? style)
    {
        var word = state?.ToString();
        var colour = word is null || Read(style, "OutputRendering") is null or "PlainText" ? null
            : Bad.Contains(word) ? Read(style, "Formatting", "Error")
            : Doubtful.Contains(word) ? Read(style, "Formatting", "Warning")
            : Good.Contains(word) ? Read(style, "Foreground", "Green") : null;
        return string.IsNullOrEmpty(colour) ? word : colour + word + Read(style, "Reset");
    }

    // The type of $PSStyle is in no reference assembly.
    private static string? Read(object? holder, params string[] path)
    {
        foreach (var name in path)
        {
            holder = holder is null ? null : PSObject.AsPSObject(holder).Properties[name]?.Value;
        }

        return holder?.ToString();
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
