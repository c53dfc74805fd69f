using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>Which columns an UPDATE sets. Plans do not tell their names.</summary>
public static class UpdatedColumns
{
    /// <summary>The columns, unquoted; null where the text is not a plain UPDATE, and any column may be set.</summary>
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
        // A name is set where a list of assignments stands before its equals sign: "a = 1, (b, c) = (2, 3)".
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
