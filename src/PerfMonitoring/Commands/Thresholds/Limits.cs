using System.Collections;
using System.Globalization;
using System.Management.Automation;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.Thresholds;

/// <summary>What the threshold cmdlets share.</summary>
internal static class Limits
{
    /// <summary>A hashtable as values that JSON can hold.</summary>
    /// <exception cref="PerfMonitoringException">InvalidAlertConfiguration: a value of another kind.</exception>
    public static IReadOnlyDictionary<string, object?>? Configuration(IDictionary? table) => table is null ? null : Plain(table);

    public static PerfMonitoringException NotFound(string what) => new(
        "ThresholdNotFound", FailureKind.NotFound, $"There is no active threshold {what}.", "Get-PerformanceThreshold lists them.", what);

    private static Dictionary<string, object?> Plain(IDictionary table)
    {
        var plain = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in table)
        {
            var key = Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!;
            plain[key] = Plain(key, entry.Value);
        }

        return plain;
    }

    private static object? Plain(string key, object? value) => value is PSObject wrapped && wrapped.BaseObject is not PSCustomObject
        ? Plain(key, wrapped.BaseObject)
        : value switch
        {
            null or string or bool or int or long or decimal or double => value,
            DateTime or DateTimeOffset or Guid or Uri => LanguagePrimitives.ConvertTo<string>(value),
            Enum e => e.ToString(),
            IDictionary table => Plain(table),
            IEnumerable list => list.Cast<object?>().Select(v => Plain(key, v)).ToArray(),
            _ => throw new PerfMonitoringException(
                "InvalidAlertConfiguration", FailureKind.InvalidArgument,
                $"-AlertConfiguration holds a {value.GetType().Name} under '{key}', which JSON cannot hold.",
                "Use texts, numbers, true, false, lists and hashtables; keep secrets out of it.", key),
        };
}
