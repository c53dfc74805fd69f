using PerfMonitoring.Model;

namespace PerfMonitoring.Indexes;

/// <summary>
/// Expressions and predicates that a user writes as SQL. They go into DDL as they stand, so they must not be able to end the
/// statement or to hide a part of it: what the server then parses inside parentheses is one expression or an error.
/// </summary>
public static class SqlFragment
{
    /// <summary>Checks that a text can stand between parentheses in a statement, and returns it trimmed.</summary>
    /// <param name="text">SQL, without WHERE and without a closing semicolon.</param>
    /// <param name="argument">Name of the argument that it came by, for the error.</param>
    /// <exception cref="PerfMonitoringException">InvalidExpression.</exception>
    public static string Check(string text, string argument)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim();
        if (trimmed.Length == 0)
        {
            throw Invalid(argument, "it is empty");
        }

        if (Scan(trimmed, out _) is { } problem)
        {
            throw Invalid(argument, problem);
        }

        return trimmed;
    }

    /// <summary>The text without the parentheses that enclose all of it: <c>(a || b)</c> becomes <c>a || b</c>.</summary>
    public static string Unwrap(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = text.Trim();
        while (result.Length > 2 && result[0] == '(' && result[^1] == ')' && Scan(result, out var firstClose) is null && firstClose == result.Length - 1)
        {
            result = result[1..^1].Trim();
        }

        return result;
    }

    // Returns what is wrong, or null. firstClose is where the first parenthesis is closed again.
    private static string? Scan(string text, out int firstClose)
    {
        firstClose = -1;
        var open = new Stack<char>();
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '\0':
                    return "it holds a zero character";
                case ';':
                    return "it holds a semicolon";
                case '-' when Next(text, i) == '-':
                case '/' when Next(text, i) == '*':
                    return "it holds a comment";
                case '$' when IsDollarQuote(text, i):
                    return "it holds a dollar-quoted string; use single quotes";
                case '\'':
                    i = EndOfQuote(text, i, '\'', IsEscapeString(text, i));
                    if (i < 0)
                    {
                        return "a string is not closed";
                    }

                    break;
                case '"':
                    i = EndOfQuote(text, i, '"', escapes: false);
                    if (i < 0)
                    {
                        return "a double quote is not closed";
                    }

                    break;
                case '(' or '[':
                    open.Push(c);
                    break;
                case ')' or ']':
                    if (!open.TryPop(out var opened) || (opened == '(') != (c == ')'))
                    {
                        return $"'{c}' closes nothing";
                    }

                    if (open.Count == 0 && firstClose < 0)
                    {
                        firstClose = i;
                    }

                    break;
            }
        }

        return open.Count == 0 ? null : $"'{open.Peek()}' is not closed";
    }

    private static char Next(string text, int i) => i + 1 < text.Length ? text[i + 1] : '\0';

    // A dollar opens a quote only where no identifier goes on (a$b$ is a name), and only as $$ or $word$.
    private static bool IsDollarQuote(string text, int i)
    {
        if (i > 0 && (char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '_' or '$' || text[i - 1] > 127))
        {
            return false;
        }

        var j = i + 1;
        while (j < text.Length && (char.IsLetterOrDigit(text[j]) || text[j] == '_' || text[j] > 127))
        {
            j++;
        }

        return j < text.Length && text[j] == '$' && !(j > i + 1 && char.IsAsciiDigit(text[i + 1]));
    }

    private static bool IsEscapeString(string text, int quote) =>
        quote > 0 && text[quote - 1] is 'e' or 'E' && (quote == 1 || !(char.IsLetterOrDigit(text[quote - 2]) || text[quote - 2] is '_' or '$' || text[quote - 2] > 127));

    private static int EndOfQuote(string text, int start, char quote, bool escapes)
    {
        for (var i = start + 1; i < text.Length; i++)
        {
            if (escapes && text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == quote)
            {
                if (Next(text, i) != quote)
                {
                    return i;
                }

                i++;
            }
        }

        return -1;
    }

    private static PerfMonitoringException Invalid(string argument, string why) => new(
        "InvalidExpression", FailureKind.InvalidArgument, $"{argument} is not one SQL expression: {why}.",
        "Write it as it stands in CREATE INDEX, without WHERE and without a semicolon: -Where 'deleted_at is null', -Expression 'lower(email)'.", argument);
}
