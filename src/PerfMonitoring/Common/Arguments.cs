using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;

namespace PerfMonitoring.Common;

/// <summary>Checks that apply to every argument of every cmdlet. No error contains a value, because it may be a secret.</summary>
internal static class Arguments
{
    // Longer than any sensible name, and short enough for a server, a log and a screen.
    private const int LongestName = 1_000;
    private const int LongestText = 10_000;
    private const int LongestQuery = 1_000_000;

    private static readonly string[] MayBeNull = ["AlertConfiguration", "Credential", "StoreCredential"];

    private static readonly DateTimeOffset Earliest = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Latest = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Refuses arguments that cannot be intended.</summary>
    /// <param name="bound">Parameters and their arguments.</param>
    /// <param name="areTyped"> Whether they stand on the command line. What comes by property name may be an empty text: a file
    /// has one where nothing was written.
    /// </param>
    /// <param name="cmdlet">The type of the cmdlet: its parameters say their limits.</param>
    /// <exception cref="PerfMonitoringException">
    /// InvalidArgument; Invalid and the name of the parameter where a duration is out of its limits.
    /// </exception>
    public static void Check(Dictionary<string, object> bound, bool areTyped, Type cmdlet)
    {
        foreach (var (parameter, value) in bound)
        {
            Check(parameter, value, areTyped);
            if (value is TimeSpan time
                && cmdlet.GetProperty(parameter)?.GetCustomAttribute<DurationAttribute>() is { } limits && !limits.Allows(time))
            {
                throw new PerfMonitoringException(
                    "Invalid" + parameter, FailureKind.InvalidArgument,
                    $"-{parameter} is {time.ToString("c", CultureInfo.InvariantCulture)}; it must be {limits}.",
                    "Write it as 250ms, 45s, 30m, 12h or 7d, or as days.hours:minutes:seconds.", value);
            }
        }

        if (Moment(bound, "Since") is { } since && Moment(bound, "Until") is { } until && since > until)
        {
            throw Invalid(
                "Since", $"-Since {since:u} is after -Until {until:u}, so nothing can lie between.",
                "Exchange them, or leave one of them out.");
        }
    }

    private static void Check(string parameter, object? value, bool areTyped)
    {
        value = value is PSObject wrapped ? wrapped.BaseObject : value;
        switch (value)
        {
            // A misspelt variable must not mean all tables, or the default session.
            case null when areTyped && !MayBeNull.Contains(parameter):
                throw Invalid(
                    parameter, $"-{parameter} is null.",
                    $"A variable may be misspelt; where nothing is meant leave -{parameter} out.");
            case string text:
                CheckText(parameter, text, areTyped);
                break;
            case DateTimeOffset time when time < Earliest || time > Latest:
            case DateTime day when day < Earliest.DateTime || day > Latest.DateTime:
                throw Invalid(
                    parameter, $"-{parameter} is not a time between the years 1900 and 9000.",
                    "Write it as 2026-07-30 or '2026-07-30 22:00'.");
            case IDictionary or PSCustomObject:
                break;
            case ICollection { Count: 0 } when areTyped:
                throw Invalid(
                    parameter, $"-{parameter} is an empty list.", $"Give it at least one element, or leave -{parameter} out.");
            // A long typed list was already checked, and is not checked again for each item of the pipeline.
            case ICollection list when areTyped || list.Count <= 16:
                CheckList(parameter, list, areTyped);
                break;
        }
    }

    private static void CheckList(string parameter, ICollection list, bool areTyped)
    {
        var number = 0;
        foreach (var element in list)
        {
            number++;
            if (element is null)
            {
                throw Invalid(
                    parameter, $"Element {number} of -{parameter} is null.",
                    "Leave it out; a variable or property in it may be misspelt.");
            }

            if ((element is PSObject wrapped ? wrapped.BaseObject : element) is string text)
            {
                CheckText(parameter, text, areTyped);
            }
        }
    }

    private static void CheckText(string parameter, string text, bool isTyped)
    {
        var longest = parameter switch
        {
            "Query" or "InputObject" => LongestQuery,
            "Where" or "Expression" or "ConnectionString" or "StoreConnectionString" => LongestText,
            _ => LongestName,
        };
        // A file that is piped line by line has empty lines.
        if (string.IsNullOrWhiteSpace(text) && (isTyped || text.Length > 0) && parameter != "InputObject")
        {
            throw Invalid(parameter, $"-{parameter} is blank.", $"Write what is meant, or leave -{parameter} out.");
        }

        if (text.Length > longest)
        {
            throw Invalid(
                parameter,
                string.Create(
                    CultureInfo.InvariantCulture, $"-{parameter} has {text.Length} characters; at most {longest} are taken."),
                "Write less.");
        }

        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid(parameter, $"-{parameter} holds a zero character, which PostgreSQL has in no text.", "Take it out.");
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && !(char.IsSurrogatePair(text, i) && ++i > 0))
            {
                throw Invalid(parameter, $"-{parameter} holds half of a character (a single surrogate).", "Take it out.");
            }
        }
    }

    private static DateTimeOffset? Moment(Dictionary<string, object> bound, string parameter) =>
        !bound.TryGetValue(parameter, out var value) ? null : (value is PSObject wrapped ? wrapped.BaseObject : value) switch
        {
            DateTimeOffset time => time,
            DateTime time => time,
            _ => null,
        };

    private static PerfMonitoringException Invalid(string parameter, string message, string remedy) =>
        new(ErrorIds.InvalidArgument, FailureKind.InvalidArgument, message, remedy, parameter);
}
