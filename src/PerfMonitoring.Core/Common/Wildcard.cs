using System.Text;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Common;

/// <summary>Translates PowerShell's wildcards for the server, which knows regular expressions.</summary>
internal static class Wildcard
{
    /// <summary>Whether a text contains a wildcard: *, ? or [ without a backtick before it.</summary>
    /// <param name="pattern">The user's pattern.</param>
    public static bool IsIn(string pattern)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] is '*' or '?' or '[')
            {
                return true;
            }

            i += pattern[i] == '`' ? 1 : 0;
        }

        return false;
    }

    /// <summary>The name that a text without wildcards stands for: a backtick before a character is left out.</summary>
    public static string Unescape(string text)
    {
        var name = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            i += text[i] == '`' && i + 1 < text.Length && (text[i + 1] is '*' or '?' or '[' or ']' or '`') ? 1 : 0;
            name.Append(text[i]);
        }

        return name.ToString();
    }

    /// <summary>Whether a pattern matches a whole name; case makes no difference, as on the server.</summary>
    public static bool Matches(string pattern, string name) =>
        Regex.IsMatch(
            name, ToRegex(pattern), RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline,
            TimeSpan.FromSeconds(1));

    /// <summary>The regular expression (POSIX, advanced) that matches the same whole texts as the pattern.</summary>
    /// <param name="pattern">Pattern with *, ?, sets in brackets, and a backtick before a literal character.</param>
    public static string ToRegex(string pattern)
    {
        var regex = new StringBuilder("^", pattern.Length + 8);
        for (var i = 0; i < pattern.Length; i++)
        {
            var close = pattern[i] == '[' ? pattern.IndexOf(']', Math.Min(i + 2, pattern.Length)) : -1;
            if (pattern[i] == '*')
            {
                regex.Append(".*");
            }
            else if (pattern[i] == '?')
            {
                regex.Append('.');
            }
            else if (close > 0)
            {
                // In a set, only a dash keeps its meaning: a range.
                regex.Append('[');
                foreach (var c in pattern.AsSpan(i + 1, close - i - 1))
                {
                    regex.Append(c is '\\' or '^' or '[' or ']' ? "\\" : "").Append(c);
                }

                regex.Append(']');
                i = close;
            }
            else
            {
                i += pattern[i] == '`' && i + 1 < pattern.Length ? 1 : 0;
                regex.Append(
                    char.IsLetterOrDigit(pattern[i]) || char.IsSurrogate(pattern[i]) || pattern[i] is '_' or ' ' or > '\x7f'
                    ? "" : "\\").Append(pattern[i]);
            }
        }

        return regex.Append('$').ToString();
    }
}
