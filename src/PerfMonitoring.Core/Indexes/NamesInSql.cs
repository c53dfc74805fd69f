using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>The kind of object that a name in an expression refers to.</summary>
internal enum SqlNameKind
{
    /// <summary>A function that is called.</summary>
    Function,
    /// <summary>An operator.</summary>
    Operator,
    /// <summary>A type, of a cast or before a constant.</summary>
    Type,
    /// <summary>The name after COLLATE.</summary>
    Collation,
}

/// <summary>A name in an expression.</summary>
/// <param name="Kind">The kind of object.</param>
/// <param name="Schema">Its schema, unquoted; null where the text gives none.</param>
/// <param name="Name">Unquoted.</param>
internal readonly record struct SqlName(SqlNameKind Kind, string? Schema, string Name);

/// <summary>The names in an expression whose meaning depends on the search path; columns are left out.</summary>
internal static class NamesInSql
{
    /// <summary>All names, each once. A word that only may be such a name is included: a lookup of it finds nothing.</summary>
    public static IReadOnlySet<SqlName> Find(string sql)
    {
        var tokens = new List<(SqlTokenKind Kind, string Text)>();
        var lexer = new SqlLexer(sql);
        while (lexer.Read())
        {
            tokens.Add((lexer.Kind, lexer.Text.ToString()));
        }

        var found = new HashSet<SqlName>();
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Kind == SqlTokenKind.Operator)
            {
                // OPERATOR(schema.+)
                found.Add(new SqlName(SqlNameKind.Operator, At(i - 1) == "." ? NameAt(i - 2) : null, tokens[i].Text));
            }
            else if (IsWord(i) && (At(i - 1) != "." || !IsWord(i - 2)) && At(i + 1) is { } next)
            {
                // The last part of a name, after its schemas.
                var (schema, last) = next == "." && IsWord(i + 2) ? (NameAt(i), i + 2) : (null, i);
                var before = At(i - 1).ToUpperInvariant();
                var name = NameAt(last);
                if (before == "::" || before == "AS" || KindAt(last + 1) == SqlTokenKind.Literal)
                {
                    found.Add(new SqlName(SqlNameKind.Type, schema, name));
                }
                else if (before == "COLLATE")
                {
                    found.Add(new SqlName(SqlNameKind.Collation, schema, name));
                }
                else if (At(last + 1) == "(")
                {
                    found.Add(new SqlName(SqlNameKind.Function, schema, name));
                    // text(x) is also a cast.
                    found.Add(new SqlName(SqlNameKind.Type, schema, name));
                }
            }
        }

        // Keywords that stand for an operator.
        foreach (var (words, name) in new[] {
            ("LIKE", "~~"), ("ILIKE", "~~*"), ("IN", "="), ("BETWEEN", "<="), ("DISTINCT", "="), ("NULLIF", "="), ("CASE", "=") })
        {
            if (tokens.Exists(t => t.Text.Equals(words, StringComparison.OrdinalIgnoreCase)))
            {
                found.Add(new SqlName(SqlNameKind.Operator, null, name));
            }
        }

        return found;

        bool IsWord(int i) => KindAt(i) is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier;
        SqlTokenKind KindAt(int i) => i >= 0 && i < tokens.Count ? tokens[i].Kind : SqlTokenKind.End;
        string At(int i) => i >= 0 && i < tokens.Count ? tokens[i].Text : "";
        string NameAt(int i) => KindAt(i) == SqlTokenKind.Word ? SqlLexer.Fold(At(i)) : Identifier.Unquote(At(i));
    }
}
