using System.Text;

namespace PerfMonitoring.Common;

/// <summary>Quotes identifiers; nothing else does.</summary>
public static class Identifier
{
    /// <summary>The longest identifier in bytes of UTF-8 (NAMEDATALEN - 1).</summary>
    public const int MaximumBytes = 63;

    // Reserved in PostgreSQL 13 to 18, and those that cannot be a column or table name bare (catcode R, T and C of
    // pg_get_keywords()).
    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal)
    {
        "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between", "bigint",
        "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce", "collate", "collation",
        "column", "concurrently", "constraint", "create", "cross", "current_catalog", "current_date", "current_role",
        "current_schema", "current_time", "current_timestamp", "current_user", "dec", "decimal", "default", "deferrable", "desc",
        "distinct", "do", "else", "end", "except", "exists", "extract", "false", "fetch", "float", "for", "foreign", "freeze",
        "from", "full", "grant", "greatest", "group", "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int",
        "integer", "intersect", "interval", "into", "is", "isnull", "join", "json", "json_array", "json_arrayagg", "json_exists",
        "json_object", "json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral",
        "leading", "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national", "natural",
        "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset", "on", "only", "or", "order",
        "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary", "real", "references", "returning",
        "right", "row", "select", "session_user", "setof", "similar", "smallint", "some", "substring", "symmetric",
        "system_user", "table", "tablesample", "then", "time", "timestamp", "to", "trailing", "treat", "trim", "true", "union",
        "unique", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where", "window", "with",
        "xmlattributes", "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot",
        "xmlserialize", "xmltable",
    };

    /// <summary>
    /// The identifier as SQL writes it: unquoted where that means the same (as quote_ident decides), else in double quotes.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidName: empty, with a zero character, or longer than 63 bytes.</exception>
    public static string Quote(string name)
    {
        Check(name);
        return IsPlain(name) ? name : "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
    }

    /// <summary>Refuses a name that PostgreSQL would truncate silently or cannot hold.</summary>
    /// <exception cref="PerfMonitoringException">InvalidName.</exception>
    public static void Check(string name)
    {
        if (string.IsNullOrEmpty(name))
        {
            throw Invalid(name ?? "", "it is empty");
        }

        if (name.Contains('\0', StringComparison.Ordinal))
        {
            throw Invalid(name.Replace("\0", "\\0", StringComparison.Ordinal), "it holds a zero character");
        }

        var bytes = Encoding.UTF8.GetByteCount(name);
        if (bytes > MaximumBytes)
        {
            throw Invalid(name, $"it has {bytes} bytes and PostgreSQL keeps {MaximumBytes}");
        }
    }

    /// <summary>Cuts a name to 63 bytes of UTF-8 without splitting a character, keeping the given end.</summary>
    public static string Shorten(string name, string suffix = "")
    {
        var room = MaximumBytes - Encoding.UTF8.GetByteCount(suffix);
        var used = 0;
        var result = new StringBuilder(name.Length);
        foreach (var rune in name.EnumerateRunes())
        {
            used += rune.Utf8SequenceLength;
            if (used > room)
            {
                break;
            }

            result.Append(rune);
        }

        return result.Append(suffix).ToString();
    }

    /// <summary>The name that a word or a word in double quotes stands for; an unquoted word is not folded.</summary>
    public static string Unquote(string word) =>
        word is ['"', .., '"'] ? word[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : word;

    internal static List<string> ParseQualified(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = new List<string>();
        var lexer = new SqlLexer(text);
        do
        {
            lexer.Read();
            var part = lexer switch
            {
                { IsAfterComment: true } => throw Invalid(text, "it holds a comment"),
                { IsClosed: false } => throw Invalid(text, "a double quote is not closed"),
                { Kind: SqlTokenKind.Word } => SqlLexer.Fold(lexer.Text),
                { Kind: SqlTokenKind.QuotedIdentifier, Text: ['"', ..] and not "\"\"" } => Unquote(lexer.Text.ToString()),
                { Kind: SqlTokenKind.Number or SqlTokenKind.Parameter } =>
                    throw Invalid(text, "an unquoted name starts with a letter or an underscore"),
                _ => throw Invalid(text, "a part of it is empty or not a name; put unusual names in double quotes"),
            };
            Check(part);
            parts.Add(part);
            lexer.Read();
        }
        while (lexer is { IsAfterComment: false, Text: "." });

        return lexer switch
        {
            { IsAfterComment: true } => throw Invalid(text, "it holds a comment"),
            { Kind: SqlTokenKind.End } => parts,
            _ => throw Invalid(text, $"'{text[lexer.Start]}' cannot stand in an unquoted name"),
        };
    }

    internal static PerfMonitoringException Invalid(string text, string why) => new(
        ErrorIds.InvalidName, FailureKind.InvalidArgument, $"'{text}' is not a valid name: {why}.",
        "Write a name as in SQL: orders, sales.orders or \"Sales\".\"Order Items\".", text);

    private static bool IsPlain(string name)
    {
        if (!(char.IsAsciiLetterLower(name[0]) || name[0] == '_') || Keywords.Contains(name))
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!(char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_'))
            {
                return false;
            }
        }

        return true;
    }
}
