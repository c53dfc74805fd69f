using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>The argument of a parameter that takes wildcards: one name, or every name that matches a pattern.</summary>
internal sealed class NamePattern
{
    private readonly WildcardPattern? pattern;

    public NamePattern(string text)
    {
        Text = text;
        if (WildcardPattern.ContainsWildcardCharacters(text))
        {
            try
            {
                pattern = WildcardPattern.Get(text, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
                // PowerShell parses a pattern only at its first use.
                pattern.IsMatch("");
            }
            catch (WildcardPatternException)
            {
                // An unclosed bracket can only be meant literally.
                pattern = null;
            }
        }
    }

    /// <summary>The user's text.</summary>
    public string Text { get; }

    /// <summary>The name, if the text is not a pattern; a backtick escapes a wildcard character.</summary>
    public string Name => WildcardPattern.Unescape(Text);

    /// <summary>Whether the text is a pattern. A name that is not a pattern must exist.</summary>
    public bool IsPattern => pattern is not null;

    // A piped name may contain a character that is a wildcard to PowerShell, so an identical text always matches.
    public bool Matches(string name) =>
        string.Equals(Text, name, StringComparison.OrdinalIgnoreCase)
        || (pattern?.IsMatch(name) ?? string.Equals(Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a table matches: with or without its schema, plain or quoted as in SQL.</summary>
    public bool Matches(RelationName table) =>
        Matches(table.ToString()) || Matches(table.Name) || Matches(Identifier.Quote(table.Name))
            || Matches(table.Schema + "." + table.Name);

    public static NamePattern[]? Of(string[]? texts) =>
        texts is { Length: > 0 } ? [.. texts.Select(t => new NamePattern(t))] : null;
}
