using System.Text.RegularExpressions;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

/// <summary>
/// Reads off a plan what a statement wants of each relation. Views, subqueries, search path and grammar are behind it: the planner has
/// resolved them.
/// </summary>
public static partial class PlanReader
{
    /// <summary>What the statement of this plan wants.</summary>
    public static StatementUse Read(PlanNode plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var relations = new Dictionary<string, Builder>();
        foreach (var scan in plan.All().Where(n => n.IsScan && n.Alias is not null))
        {
            relations.TryAdd(scan.Alias!, new Builder(new RelationName(scan.Schema, scan.RelationName!), scan.Alias!));
        }

        var only = relations.Count == 1 ? relations.Values.Single() : null;
        foreach (var node in plan.All())
        {
            foreach (var condition in node.Conditions.Select(PlanExpression.Parse))
            {
                AddColumns(condition, relations, only);
                AddConjunction(condition, relations, only);
            }

            AddKeys(node.SortKeys, relations, only, static (builder, keys) => builder.Orders.Add(keys));
            AddKeys(node.GroupKeys, relations, only, static (builder, keys) => builder.Groups.Add(keys));
            // A scan below others may hand up its rows as they lie, with columns that nobody reads.
            if (!node.IsScan || ReferenceEquals(node, plan))
            {
                foreach (var output in node.Output.Select(PlanExpression.Parse))
                {
                    AddColumns(output, relations, only);
                    AddExtremes(output, relations, only);
                }
            }

            // What is updated or deleted is found by its place, which no index-only scan tells.
            if (node.NodeType == "ModifyTable" && node.Alias is not null && relations.TryGetValue(node.Alias, out var written))
            {
                written.WholeRow = true;
            }
        }

        return new StatementUse([.. relations.Values.Select(b => b.Build())]);
    }

    private static void AddConjunction(PlanExpression condition, Dictionary<string, Builder> relations, Builder? only)
    {
        if (condition.Split("AND") is { } all)
        {
            foreach (var part in all)
            {
                AddConjunction(part, relations, only);
            }
        }
        else if (condition.Split("OR") is { } any)
        {
            foreach (var branch in any)
            {
                foreach (var group in (branch.Split("AND") ?? [branch])
                    .SelectMany(p => Predicates(p, relations, only)).GroupBy(p => p.Relation))
                {
                    group.Key.Alternatives.Add([.. group.Select(p => p.Predicate)]);
                }
            }
        }
        else
        {
            foreach (var (relation, predicate) in Predicates(condition, relations, only))
            {
                relation.Predicates.Add(predicate);
            }
        }
    }

    private static IEnumerable<(Builder Relation, PlanPredicate Predicate)> Predicates(
        PlanExpression condition, Dictionary<string, Builder> relations, Builder? only)
    {
        if (condition.AsNullTest() is { } test)
        {
            if (test.IsNull && Owner(test.Operand, relations, only) is { } owner && KeyOf(test.Operand) is { } key)
            {
                yield return (owner, new PlanPredicate(PredicateKind.Null, key));
            }
        }
        else if (condition.Negated() is { } negated)
        {
            if (negated.AsColumn() is { } flag && Find(flag, relations, only) is { } owner)
            {
                yield return (owner, new PlanPredicate(PredicateKind.False, IndexKey.OnColumn(flag.Name)));
            }
        }
        else if (condition.AsColumn() is { } flag)
        {
            if (Find(flag, relations, only) is { } owner)
            {
                yield return (owner, new PlanPredicate(PredicateKind.True, IndexKey.OnColumn(flag.Name)));
            }
        }
        else if (condition.AsOperation() is var (left, name, right))
        {
            if (Side(left, name, right, relations, only) is { } first)
            {
                yield return first;
            }

            if (Mirrored(name) is { } mirrored && Side(right, mirrored, left, relations, only) is { } second)
            {
                yield return second;
            }
        }
    }

    // What the left side of an operation can serve as, given what stands on the right.
    private static (Builder Relation, PlanPredicate Predicate)? Side(
        PlanExpression left, string name, PlanExpression right, Dictionary<string, Builder> relations, Builder? only)
    {
        if (left.HasSubplan() || right.HasSubplan() || Owner(left, relations, only) is not { } owner || KeyOf(left) is not { } key)
        {
            return null;
        }

        var others = right.Columns().Select(c => Find(c, relations, only)).ToList();
        if (others.Contains(owner))
        {
            return null;
        }

        PredicateKind? kind = name switch
        {
            "=" => others.Count > 0 ? PredicateKind.Join : PredicateKind.Equal,
            "= ANY" => PredicateKind.In,
            "<" or "<=" or ">" or ">=" => PredicateKind.Range,
            "~~" when right.AsString() is { Length: > 0 } pattern && pattern[0] is not ('%' or '_') => PredicateKind.Prefix,
            _ => null,
        };
        return kind is { } found ? (owner, new PlanPredicate(found, key)) : null;
    }

