using System.Globalization;
using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>The column that a parameter is compared with.</summary>
/// <param name="Alias">The alias of the relation in the plan.</param>
/// <param name="Table">The table.</param>
/// <param name="Column">The column.</param>
/// <param name="Function">A function on the column that changes the case of texts (lower, upper), or null.</param>
internal sealed record ParameterTarget(string Alias, RelationName Table, string Column, string? Function);

/// <summary>A comparison with an expression of parameters.</summary>
/// <param name="Target">The other side; null for an expression without statistics.</param>
/// <param name="Operator">The operator, with the target on its left.</param>
/// <param name="Value">The expression.</param>
internal sealed record ParameterFact(ParameterTarget? Target, string Operator, PlanExpression Value);

/// <summary>
/// The places of a statement's parameters, from its generic plan and, for facts that plans lack, from its text.
/// </summary>
internal sealed partial class ParameterReading
{
    private const string UsualLimit = "10";

    private readonly Dictionary<string, RelationName> relations = [];
    private readonly HashSet<int> shown = [];
    private readonly bool makesRows;

    private ParameterReading(PlanNode plan, string text, double? rowsPerCall)
    {
        foreach (var scan in plan.All().Where(n => n.IsScan && n.Alias is not null))
        {
            relations.TryAdd(scan.Alias!, new RelationName(scan.Schema, scan.RelationName!));
        }

        foreach (var node in plan.All())
        {
            foreach (var condition in node.Conditions.Select(PlanExpression.Parse))
            {
                Visit(condition);
            }

            foreach (var key in node.SortKeys.Concat(node.GroupKeys).Select(PlanExpression.Parse))
            {
                Unclear.UnionWith(key.Parameters());
            }

            shown.UnionWith(node.Output.SelectMany(o => PlanExpression.Parse(o).Parameters()));
            // Before PostgreSQL 17 the results of initial plans are also named $n, and nothing distinguishes them from
            // parameters.
            Ambiguous.UnionWith(
                Returned().Matches(node.SubplanName ?? "")
                .Select(m => int.Parse(m.ValueSpan[1..], NumberStyles.None, CultureInfo.InvariantCulture)));
        }

        makesRows = plan.All().Any(n => n.NodeType is "Function Scan" or "Table Function Scan" or "ProjectSet" or "Sample Scan");
        ReadText(text, LimitOf(rowsPerCall));
    }

    public List<ParameterFact> Facts { get; } = [];

    /// <summary>Values that follow from the place itself, by number: a field of date_trunc, a LIMIT.</summary>
    public Dictionary<int, string> Fixed { get; } = [];

    /// <summary>
    /// Parameters whose place accepts any value of their type: alone, or beside an expression without statistics.
    /// </summary>
    public HashSet<int> Harmless { get; } = [];

    /// <summary>Parameters about which nothing is known.</summary>
    public HashSet<int> Unclear { get; } = [];

    /// <summary>Numbers that may have another meaning in the plan.</summary>
    public HashSet<int> Ambiguous { get; } = [];

    /// <summary>Types of casts of parameters in the text, by number.</summary>
    public Dictionary<int, string> Types { get; } = [];

    /// <summary>Sides on which columns have a bound, by parameters or constants.</summary>
    public HashSet<(string Alias, string Column, bool IsLower)> Bounded { get; } = [];

    /// <summary>Names in ORDER BY, unquoted.</summary>
    public HashSet<string> Ordered { get; } = [];

    /// <summary>Whether a LIMIT or OFFSET is a parameter: a generic plan assumes a tenth of the rows.</summary>
    public bool HasLimit { get; private set; }

    /// <summary>Reads the places.</summary>
    /// <param name="plan">The generic plan.</param>
    /// <param name="text">The statement.</param>
    /// <param name="rowsPerCall">Mean number of rows that an execution returned or changed; null where unknown.</param>
    public static ParameterReading Read(PlanNode plan, string text, double? rowsPerCall = null) =>
        new(plan, text, rowsPerCall);

    /// <summary>
    /// Whether a parameter is only in the output, or not in the plan at all, so that NULL is as good as any value.
    /// </summary>
    public bool IsUnused(int number) =>
        !Unclear.Contains(number) && (shown.Contains(number) || !makesRows);

    private void Visit(PlanExpression condition)
    {
        if (condition.Split("AND") is { } all)
        {
            all.ToList().ForEach(Visit);
        }
        else if (condition.Split("OR") is { } any)
        {
            any.ToList().ForEach(Visit);
        }
        else if (condition.AsDistinct() is var (one, isDistinct, other))
        {
            Compare(one, isDistinct ? "<>" : "=", other);
        }
        else if (condition.Tokens is [{ Text: "NOT" }, _, ..])
        {
            Visit(PlanExpression.Of(condition.Tokens.Skip(1)));
        }
        else if (condition.AsNullTest() is var (operand, _))
        {
            (IsPlain(operand) ? Harmless : Unclear).UnionWith(operand.Parameters());
        }
        else if (condition.AsOperation() is var (left, name, right))
        {
            Compare(left, name, right);
        }
        else if (condition.AsCall() is ("starts_with", [var text, var beginning]))
        {
            Compare(text, "^@", beginning);
        }
        else
        {
            Unclear.UnionWith(condition.Parameters());
        }
    }

