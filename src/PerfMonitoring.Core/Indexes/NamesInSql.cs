using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>What kind of object a name in an expression is.</summary>
public enum SqlNameKind
{
    /// <summary>What is called.</summary>
    Function,
    /// <summary>An operator.</summary>
    Operator,
    /// <summary>A type, of a cast or before a constant.</summary>
    Type,
    /// <summary>What stands behind COLLATE.</summary>
    Collation,
}

/// <summary>A name in an expression.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Schema">Its schema, unquoted; null where the text gives none.</param>
/// <param name="Name">Unquoted.</param>
public readonly record struct SqlName(SqlNameKind Kind, string? Schema, string Name);

/// <summary>The names in an expression whose meaning depends on the search path; columns are left out.</summary>
public static class NamesInSql
{
    /// <summary>All of them, each once. What only may be such a name is one, too: whoever looks it up finds nothing.</summary>
    public static IReadOnlySet<SqlName> Find(string sql)
    {
        ArgumentNullException.ThrowIfNull(sql);
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
                // The last part of a name with schemas before it.
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
                    // text(x) is a cast, too.
                    found.Add(new SqlName(SqlNameKind.Type, schema, name));
                }
            }
        }

        // What stands for an operator without being written as one.
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
