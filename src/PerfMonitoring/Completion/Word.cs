using System.Management.Automation.Language;

namespace PerfMonitoring.Completion;

/// <summary>Quoting of completed words.</summary>
internal static class Word
{
    /// <summary>What the user has typed so far, without its opening quote.</summary>
    public static string Unquote(string? word) => (word ?? "").Trim('\'', '"');

    /// <summary>A value as it can stand on the command line.</summary>
    public static string Quote(string value) =>
        value.Length > 0 && value.All(c => char.IsLetterOrDigit(c) || c is '_' or '-' or '.')
            ? value
            : "'" + CodeGeneration.EscapeSingleQuotedStringContent(value) + "'";
}
