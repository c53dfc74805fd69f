using System.Text;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>
/// Collects every name that a text might hold, whatever its quotes and comments are, because no lexer is trusted here. Words in
/// constants and comments are included. So even if the server reads a text differently, every name in it was checked.
/// </summary>
internal static class SqlWords
{
    // A name has at most 63 bytes; the server cuts longer ones.
    private const int LongestName = 63;

    // A rule may turn a DELETE into an INSERT.
    private static readonly string[] Writing = ["insert", "update", "merge", "delete"];

    /// <summary>The most names that a text may have; a longer text is not checked.</summary>
    public const int Maximum = 20_000;

    /// <summary>
    /// The names of a text: as written, folded to lower case as the server does it in any encoding, and without characters that
    /// may stand right before a name.
    /// </summary>
    public static IReadOnlySet<string> Of(string text)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < text.Length && words.Count <= Maximum;)
        {
            if (text[i] == '"')
            {
                words.Add(Quoted(text, i));
            }

            var start = i;
            while (i < text.Length && IsPart(text[i]))
            {
                i++;
            }

            if (i == start)
            {
                i++;
                continue;
            }

            // "1e5name", "$1name", "$tag$name": the end of a number, a parameter or a string depends on the version.
            var startsWithNumber = text[start] == '$' || char.IsAsciiDigit(text[start]);
            for (var at = start; at < i && words.Count <= Maximum; at++)
            {
                if (at == start || text[at - 1] == '$'
                    || (startsWithNumber && char.IsAsciiDigit(text[at - 1]) && !char.IsAsciiDigit(text[at])))
                {
                    Add(Cut(text[at..i]));
                }
            }
        }

        return words;

        void Add(string word)
        {
            words.Add(word);
            words.Add(SqlLexer.Fold(word));
            words.Add(word.ToLowerInvariant());
        }
    }

    /// <summary>Whether a text may write, so that its plan contains the defaults of columns.</summary>
    public static bool MayWrite(IReadOnlySet<string> words) => words.Overlaps(Writing);

    /// <summary>Whether a text contains names with escapes (U&amp;"d\0061t").</summary>
    public static bool HasEscapedName(string text) => text.Contains("U&\"", StringComparison.OrdinalIgnoreCase);

    private static string Quoted(string text, int quote)
    {
        var name = new StringBuilder();
        for (var i = quote + 1; i < text.Length && name.Length <= LongestName; i++)
        {
            if (text[i] == '"')
            {
                if (i + 1 == text.Length || text[i + 1] != '"')
                {
                    break;
                }

                i++;
            }

            name.Append(text[i]);
        }

        return Cut(name.ToString());
    }

    private static string Cut(string name) =>
        name.Length <= LongestName
            ? name : char.IsHighSurrogate(name[LongestName - 1]) ? name[..(LongestName - 1)] : name[..LongestName];

    private static bool IsPart(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or >= '\u0080';
}