    private static string? Mirrored(string name) => name switch { "=" => "=", "<" => ">", "<=" => ">=", ">" => "<", ">=" => "<=", _ => null };

    private static void AddKeys(
        IReadOnlyList<string> keys, Dictionary<string, Builder> relations, Builder? only, Action<Builder, IReadOnlyList<IndexKey>> add)
    {
        Builder? owner = null;
        var prefix = new List<IndexKey>();
        var open = true;
        foreach (var text in keys)
        {
            var match = Order().Match(text);
            var expression = PlanExpression.Parse(match.Success ? text[..match.Index] : text);
            AddColumns(expression, relations, only);
            if (open && Owner(expression, relations, only) is { } found && (owner ?? found) == found && KeyOf(expression) is { } key)
            {
                owner = found;
                prefix.Add(key with
                {
                    Descending = match.Groups["desc"].Success,
                    NullsFirst = match.Groups["nulls"] is { Success: true } nulls ? nulls.Value == "FIRST" : null,
                });
            }
            else
            {
                open = false;
            }
        }

        if (owner is not null)
        {
            add(owner, prefix);
        }
    }

    // min() and max() of a column read one end of an index.
    private static void AddExtremes(PlanExpression output, Dictionary<string, Builder> relations, Builder? only)
    {
        var tokens = output.Tokens;
        if (tokens.Count > 3 && tokens[0].Text is "min" or "max" && tokens[1].Text == "("
            && PlanExpression.Of(tokens.Skip(2).SkipLast(1)).AsColumn() is { } column
            && Find(column, relations, only) is { } owner)
        {
            owner.Orders.Add([IndexKey.OnColumn(column.Name)]);
        }
    }

    private static void AddColumns(PlanExpression expression, Dictionary<string, Builder> relations, Builder? only)
    {
        foreach (var column in expression.Columns())
        {
            Find(column, relations, only)?.Columns.Add(column.Name);
        }

        foreach (var alias in expression.WholeRows())
        {
            if (relations.TryGetValue(alias, out var relation))
            {
                relation.WholeRow = true;
            }
        }
    }

    private static Builder? Owner(PlanExpression expression, Dictionary<string, Builder> relations, Builder? only)
    {
        var owners = expression.Columns().Select(c => Find(c, relations, only)).Distinct().ToList();
        return owners.Count == 1 ? owners[0] : null;
    }

    private static Builder? Find(PlanColumn column, Dictionary<string, Builder> relations, Builder? only) =>
        column.Alias.Length == 0 ? only : relations.GetValueOrDefault(column.Alias);

    // A column, or an expression that is worth an index: a call or an operation, but no bare cast, which follows from sloppy types;
    // the day of a time is meant.
    private static IndexKey? KeyOf(PlanExpression expression)
    {
        var bare = expression.WithoutTextCast();
        return bare.AsColumn() is { } column ? IndexKey.OnColumn(column.Name)
            : !(bare.AsCast() is var (operand, type) && type != "date" && operand.AsColumn() is not null) && bare.Tokens.Any(t => t.Text == "(" || (t.Kind == PlanTokenKind.Operator && t.Text != "::")) && !Aggregate().IsMatch(bare.ToSql())
                && bare.Tokens.All(t => t.Kind != PlanTokenKind.Constant || t.Text[0] != '$')
            ? IndexKey.OnExpression(bare.ToSql())
            : null;
    }

    [GeneratedRegex(@"(?<desc> DESC)?(?: NULLS (?<nulls>FIRST|LAST))?$")]
    private static partial Regex Order();

    [GeneratedRegex(@"^\(*(?:PARTIAL )?(?:count|sum|avg|min|max|array_agg|string_agg|bool_and|bool_or|jsonb?_agg)\(|\bOVER \(|\?column\?")]
    private static partial Regex Aggregate();

    private sealed class Builder(RelationName table, string alias)
    {
        public List<PlanPredicate> Predicates { get; } = [];

        public List<IReadOnlyList<PlanPredicate>> Alternatives { get; } = [];

        public List<IReadOnlyList<IndexKey>> Orders { get; } = [];

        public List<IReadOnlyList<IndexKey>> Groups { get; } = [];

        public HashSet<string> Columns { get; } = [];

        public bool WholeRow { get; set; }

        public RelationUse Build() => new()
        {
            Table = table,
            Alias = alias,
            Predicates = [.. Predicates.Distinct()],
            Alternatives = Alternatives,
            Orders = Orders,
            Groups = Groups,
            Columns = WholeRow ? null : Columns,
        };
    }
}
