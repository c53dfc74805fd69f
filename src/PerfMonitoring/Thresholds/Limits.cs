using System.Collections;
using System.Globalization;
using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>Shared code of the threshold cmdlets.</summary>
internal static class Limits
{
    // The configuration of an alert is not deeper. More is a mistake, such as an object that contains itself.
    private const int DeepestConfiguration = 16;
    private const int MostValues = 1_000;
    private const int LongestText = 10_000;

    /// <summary>A hashtable as values that JSON can hold.</summary>
    /// <exception cref="PerfMonitoringException">InvalidAlertConfiguration: a value of another kind, too deep, or too
    /// much.</exception>
    public static AlertConfiguration? Configuration(IDictionary? table)
    {
        var values = 0;
        return table is null ? null : new AlertConfiguration(Plain(table, "", 1, ref values));
    }

    /// <summary>A table's name with its schema, quoted as in SQL.</summary>
    /// <exception cref="PerfMonitoringException">InvalidName, TableNotFound.</exception>
    public static async Task<string> FindTableAsync(
        IMonitoringConnection connection, string table, CancellationToken cancellationToken)
    {
        var name = RelationName.Parse(table);
        return (await connection.Metrics.FindTableAsync(name, cancellationToken))?.Name ?? throw new PerfMonitoringException(
            ErrorIds.TableNotFound, FailureKind.NotFound, $"{connection.Target} has no table {name}.",
            "Check -TableName and its schema.", table);
    }

    public static PerfMonitoringException NotFound(string what) => new(
        ErrorIds.ThresholdNotFound, FailureKind.NotFound, $"There is no active threshold {what}.",
        "Get-PerformanceThreshold lists them.", what);

    private static Dictionary<string, object?> Plain(IDictionary table, string path, int depth, ref int values)
    {
        var plain = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry entry in table)
        {
            var key = (entry.Key is PSObject wrapped ? wrapped.BaseObject : entry.Key) switch
            {
                string text when text.Length <= LongestText => Storable(text, path),
                int or long or Guid or Enum => Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!,
                var other => throw Invalid(path, $"has a {other.GetType().Name} as a key"),
            };
            var below = path.Length == 0 ? key : $"{path}.{key}";
            if (!plain.TryAdd(key, Plain(entry.Value, below, depth + 1, ref values)))
            {
                throw Invalid(below, "is there twice; case makes no difference");
            }
        }

        return plain;
    }

    private static object? Plain(object? value, string path, int depth, ref int values)
    {
        if (depth > DeepestConfiguration)
        {
            throw Invalid(path, $"is nested deeper than {DeepestConfiguration} levels, or holds itself");
        }

        if (++values > MostValues)
        {
            throw Invalid(path, $"is one value too many: {MostValues} are taken");
        }

        value = value is PSObject wrapped && wrapped.BaseObject is not PSCustomObject ? wrapped.BaseObject : value;
        switch (value)
        {
            case null or bool or byte or sbyte or short or ushort or int or uint or long or ulong or decimal:
                return value;
            case double number:
                return double.IsFinite(number)
                    ? number : throw Invalid(path, $"is {number.ToString(CultureInfo.InvariantCulture)}, which JSON cannot hold");
            case float number:
                return float.IsFinite(number)
                    ? number : throw Invalid(path, $"is {number.ToString(CultureInfo.InvariantCulture)}, which JSON cannot hold");
            case string text:
                return Storable(text, path);
            case char character:
                return Storable(character.ToString(), path);
            case DateTime time:
                return time.ToString("O", CultureInfo.InvariantCulture);
            case DateTimeOffset time:
                return time.ToString("O", CultureInfo.InvariantCulture);
            case TimeSpan time:
                return time.ToString("c", CultureInfo.InvariantCulture);
            case Guid or Uri or Version:
                return value.ToString();
            case Enum word:
                return word.ToString();
            case SwitchParameter isSet:
                return isSet.IsPresent;
            case IDictionary table:
                return Plain(table, path, depth, ref values);
            case PSObject custom:
                return Plain(
                    custom.Properties.Where(p => p.IsGettable).ToDictionary(p => p.Name, p => p.Value), path, depth, ref values);
            case IEnumerable list:
                var elements = new List<object?>();
                foreach (var element in list)
                {
                    elements.Add(Plain(element, $"{path}[{elements.Count}]", depth + 1, ref values));
                }

                return elements.ToArray();
            case var other:
                throw Invalid(path, $"is a {other.GetType().Name}, which JSON cannot hold");
        }
    }

    private static string Storable(string text, string path) =>
        text.Length > LongestText ? throw Invalid(path, $"is a text of {text.Length} characters; at most {LongestText} are taken")
        : text.Contains('\0', StringComparison.Ordinal)
        ? throw Invalid(path, "holds a zero character, which PostgreSQL has in no text")
        : text;

    private static PerfMonitoringException Invalid(string path, string why) => new(
        ErrorIds.InvalidAlertConfiguration, FailureKind.InvalidArgument,
        $"-AlertConfiguration cannot be stored: {(path.Length == 0 ? "it" : $"'{VisibleText.Line(path, 100)}'")} {why}.",
        "Use texts, numbers, true, false, lists and hashtables; keep secrets out of it.", path);
}
