using System.Globalization;
using System.Text;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Plans;

/// <summary>A column of a relation of the plan.</summary>
/// <param name="Alias">The alias of the relation in the plan; empty where the plan has one relation only and does not name
/// it.</param>
/// <param name="Name">Name of the column, unquoted.</param>
internal readonly record struct PlanColumn(string Alias, string Name);

/// <summary>
/// An expression as the server writes it in a plan: every operator has parentheses, names are qualified by alias. Because the
/// planner has already parsed the statement, this class needs to understand only that form.
/// </summary>
internal sealed class PlanExpression
{
    private readonly IReadOnlyList<PlanToken> tokens;

    private PlanExpression(IReadOnlyList<PlanToken> tokens) => this.tokens = Unwrap(tokens);

    public IReadOnlyList<PlanToken> Tokens => tokens;

    public static PlanExpression Parse(string text) => new(PlanToken.ReadAll(text));

    public static PlanExpression Of(IEnumerable<PlanToken> tokens) => new([.. tokens]);

    /// <summary>The column that this expression is; null for anything else.</summary>
    public PlanColumn? AsColumn() => tokens.Count switch
    {
        3 when IsName(tokens[0]) && tokens[1].Text == "." && IsName(tokens[2]) =>
            new PlanColumn(Identifier.Unquote(tokens[0].Text), Identifier.Unquote(tokens[2].Text)),
        1 when IsName(tokens[0]) && !IsBareConstant(tokens[0].Text) => new PlanColumn("", Identifier.Unquote(tokens[0].Text)),
        _ => null,
    };

    /// <summary>
    /// The column that this expression is, also through a cast that only gives its values another label
    /// (<see cref="ColumnInfo.Labels"/>); null for anything else.
    /// </summary>
    /// <param name="tableOf">Finds the table of a column; null where it is unknown.</param>
    public PlanColumn? AsColumn(Func<PlanColumn, TableInfo?> tableOf) =>
        AsColumn() ?? (AsCast() is var (operand, type) && operand.AsColumn() is { } column
            && tableOf(column)?.FindColumn(column.Name)?.Labels.Any(label => Last(label) == Last(type)) == true
                ? column : null);

    /// <summary>Every column in the expression.</summary>
    public IEnumerable<PlanColumn> Columns()
    {
        for (var i = 0; i + 2 < tokens.Count; i++)
        {
            if (IsName(tokens[i]) && tokens[i + 1].Text == "." && tokens[i + 2].Kind == PlanTokenKind.Word
                && (i == 0 || tokens[i - 1].Text is not ("." or "::"))
                && (i + 3 == tokens.Count || tokens[i + 3].Text is not ("." or "(")))
            {
                yield return new PlanColumn(Identifier.Unquote(tokens[i].Text), Identifier.Unquote(tokens[i + 2].Text));
            }
        }

        if (AsColumn() is { Alias: "" } bare)
        {
            yield return bare;
        }
    }

