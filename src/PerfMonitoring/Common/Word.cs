using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;

namespace PerfMonitoring.Common;

/// <summary>Quoting of completed words.</summary>
internal static class Word
{
    /// <summary>The user's input so far, without its opening quote.</summary>
    public static string Unquote(string? word) => (word ?? "").Trim('\'', '"');

    /// <summary>Completions for the names that begin with what was typed, or match it where it has wildcards.</summary>
    /// <param name="typed">The word so far, without quotes.</param>
    /// <param name="names">Names and their tool tips.</param>
    public static IEnumerable<CompletionResult> Choices(string typed, IEnumerable<(string Name, string ToolTip)> names)
    {
        var pattern = new NamePattern(typed);
        return names.Where(n => n.Name.StartsWith(typed, StringComparison.OrdinalIgnoreCase)
                || (pattern.IsPattern && pattern.Matches(n.Name)))
            .DistinctBy(n => n.Name, StringComparer.OrdinalIgnoreCase).Select(n => Choice(n.Name, n.ToolTip));
    }

    /// <summary>A completion: the text for the command line, the text in the list, and the tool tip.</summary>
    public static CompletionResult Choice(string value, string toolTip) =>
        new(Quote(value), VisibleText.Line(value), CompletionResultType.ParameterValue, VisibleText.Line(toolTip));

    // Characters that a terminal would not show become PowerShell escapes, so that the line has the same value when it runs.
    private static string Quote(string value) =>
        value.Length > 0 && value.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.') ? value
        : value.EnumerateRunes().All(VisibleText.IsVisible) ? "'" + CodeGeneration.EscapeSingleQuotedStringContent(value) + "'"
        : "\"" + string.Concat(value.EnumerateRunes().Select(Escape)) + "\"";

    private static string Escape(Rune character) => character.Value switch
    {
        _ when !VisibleText.IsVisible(character) => string.Create(CultureInfo.InvariantCulture, $"`u{{{character.Value:x}}}"),
        '"' or '`' or '$' or '\u201C' or '\u201D' or '\u201E' => "`" + character,
        _ => character.ToString(),
    };
}
