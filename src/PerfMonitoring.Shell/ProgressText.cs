using System.Management.Automation;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Shell;

/// <summary>Turns progress records into lines of a log: few enough to be read, often enough to see that it goes on.</summary>
internal sealed partial class ProgressText
{
    private const int Step = 25;

    private readonly Dictionary<(long Source, int Activity), (string Phase, int Percent)> last = [];

    /// <summary>The line to print, when a new phase has begun or the share has grown by at least 25 percent; otherwise null.</summary>
    public string? LineFor(long sourceId, ProgressRecord record)
    {
        var key = (sourceId, record.ActivityId);
        if (record.RecordType == ProgressRecordType.Completed)
        {
            last.Remove(key);
            return null;
        }

        // A count that goes up is no new phase.
        var phase = Number().Replace(record.Activity + "\n" + record.StatusDescription, "#");
        if (last.TryGetValue(key, out var before)
            && before.Phase == phase
            && Math.Abs(record.PercentComplete - before.Percent) < Step)
        {
            return null;
        }

        last[key] = (phase, record.PercentComplete);
        return Describe(record);
    }

    public static string Describe(ProgressRecord record)
    {
        var share = record.PercentComplete >= 0 ? $" {record.PercentComplete} %" : "";
        var operation = string.IsNullOrWhiteSpace(record.CurrentOperation) ? "" : $" ({record.CurrentOperation})";
        return $"{record.Activity}: {record.StatusDescription}{share}{operation}";
    }

    [GeneratedRegex(@"\d+([.,]\d+)*")]
    private static partial Regex Number();
}
