using System.Globalization;
using System.Text.RegularExpressions;
using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>An amount of memory in PostgreSQL's notation for settings: 512MB, or kilobytes where no unit is given.</summary>
internal static partial class MemorySetting
{
    // maintenance_work_mem on 64-bit systems (guc_tables.c; MAX_KILOBYTES). PostgreSQL 17 also accepts less than a megabyte,
    // which is useless for a build.
    private const long MinimumKilobytes = 1024;
    private const long MaximumKilobytes = int.MaxValue;

    /// <summary>What it must be, in words.</summary>
    public const string Limits = "from 1MB to 2047GB, as PostgreSQL writes it: a whole number with kB, MB, GB or TB";

    /// <summary>Refuses an amount that the server would refuse for maintenance_work_mem, before any work starts.</summary>
    /// <param name="parameter">The parameter, without its dash.</param>
    /// <param name="value">The amount.</param>
    /// <exception cref="PerfMonitoringException">InvalidMaintenanceWorkMem, where that is the name of the parameter.</exception>
    public static void Check(string parameter, string value)
    {
        if (!IsKnown(value))
        {
            throw new PerfMonitoringException(
                "Invalid" + parameter, FailureKind.InvalidArgument, $"-{parameter} is '{value}'; it must be {Limits}.",
                "Write 512MB, or 2GB.", value);
        }
    }

    /// <summary>Whether the server would take an amount for maintenance_work_mem.</summary>
    public static bool IsKnown(string value) => Pattern().Match(value) is { Success: true } match
            && decimal.TryParse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Kilobytes(number, match.Groups["unit"].Value) is >= MinimumKilobytes and <= MaximumKilobytes;

    // An amount beyond the range of decimal stays beyond all limits.
    private static decimal Kilobytes(decimal number, string unit) =>
        number > MaximumKilobytes ? decimal.MaxValue : number * unit switch
    {
        "MB" => 1024,
        "GB" => 1024 * 1024,
        "TB" => 1024 * 1024 * 1024,
        _ => 1,
    };

    [GeneratedRegex(@"^(?<number>[0-9]+) ?(?<unit>kB|MB|GB|TB)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
