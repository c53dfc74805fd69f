using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>A token of a statement, for rules that look at several tokens at once.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Start">Position where it begins.</param>
/// <param name="End">Position where it ends.</param>
/// <param name="Text">Its text; an unquoted word as the server folds it.</param>
internal readonly record struct SqlToken(SqlTokenKind Kind, int Start, int End, string Text)
{
    /// <summary>Whether it may be a name.</summary>
    public bool IsName => Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier;

    /// <summary>All tokens of a text.</summary>
    public static IReadOnlyList<SqlToken> Read(string sql)
    {
        var tokens = new List<SqlToken>();
        var lexer = new SqlLexer(sql);
        while (lexer.Read())
        {
            tokens.Add(
                new SqlToken(
                    lexer.Kind, lexer.Start, lexer.End,
                    lexer.Kind == SqlTokenKind.Word ? SqlLexer.Fold(lexer.Text) : lexer.Text.ToString()));
        }

        return tokens;
    }
}

/// <summary>Questions about the tokens of a statement; a position outside of the statement holds no token.</summary>
internal static class SqlTokens
{
    /// <summary>Whether a token is this word, operator or character.</summary>
    public static bool Is(this IReadOnlyList<SqlToken> tokens, int position, string text) =>
        position >= 0 && position < tokens.Count && tokens[position].Text == text
            && tokens[position].Kind is not (SqlTokenKind.Literal or SqlTokenKind.QuotedIdentifier);

    /// <summary>Whether a token is of this kind.</summary>
    public static bool Is(this IReadOnlyList<SqlToken> tokens, int position, SqlTokenKind kind) =>
        position >= 0 && position < tokens.Count && tokens[position].Kind == kind;

    /// <summary>Whether a token is one of these words.</summary>
    public static bool IsAny(this IReadOnlyList<SqlToken> tokens, int position, IReadOnlySet<string> words) =>
        tokens.Is(position, SqlTokenKind.Word) && words.Contains(tokens[position].Text);

    /// <summary>The position of the bracket that opens what a closing bracket ends; -1 where there is none.</summary>
    public static int Opening(this IReadOnlyList<SqlToken> tokens, int closing)
    {
        var depth = 0;
        for (var i = closing; i >= 0; i--)
        {
            depth += Bracket(tokens, i);
            if (depth == 0)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>The position of the bracket that closes what an opening bracket begins; the end of the statement where there is
    /// none.</summary>
    public static int Closing(this IReadOnlyList<SqlToken> tokens, int opening)
    {
        var depth = 0;
        for (var i = opening; i < tokens.Count; i++)
        {
            depth += Bracket(tokens, i);
            if (depth == 0)
            {
                return i;
            }
        }

        return tokens.Count;
    }

    /// <summary>1 for a closing bracket, -1 for an opening one, 0 for other tokens.</summary>
    public static int Bracket(this IReadOnlyList<SqlToken> tokens, int position) =>
        tokens[position].Kind != SqlTokenKind.Punctuation ? 0
        : tokens[position].Text is ")" or "]" ? 1 : tokens[position].Text is "(" or "[" ? -1 : 0;
}
