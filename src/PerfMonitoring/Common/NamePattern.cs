using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>What a parameter that takes wildcards asks for: one name, or every name of a pattern.</summary>
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
                // It is read only when it is used.
                pattern.IsMatch("");
            }
            catch (WildcardPatternException)
            {
                // A bracket that is not closed can only be meant as it stands.
                pattern = null;
            }
        }
    }

    /// <summary>What the user wrote.</summary>
    public string Text { get; }

    /// <summary>The name that is asked for where it is no pattern: a backtick stands before what would be a wildcard.</summary>
    public string Name => WildcardPattern.Unescape(Text);

    /// <summary>Whether it asks for all that match. Else the one that it names must be there.</summary>
    public bool IsPattern => pattern is not null;

    // What comes from a pipeline may hold what is a wildcard to PowerShell: the same text always matches.
    public bool Matches(string name) =>
        string.Equals(Text, name, StringComparison.OrdinalIgnoreCase)
        || (pattern?.IsMatch(name) ?? string.Equals(Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a table is asked for: with or without its schema, as it is called or as it stands in SQL.</summary>
    public bool Matches(RelationName table) =>
        Matches(table.ToString()) || Matches(table.Name) || Matches(Identifier.Quote(table.Name))
            || Matches(table.Schema + "." + table.Name);

    public static NamePattern[]? Of(string[]? texts) =>
        texts is { Length: > 0 } ? [.. texts.Select(t => new NamePattern(t))] : null;
}
