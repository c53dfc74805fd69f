using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// Whether an expression of an index may raise an error for a row that the table accepts: a text that is not a number, a division
/// by zero, an overflow. The server computes the expression at each INSERT and UPDATE.
/// </summary>
internal static class ExpressionErrors
{
    private static readonly HashSet<string> SafeFunctions =
    [
        "lower", "upper", "initcap", "md5", "sha224", "sha256", "sha384", "sha512", "left", "right", "length", "char_length",
        "octet_length", "btrim", "ltrim", "rtrim", "reverse",
        "concat", "coalesce", "nullif", "greatest", "least", "date_trunc", "date_part", "extract", "jsonb_extract_path",
        "jsonb_extract_path_text", "any", "all", "in", "row",
    ];

    // Only these operators are known to accept all values of their types.
    private static readonly HashSet<string> SafeOperators =
        ["=", "<>", "!=", "<", ">", "<=", ">=", "||", "->", "->>", "#>", "#>>", "@>", "<@", "?", "&&", "~~", "~~*", "!~~", "!~~*",
            "::"];

    private static readonly HashSet<string> SafeTypes =
        ["text", "varchar", "bpchar", "character varying", "character", "date", "timestamp without time zone", "timestamp",
            "double precision"];

    private static readonly string[] Numbers = ["smallint", "integer", "bigint", "numeric", "double precision"];

    public static bool MayOccur(string expression, TableInfo table)
    {
        var tokens = PlanExpression.Parse(expression).Tokens;
        for (var i = 0; i < tokens.Count; i++)
        {
            var (kind, text, _) = tokens[i];
            var isCall = kind == PlanTokenKind.Word && i + 1 < tokens.Count && tokens[i + 1].Text == "("
                && (i == 0 || tokens[i - 1].Text != "::");
            if ((kind == PlanTokenKind.Operator && !SafeOperators.Contains(text))
                || (isCall && !IsKeyword(text) && !SafeFunctions.Contains(text.ToLowerInvariant()))
                || (text == "::" && !IsSafeCast(tokens, i, table)))
            {
                return true;
            }
        }

        return false;
    }

    // A cast of a constant, which does not depend on a row; or a cast to a type that accepts all values of the other type.
    private static bool IsSafeCast(IReadOnlyList<PlanToken> tokens, int at, TableInfo table)
    {
        var type = string.Join(
            ' ', tokens.Skip(at + 1)
            .TakeWhile(t => t.Kind == PlanTokenKind.Word && t.Text is not ("AND" or "OR" or "IS" or "COLLATE"))
            .Select(t => t.Text));
        var operand = tokens[at - 1].Text == ")" && at > 2 && tokens[at - 3].Text == "(" ? tokens[at - 2] : tokens[at - 1];
        if (operand.Kind == PlanTokenKind.Constant || SafeTypes.Contains(type))
        {
            return type != "double precision" || operand.Kind == PlanTokenKind.Constant || IsNumber(operand, out _);
        }

        return IsNumber(operand, out var from) && Array.IndexOf(Numbers, type) is >= 0 and var to && from <= to;

        bool IsNumber(PlanToken word, out int place)
        {
            var column = word.Kind == PlanTokenKind.Word ? table.FindColumn(Identifier.Unquote(word.Text)) : null;
            place = column is null ? -1 : Array.FindIndex(Numbers, n => column.Type.StartsWith(n, StringComparison.Ordinal));
            return place >= 0;
        }
    }

    private static bool IsKeyword(string word) =>
        word.ToUpperInvariant() is "AND" or "OR" or "NOT" or "WHEN" or "THEN" or "ELSE" or "CASE" or "LIKE" or "FROM" or "ANY"
        or "ALL";
}
