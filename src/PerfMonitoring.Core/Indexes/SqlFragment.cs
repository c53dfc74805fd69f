using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// Expressions and conditions that a user writes as SQL. They go into DDL unchanged, so they must not be able to end the
/// statement or to hide a part of it: what the server then parses inside parentheses is one expression or an error.
/// </summary>
internal static class SqlFragment
{
    /// <summary>Checks that a text can stand between parentheses in a statement, and returns it trimmed.</summary>
    /// <param name="text">SQL, without WHERE and without a closing semicolon.</param>
    /// <param name="argument">Name of the argument, for the error.</param>
    /// <exception cref="PerfMonitoringException">InvalidExpression.</exception>
    public static string Check(string text, string argument)
    {
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
        var result = text.Trim();
        while (result.Length > 2 && result[0] == '(' && result[^1] == ')' && Scan(result, out var firstClose) is null
            && firstClose == result.Length - 1)
        {
            result = result[1..^1].Trim();
        }

        return result;
    }

    // Returns the fault, or null. firstClose is the position where the first parenthesis closes.
    private static string? Scan(string text, out int firstClose)
    {
        firstClose = -1;
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            return "it holds a zero character";
        }

        var open = new Stack<char>();
        var lexer = new SqlLexer(text);
        while (lexer.Read() && lexer.IsClosed && !lexer.IsAfterComment)
        {
            var c = text[lexer.Start];
            if (lexer.Is(';'))
            {
                return "it holds a semicolon";
            }

            if (lexer.Kind == SqlTokenKind.Literal && c == '$')
            {
                return "it holds a dollar-quoted string; use single quotes";
            }

            if (lexer.Is('(') || lexer.Is('['))
            {
                open.Push(c);
            }
            else if (lexer.Is(')') || lexer.Is(']'))
            {
                if (!open.TryPop(out var opened) || (opened == '(') != (c == ')'))
                {
                    return $"'{c}' closes nothing";
                }

                if (open.Count == 0 && firstClose < 0)
                {
                    firstClose = lexer.Start;
                }
            }
        }

        return lexer switch
        {
            { IsAfterComment: true } => "it holds a comment",
            { IsClosed: false, Kind: SqlTokenKind.QuotedIdentifier } => "a double quote is not closed",
            { IsClosed: false } => "a string is not closed",
            _ => open.Count == 0 ? null : $"'{open.Peek()}' is not closed",
        };
    }

    private static PerfMonitoringException Invalid(string argument, string why) => new(
        ErrorIds.InvalidExpression, FailureKind.InvalidArgument, $"{argument} is not one SQL expression: {why}.",
        "Write it as it stands in CREATE INDEX, without WHERE and without a semicolon: -Where 'deleted_at is null', "
            + "-Expression 'lower(email)'.", argument);
}