    /// <summary>
    /// The names without alias that can be columns: a plan of one relation writes columns so. Keywords are in capitals, functions
    /// have a parenthesis, types follow a cast.
    /// </summary>
    public IEnumerable<string> BareNames()
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Text == "::")
            {
                while (i + 1 < tokens.Count && IsName(tokens[i + 1]))
                {
                    i++;
                }
            }
            else if (IsName(tokens[i]) && !IsBareConstant(tokens[i].Text)
                && (tokens[i].Text[0] == '"' || !tokens[i].Text.Any(char.IsUpper))
                && (i == 0 || (tokens[i - 1].Text is not ("." or "COLLATE") && !(i > 1 && tokens[i - 2].Text == "EXTRACT")))
                && (i + 1 == tokens.Count || tokens[i + 1].Text is not ("." or "(" or "SubPlan")))
            {
                yield return Identifier.Unquote(tokens[i].Text);
            }
        }
    }

    /// <summary>The aliases of the whole rows in the expression.</summary>
    public IEnumerable<string> WholeRows()
    {
        for (var i = 0; i + 2 < tokens.Count; i++)
        {
            if (IsName(tokens[i]) && tokens[i + 1].Text == "." && tokens[i + 2].Text == "*")
            {
                yield return Identifier.Unquote(tokens[i].Text);
            }
        }
    }

    /// <summary>The parts of a conjunction (AND) or disjunction (OR), or null for anything else.</summary>
    public IReadOnlyList<PlanExpression>? Split(string word)
    {
        var parts = SplitAt(t => t.Kind == PlanTokenKind.Word && t.Text == word);
        return parts.Count > 1 ? parts : null;
    }

    /// <summary>
    /// The boolean that this expression requires to be true or false: <c>x</c>, <c>NOT x</c>, <c>x IS TRUE</c>, <c>x IS
    /// FALSE</c>. IsTrue is null for the tests that accept null as well, or only null: <c>x IS NOT TRUE</c>, <c>x IS NOT
    /// FALSE</c>, <c>x IS UNKNOWN</c>, <c>x IS NOT UNKNOWN</c>.
    /// </summary>
    public (PlanExpression Operand, bool? IsTrue) AsTruth() => tokens switch
    {
        [.., { Text: "IS" }, { Text: "NOT" }, { Text: "TRUE" or "FALSE" or "UNKNOWN" }] => (Of(tokens.SkipLast(3)), null),
        [.., { Text: "IS" }, { Text: "UNKNOWN" }] => (Of(tokens.SkipLast(2)), null),
        [.., { Text: "IS" }, { Text: "TRUE" or "FALSE" } last] => (Of(tokens.SkipLast(2)), last.Text == "TRUE"),
        [{ Text: "NOT" }, _, ..] => (Of(tokens.Skip(1)), false),
        _ => (this, true),
    };

    /// <summary>The elements of a row constructor, or null.</summary>
    public IReadOnlyList<PlanExpression>? AsRow() =>
        tokens.Count > 3 && tokens[0].Text == "ROW" && tokens[1].Text == "(" && tokens[^1].Text == ")"
        ? Of(tokens.Skip(1)).SplitAt(t => t.Text == ",")
        : null;

    /// <summary>The two sides of the only operator, or null. "= ANY" and the like are one operator.</summary>
    public (PlanExpression Left, string Operator, PlanExpression Right)? AsOperation()
    {
        var depth = 0;
        for (var i = 1; i < tokens.Count - 1; i++)
        {
            depth += Depth(tokens[i - 1]);
            if (depth == 0 && tokens[i].Kind == PlanTokenKind.Operator && tokens[i].Text != "::")
            {
                var right = i + 1;
                var name = tokens[i].Text;
                if (tokens[right].Text is "ANY" or "ALL")
                {
                    name += " " + tokens[right++].Text;
                }

                return (new PlanExpression([.. tokens.Take(i)]), name, new PlanExpression([.. tokens.Skip(right)]));
            }
        }

        return null;
    }

    /// <summary>The operand of IS NULL or IS NOT NULL, or null where this is no such test.</summary>
    public (PlanExpression Operand, bool IsNull)? AsNullTest() =>
        tokens.Count > 2 && tokens[^1].Text == "NULL" && tokens[^2].Text == "IS"
            ? (new PlanExpression([.. tokens.SkipLast(2)]), true)
        : tokens.Count > 3 && tokens[^1].Text == "NULL" && tokens[^2].Text == "NOT" && tokens[^3].Text == "IS"
        ? (new PlanExpression([.. tokens.SkipLast(3)]), false)
        : null;

    /// <summary>The text of a string constant without its casts, or null.</summary>
    public string? AsString() => tokens.Count > 0 && tokens[0].Kind == PlanTokenKind.Constant && tokens[0].Text[0] == '\''
        && (tokens.Count == 1 || tokens[1].Text == "::")
        ? tokens[0].Text[1..^1].Replace("''", "'", StringComparison.Ordinal)
        : null;

    /// <summary>Whether the text fixes the value: no parameter, no column, no subplan.</summary>
    public bool IsConstant() => tokens.Count > 0 && tokens[0].Kind == PlanTokenKind.Constant && tokens[0].Text[0] != '$'
        && (tokens.Count == 1 || tokens[1].Text == "::");

    /// <summary>
    /// Whether the expression contains the result of a subplan that runs for each row; the result of an initial plan is like a
    /// parameter.
    /// </summary>
    public bool HasSubplan() => tokens.Any(t => t.Text == "SubPlan");

    /// <summary>The operand and the type where the whole expression is a cast; null for anything else.</summary>
    public (PlanExpression Operand, string Type)? AsCast()
    {
        var depth = 0;
        var cast = -1;
        for (var i = 0; i < tokens.Count; i++)
        {
            if (depth == 0 && tokens[i].Kind == PlanTokenKind.Operator)
            {
                if (tokens[i].Text != "::")
                {
                    return null;
                }

                cast = i;
            }

            depth += Depth(tokens[i]);
        }

        return cast > 0 ? (Of(tokens.Take(cast)), string.Join(' ', tokens.Skip(cast + 1).Select(t => t.Text))) : null;
    }

    /// <summary>
    /// The two sides of IS DISTINCT FROM or of its negation, which the server writes <c>NOT (a IS DISTINCT FROM b)</c>; or null.
    /// </summary>
    public (PlanExpression Left, bool IsDistinct, PlanExpression Right)? AsDistinct()
    {
        if (tokens is [{ Text: "NOT" }, { Text: "(" }, ..])
        {
            return Of(tokens.Skip(1)).AsDistinct() is var (one, isOther, two) ? (one, !isOther, two) : null;
        }

        var depth = 0;
        for (var i = 1; i < tokens.Count - 2; i++)
        {
            depth += Depth(tokens[i - 1]);
            if (depth == 0 && tokens[i].Text == "DISTINCT" && tokens[i + 1].Text == "FROM" && tokens[i - 1].Text is "IS" or "NOT")
            {
                var isDistinct = tokens[i - 1].Text == "IS";
                return (Of(tokens.Take(isDistinct ? i - 1 : i - 2)), isDistinct, Of(tokens.Skip(i + 2)));
            }
        }

        return null;
    }

    /// <summary>The name and the arguments where the expression is a function call, or null.</summary>
    public (string Name, IReadOnlyList<PlanExpression> Arguments)? AsCall() =>
        tokens.Count > 3 && IsName(tokens[0]) && tokens[1].Text == "(" && Unwrap([.. tokens.Skip(1)]).Count < tokens.Count - 1
            ? (Identifier.Unquote(tokens[0].Text), Of(tokens.Skip(2).SkipLast(1)).SplitAt(t => t.Text == ","))
            : null;

    /// <summary>The elements of an array constructor, or null.</summary>
    public IReadOnlyList<PlanExpression>? AsArray() =>
        tokens.Count > 3 && tokens[0].Text == "ARRAY" && tokens[1].Text == "[" && tokens[^1].Text == "]"
        ? Of(tokens.Skip(2).SkipLast(1)).SplitAt(t => t.Text == ",")
        : null;

    /// <summary>The number where the expression is a parameter, or null.</summary>
    public int? AsParameter() => tokens.Count == 1 ? NumberOf(tokens[0]) : null;

    /// <summary>The numbers of the parameters in the expression.</summary>
    public IEnumerable<int> Parameters() => tokens.Select(NumberOf).OfType<int>();

    /// <summary>The text without alias, in the form for CREATE INDEX.</summary>
    public string ToSql()
    {
        var sql = new StringBuilder();
        for (var i = 0; i < tokens.Count; i++)
        {
            if (i + 1 < tokens.Count && IsName(tokens[i]) && tokens[i + 1].Text == "."
                && (i + 3 >= tokens.Count || tokens[i + 3].Text is not ("." or "(")))
            {
                if (tokens[i].SpaceBefore && sql.Length > 0)
                {
                    sql.Append(' ');
                }

                i++;
                continue;
            }

            if (tokens[i].SpaceBefore && sql.Length > 0)
            {
                sql.Append(' ');
            }

            sql.Append(tokens[i].Text);
        }

        return sql.ToString();
    }

    public override string ToString() => ToSql();

    /// <summary>A text of the plan with other names for its relations.</summary>
    internal static string Rename(string text, IReadOnlyDictionary<string, string> aliases)
    {
        var result = new StringBuilder(text.Length);
        var tokens = PlanToken.ReadAll(text);
        for (var i = 0; i < tokens.Count; i++)
        {
            var isAlias = IsName(tokens[i]) && i + 1 < tokens.Count && tokens[i + 1].Text == "."
                && (i == 0 || tokens[i - 1].Text != ".");
            result.Append(tokens[i].SpaceBefore ? " " : "").Append(
                isAlias && aliases.TryGetValue(Identifier.Unquote(tokens[i].Text), out var name)
                    ? Identifier.Quote(name) : tokens[i].Text);
        }

        return result.ToString();
    }

    private List<PlanExpression> SplitAt(Func<PlanToken, bool> isSeparator)
    {
        var parts = new List<PlanExpression>();
        var depth = 0;
        var cases = 0;
        var start = 0;
        for (var i = 0; i < tokens.Count; i++)
        {
            cases += tokens[i].Text switch { "CASE" => 1, "END" => -1, _ => 0 };
            if (depth == 0 && cases == 0 && isSeparator(tokens[i]))
            {
                parts.Add(new PlanExpression([.. tokens.Skip(start).Take(i - start)]));
                start = i + 1;
            }

            depth += Depth(tokens[i]);
        }

        parts.Add(new PlanExpression([.. tokens.Skip(start)]));
        return parts;
    }

    private static IReadOnlyList<PlanToken> Unwrap(IReadOnlyList<PlanToken> tokens)
    {
        while (tokens.Count > 2 && tokens[0].Text == "(" && tokens[^1].Text == ")")
        {
            var depth = 0;
            for (var i = 0; i < tokens.Count - 1; i++)
            {
                depth += Depth(tokens[i]);
                if (depth == 0)
                {
                    return tokens;
                }
            }

            tokens = [.. tokens.Skip(1).SkipLast(1)];
        }

        return tokens;
    }

    // The name of a type without its schema. A search path decides whether the server writes a schema.
    private static string Last(string type) => string.Concat(
        PlanToken.ReadAll(type).Select(t => t.Text).Reverse().TakeWhile(t => t != ".").Reverse());

    private static int Depth(PlanToken token) => token.Text switch { "(" or "[" => 1, ")" or "]" => -1, _ => 0 };

    private static int? NumberOf(PlanToken token) =>
        token.Kind == PlanTokenKind.Constant && token.Text[0] == '$'
        && int.TryParse(token.Text.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static bool IsName(PlanToken token) => token.Kind == PlanTokenKind.Word;

    private static bool IsBareConstant(string word) =>
        word is "true" or "false" or "NULL" or "CURRENT_DATE" or "CURRENT_TIMESTAMP" or "CURRENT_USER";
}
