using System.Text;

namespace PerfMonitoring.Common;

/// <summary>PowerShell's wildcards, for a server that knows regular expressions.</summary>
public static class Wildcard
{
    /// <summary>Whether a text holds a wildcard: *, ? or [ without a backtick before it.</summary>
    /// <param name="pattern">What the user wrote.</param>
    public static bool IsIn(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
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

    /// <summary>The regular expression (POSIX, advanced) of a whole text that matches the pattern.</summary>
    /// <param name="pattern">With *, ?, sets in brackets, and a backtick before what stands for itself.</param>
    public static string ToRegex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
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
                // A dash keeps its meaning of a range; nothing else does.
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
