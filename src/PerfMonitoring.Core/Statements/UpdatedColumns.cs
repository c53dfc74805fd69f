using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>The columns that an UPDATE sets. Plans do not contain their names.</summary>
internal static class UpdatedColumns
{
    /// <summary>The columns, unquoted; null where the text is not a plain UPDATE: it may set any column.</summary>
    /// <param name="sql">A statement.</param>
    public static IReadOnlySet<string>? Of(string sql)
    {
        var lexer = new SqlLexer(sql);
        if (!lexer.Read() || !lexer.IsWord("update"))
        {
            return null;
        }

        while (!lexer.IsWord("set"))
        {
            if (!lexer.Read())
            {
                return null;
            }
        }

        var columns = new HashSet<string>(StringComparer.Ordinal);
        var depth = 0;
        // The names before the equals sign of an assignment are set: "a = 1, (b, c) = (2, 3)".
        var isTarget = true;
        while (lexer.Read())
        {
            if (isTarget && (lexer.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier))
            {
                columns.Add(NameOf(lexer));
            }
            else if (lexer.Kind == SqlTokenKind.Operator && depth == 0 && lexer.Text is "=")
            {
                isTarget = false;
            }
            else if (lexer.Is('('))
            {
                depth++;
            }
            else if (lexer.Is(')'))
            {
                depth--;
            }
            else if (lexer.Is(',') && depth == 0)
            {
                isTarget = true;
            }
            else if (depth == 0 && (lexer.IsWord("from") || lexer.IsWord("where") || lexer.IsWord("returning")))
            {
                break;
            }
        }

        return columns;
    }

    private static string NameOf(SqlLexer lexer) => lexer.Kind == SqlTokenKind.Word
        ? SqlLexer.Fold(lexer.Text)
        : Identifier.Unquote(lexer.Text.ToString());
}