    private void Compare(PlanExpression left, string name, PlanExpression right)
    {
        if (left.AsRow() is { } first && right.AsRow() is { } second && first.Count == second.Count)
        {
            // The first column decides; the others break ties.
            for (var i = 0; i < first.Count; i++)
            {
                Compare(first[i], name, second[i]);
            }

            return;
        }

        if (!HasOperand(left) && HasOperand(right) && Mirrored(name) is { } mirrored)
        {
            (left, name, right) = (right, mirrored, left);
        }

        var target = TargetOf(left);
        if (target is not null && name is "<" or "<=" or ">" or ">=")
        {
            Bounded.Add((target!.Alias, target.Column, name[0] == '>'));
        }

        if (!right.Parameters().Any() && !left.Parameters().Any())
        {
            return;
        }

        if (!HasOperand(left))
        {
            // A comparison of parameters and constants only.
            (IsPlain(left) && IsPlain(right) ? Harmless : Unclear).UnionWith(left.Parameters().Concat(right.Parameters()));
        }
        else if (HasOperand(right) && !(right.AsCall() is ("COALESCE", [var wanted, ..]) && IsPlain(wanted)))
        {
            Unclear.UnionWith(left.Parameters().Concat(right.Parameters()));
        }
        else
        {
            // "doc ->> $1": such an expression has no statistics, whatever the key is.
            Harmless.UnionWith(left.Parameters());
            Facts.Add(new ParameterFact(target, name, right));
        }
    }

    private ParameterTarget? TargetOf(PlanExpression side)
    {
        if (side.AsColumn() is { } column)
        {
            return relations.TryGetValue(column.Alias, out var table)
                ? new ParameterTarget(column.Alias, table, column.Name, null)
                : column.Alias.Length == 0 && relations.Count == 1
                ? new ParameterTarget(relations.Keys.Single(), relations.Values.Single(), column.Name, null)
                : null;
        }

        if (side.AsCast() is var (operand, _))
        {
            return TargetOf(operand);
        }

        return side.AsCall() switch
        {
            (("lower" or "upper") and var function, [var argument]) =>
                TargetOf(argument) is { } target ? target with { Function = function } : null,
            ("COALESCE" or "min" or "max" or "btrim", [var argument, ..]) => TargetOf(argument),
            ("date_trunc", [_, var argument, ..]) => TargetOf(argument),
            _ => null,
        };
    }

    // Facts that plans do not contain: limits, and fields of times, which the server must know before it can plan.
    private void ReadText(string text, string limit)
    {
        var lexer = new SqlLexer(text);
        var (before, beforeThat) = ("", "");
        var depth = 0;
        int? ordering = null;
        var isWrite = false;
        while (lexer.Read())
        {
            isWrite |= before.Length == 0 && (lexer.IsWord("update") || lexer.IsWord("delete"));
            depth += lexer.Is('(') ? 1 : lexer.Is(')') ? -1 : 0;
            if (lexer.IsWord("by") && before == "order")
            {
                ordering = depth;
            }
            else if (ordering > depth || (ordering == depth
                && (lexer.IsWord("limit") || lexer.IsWord("offset") || lexer.IsWord("fetch") || lexer.IsWord("for"))))
            {
                ordering = null;
            }
            else if (ordering is not null && lexer.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier)
            {
                Ordered.Add(
                    lexer.Kind == SqlTokenKind.Word ? SqlLexer.Fold(lexer.Text) : Identifier.Unquote(lexer.Text.ToString()));
            }

            if (lexer.Kind == SqlTokenKind.Parameter)
            {
                var number = int.Parse(lexer.Text[1..], NumberStyles.None, CultureInfo.InvariantCulture);
                var place = before == "(" ? beforeThat : before;
                if (place is "limit" or "first" or "next" || (place == "offset" && !Fixed.ContainsKey(number)))
                {
                    // The rows of the statement are those of its own LIMIT, or of the subquery that chooses what it writes.
                    Fixed[number] = place == "offset" ? "0"
                        : isWrite || depth == (before == "(" ? 1 : 0) ? limit : UsualLimit;
                    HasLimit = true;
                }
                else if (before == "(" && beforeThat is "date_trunc" or "date_part")
                {
                    Fixed[number] = "day";
                }

                var cast = lexer.Ahead();
                if (cast.Kind == SqlTokenKind.Cast && cast.Ahead() is { Kind: SqlTokenKind.Word } type)
                {
                    Types[number] = SqlLexer.Fold(type.Text);
                }
            }

            (beforeThat, before) = (before, lexer.Kind is SqlTokenKind.Word ? SqlLexer.Fold(lexer.Text) : lexer.Text.ToString());
        }
    }

    // A LIMIT lets at least the mean through.
    private static string LimitOf(double? rowsPerCall) => rowsPerCall > 10
        ? Math.Ceiling(rowsPerCall.Value).ToString("0", CultureInfo.InvariantCulture) : UsualLimit;

    // A column, an aggregate, or an expression of another relation: anything but parameters, constants and functions of them.
    private static bool HasOperand(PlanExpression side) =>
        side.Columns().Any() || side.HasSubplan()
            || side.Tokens.Any(t => t.Text == "*") && side.Tokens.Any(t => t.Text == "count");

    private static bool IsPlain(PlanExpression side) =>
        side.AsCast() is var (operand, _) ? IsPlain(operand) : side.AsParameter() is not null || side.IsConstant();

    // "$1 = ANY (tags)": the array contains the value.
    private static string? Mirrored(string name) => name == "= ANY" ? "has" : OperatorNames.Mirrored(name);

    [GeneratedRegex(@"\$\d+")]
    private static partial Regex Returned();
}
