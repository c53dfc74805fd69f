using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// Reads the uses of each relation from a plan. The planner has already resolved views, subqueries, search path and grammar.
/// </summary>
internal static partial class PlanReader
{
    /// <summary>The uses of relations by the statement of this plan.</summary>
    /// <param name="plan">The plan of the statement.</param>
    /// <param name="text">The text of the statement: a constant in it may be in a partial index; null where no constant
    /// may.</param>
    /// <param name="arguments">The values of the parameters in the plan: they do not count as constants, wherever they
    /// occur.</param>
    /// <param name="tables">The tables of the plan: the types of their columns tell which casts change a value; null where they
    /// are unknown.</param>
    public static StatementUse Read(
        PlanNode plan, string? text = null, IReadOnlyList<string?>? arguments = null,
        IReadOnlyDictionary<RelationName, TableInfo>? tables = null)
    {
        var relations = new Dictionary<string, Builder>();
        foreach (var scan in plan.All().Where(n => n.IsScan && n.Alias is not null))
        {
            var name = new RelationName(scan.Schema, scan.RelationName!);
            relations.TryAdd(scan.Alias!, new Builder(name, scan.Alias!, tables?.GetValueOrDefault(name)));
        }

        var reading = new Reading(relations, Literals(text, arguments ?? []));
        reading.Visit(plan, isRoot: true, mayStopEarly: false, isParallel: false);
        return new StatementUse([.. relations.Values.Select(b => b.Build())]);
    }

    private static HashSet<string> Literals(string? text, IReadOnlyList<string?> arguments)
    {
        var found = new HashSet<string>();
        var lexer = new SqlLexer(text);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Number)
            {
                found.Add(lexer.Text.ToString());
            }
            else if (lexer.Kind == SqlTokenKind.Literal && lexer.Text is ['\'', ..])
            {
                found.Add(Bare(lexer.Text.ToString()));
            }
        }

        found.ExceptWith(arguments.OfType<string>().Select(Bare));
        return found;
    }

    private static string Bare(string literal) =>
        literal is ['\'', .., '\''] ? literal[1..^1].Replace("''", "'", StringComparison.Ordinal) : literal;

    private static bool IsVolatile(string word) =>
        word is "now" or "random" or "clock_timestamp" or "CURRENT_DATE" or "CURRENT_TIMESTAMP" or "LOCALTIMESTAMP";

    [GeneratedRegex(@"(?<desc> DESC)?(?: NULLS (?<nulls>FIRST|LAST))?$")]
    private static partial Regex Order();

    [GeneratedRegex(
        @"^\(*(?:PARTIAL )?(?:count|sum|avg|min|max|\w+_agg|bool_and|bool_or|every|stddev\w*|var\w*|percentile_\w+|mode)\("
            + @"|\bOVER \(|\?column\?")]
    private static partial Regex Aggregate();

    // A regular expression that begins with fixed characters.
    [GeneratedRegex(@"^\^[\w ]{2,}(?![*?{])[^|]*$")]
    private static partial Regex FixedBeginning();

    private sealed class Reading(Dictionary<string, Builder> relations, HashSet<string> literals)
    {
        private readonly Builder? only = relations.Count == 1 ? relations.Values.Single() : null;

        public void Visit(PlanNode node, bool isRoot, bool mayStopEarly, bool isParallel)
        {
            var own = node.IsScan && node.Alias is not null ? relations.GetValueOrDefault(node.Alias) : null;
            foreach (var condition in node.Conditions.Select(PlanExpression.Parse))
            {
                AddConjunction(condition);
            }

            AddKeys(node.SortKeys, static (builder, keys) => builder.Orders.Add(keys));
            AddKeys(node.GroupKeys, static (builder, keys) => builder.Groups.Add(keys));
            // A scan below others may return its rows as stored, with columns that nothing reads.
            if (!node.IsScan || isRoot)
            {
                var outputs = node.Output.Select(PlanExpression.Parse).ToList();
                outputs.ForEach(o => AddColumns(o));
                if (node is { NodeType: "Aggregate", GroupKeys.Count: 0 })
                {
                    outputs.ForEach(AddExtreme);
                }
            }

            if (own is not null)
            {
                own.MayStopEarly |= mayStopEarly;
                own.Rows = !isParallel && !DependsOnOthers(node, own) ? Math.Max(own.Rows ?? 0, node.Rows) : null;
            }

            // An updated or deleted row is found by its location, which an index-only scan does not return.
            if (node.NodeType == "ModifyTable" && node.Alias is not null && relations.TryGetValue(node.Alias, out var written))
            {
                written.WholeRow = true;
            }

            foreach (var child in node.Children)
            {
                Visit(
                    child, isRoot: false,
                    mayStopEarly: child.ParentRelationship is not ("InitPlan" or "SubPlan")
                        && (mayStopEarly || node.NodeType == "Limit"),
                    isParallel: isParallel || node.NodeType.StartsWith("Gather", StringComparison.Ordinal));
            }
        }

        private bool DependsOnOthers(PlanNode node, Builder own) =>
            node.Conditions.Select(PlanExpression.Parse).SelectMany(c => c.Columns()).Any(c => Find(c) != own)
                || node.Children.Any(c => DependsOnOthers(c, own));

        private void AddConjunction(PlanExpression condition)
        {
            if (condition.Split("AND") is { } all)
            {
                foreach (var part in all)
                {
                    AddConjunction(part);
                }
            }
            else if (condition.Split("OR") is { } any)
            {
                AddColumns(condition, condition.ToSql());
                AddDisjunction(any);
            }
            else
            {
                AddColumns(condition, condition.ToSql());
                foreach (var (relation, predicate) in Predicates(condition))
                {
                    relation.Predicates.Add(predicate);
                }
            }
        }

        // Indexes serve an OR only where there is one for each branch: a relation that a branch does not restrict is read as a
        // whole.
        private void AddDisjunction(IReadOnlyList<PlanExpression> branches)
        {
            var byBranch = branches
                .Select(b => (b.Split("AND") ?? [b]).SelectMany(Predicates).ToLookup(p => p.Relation, p => p.Predicate))
                .ToList();
            foreach (var relation in byBranch[0].Select(g => g.Key).Where(r => byBranch.TrueForAll(b => b.Contains(r))))
            {
                relation.Disjunctions.Add([.. byBranch.Select(b => (IReadOnlyList<PlanPredicate>)[.. b[relation]])]);
            }
        }

        private IEnumerable<(Builder Relation, PlanPredicate Predicate)> Predicates(PlanExpression condition)
        {
            if (condition.AsNullTest() is { } test)
            {
                if (Owner(test.Operand) is { } owner && KeyOf(test.Operand) is { } key)
                {
                    yield return (owner,
                        new PlanPredicate(test.IsNull ? PredicateKind.Null : PredicateKind.NotNull, key) {
                        Condition = condition.ToSql() });
                }
            }
            else if (condition.AsTruth() is var (flag, isTrue) && ColumnOf(flag) is { } boolean)
            {
                if (Find(boolean) is { } owner)
                {
                    var kind = isTrue switch {
                        true => PredicateKind.True, false => PredicateKind.False, null => PredicateKind.Test };
                    yield return (owner,
                        new PlanPredicate(kind, IndexKey.OnColumn(boolean.Name)) { Condition = condition.ToSql() });
                }
            }
            else if (condition.AsDistinct() is var (one, isDistinct, other))
            {
                // No search serves it, because it accepts nulls or compares with them.
                if (Owner(one) is { } owner && KeyOf(one) is { } key
                    && (IsWritten(other) || other.Tokens is [{ Text: "true" or "false" }]))
                {
                    yield return (owner,
                        new PlanPredicate(isDistinct ? PredicateKind.Unequal : PredicateKind.Test, key) {
                        Condition = condition.ToSql() });
                }
            }
            else if (condition.AsCall() is ("starts_with", [var start, var value]))
            {
                if (Side(start, "^@", value, condition) is { } prefix)
                {
                    yield return prefix;
                }
            }
            else if (condition.AsOperation() is var (left, name, right))
            {
                if (left.AsRow() is { } row && name is "<" or "<=" or ">" or ">=")
                {
                    foreach (var predicate in RowRange(row))
                    {
                        yield return predicate;
                    }
                }
                else
                {
                    if (Side(left, name, right, condition) is { } first)
                    {
                        yield return first;
                    }

                    if (OperatorNames.Mirrored(name) is { } mirrored && Side(right, mirrored, left, condition) is { } second)
                    {
                        yield return second;
                    }
                }
            }
        }

        // (a, b) > (1, 2) is a range of the order a, b.
        private IEnumerable<(Builder Relation, PlanPredicate Predicate)> RowRange(IReadOnlyList<PlanExpression> row)
        {
            var keys = row.Select(e => KeyOf(e)).ToList();
            if (Owner(row[0]) is { } owner && row.All(r => Owner(r) == owner) && !keys.Contains(null))
            {
                owner.Orders.Add([.. keys.OfType<IndexKey>()]);
                yield return (owner, new PlanPredicate(PredicateKind.Range, keys[0]!));
            }
        }

        // The possible role of the left side of an operation, given the right side.
        private (Builder Relation, PlanPredicate Predicate)? Side(
            PlanExpression left, string name, PlanExpression right, PlanExpression condition)
        {
            if (left.HasSubplan() || right.HasSubplan() || Owner(left) is not { } owner)
            {
                return null;
            }

            if (KeyOf(left) is not { } key)
            {
                owner.HasLostConstants |= left.Parameters().Any() && ColumnOf(left) is null;
                return null;
            }

            var columns = right.Columns().ToList();
            if (columns.Exists(c => Find(c) == owner))
            {
                return null;
            }

            var pattern = right.AsString();
            PredicateKind? kind = name switch
            {
                "=" => columns.Count > 0 ? PredicateKind.Join : PredicateKind.Equal,
                "= ANY" => PredicateKind.In,
                "<" or "<=" or ">" or ">=" => PredicateKind.Range,
                // The value of a parameter is unknown: in many cases it is a prefix.
                "~~" when (pattern?.Length > 0 ? pattern[0] is not ('%' or '_') : BeginsWithParameter(right)) =>
                    PredicateKind.Prefix,
                "~" when pattern is not null && FixedBeginning().IsMatch(pattern) => PredicateKind.Prefix,
                "^@" => PredicateKind.Prefix,
                "<>" or "<> ALL" when columns.Count == 0 => PredicateKind.Unequal,
                _ when IsServedByAnotherMethod(name) => PredicateKind.Operator,
                _ => null,
            };
            return kind is not { } found ? null : (owner, new PlanPredicate(found, key)
            {
                Operator = found is PredicateKind.Operator or PredicateKind.Prefix ? name : null,
                Pattern = found is PredicateKind.Operator or PredicateKind.Prefix && name.Contains('~', StringComparison.Ordinal)
                    ? pattern : null,
                Constant = found == PredicateKind.Equal && right.IsConstant()
                    ? right.AsString() ?? right.Tokens[0].Text : null,
                Other = columns.Count > 0 ? columns[0].Alias : null,
                OtherColumn = ColumnOf(right)?.Name,
                Condition = found is PredicateKind.Equal or PredicateKind.In or PredicateKind.Unequal && IsWritten(right)
                    ? condition.ToSql() : null,
            });
        }

        // "$1", "$1 || '%'", but not "'%' || $1".
        private static bool BeginsWithParameter(PlanExpression pattern) => pattern.ToSql().TrimStart('(').StartsWith('$');

        // Whether the text of the statement contains this constant, or each element of this array.
        private bool IsWritten(PlanExpression constant) => constant.IsConstant() && (constant.AsString() is not { } value
            ? literals.Contains(constant.Tokens[0].Text)
            : literals.Contains(value)
                || (value.StartsWith('-') && literals.Contains(value[1..]))
                || (value is ['{', .., '}']
                    && value[1..^1].Split(',').All(e => literals.Contains(e.Trim('"')) || literals.Contains(e.TrimStart('-')))));

        private void AddKeys(IReadOnlyList<string> keys, Action<Builder, IReadOnlyList<IndexKey>> add)
        {
            Builder? owner = null;
            var prefix = new List<IndexKey>();
            var open = true;
            foreach (var text in keys)
            {
                var match = Order().Match(text);
                var expression = PlanExpression.Parse(match.Success ? text[..match.Index] : text);
                AddColumns(expression);
                if (!open || Owner(expression) is not { } found || (owner ?? found) != found)
                {
                    open = false;
                }
                else if (expression.AsOperation() is var (left, name, _) && name == "<->" && KeyOf(left) is { } place)
                {
                    found.Predicates.Add(new PlanPredicate(PredicateKind.Nearest, place) { Operator = name });
                    open = false;
                }
                else if (KeyOf(expression) is { } key)
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
        private void AddExtreme(PlanExpression output)
        {
            var tokens = output.Tokens;
            if (tokens.Count > 3 && tokens[0].Text is "min" or "max" && tokens[1].Text == "("
                && ColumnOf(PlanExpression.Of(tokens.Skip(2).SkipLast(1))) is { } column
                && Find(column) is { } owner)
            {
                owner.Orders.Add([IndexKey.OnColumn(column.Name)]);
                owner.MayStopEarly = true;
            }
        }

        private void AddColumns(PlanExpression expression, string? condition = null)
        {
            foreach (var column in expression.Columns())
            {
                Find(column)?.AddColumn(column.Name, condition);
            }

            foreach (var name in expression.BareNames())
            {
                only?.AddColumn(name, condition);
            }

            foreach (var alias in expression.WholeRows())
            {
                if (relations.TryGetValue(alias, out var relation))
                {
                    relation.WholeRow = true;
                }
            }
        }

        // A column, or an expression that is worth an index: a call or an operation. A bare cast is not, because it usually comes
        // from imprecise types, except a cast to date, which selects the day, or to text, which is searched for on purpose.
        private IndexKey? KeyOf(PlanExpression expression)
        {
            if (ColumnOf(expression) is { } column)
            {
                return IndexKey.OnColumn(column.Name);
            }

            var sql = expression.ToSql();
            return !(expression.AsCast() is var (operand, type) && type is not ("date" or "text")
                    && ColumnOf(operand) is not null)
                && expression.Tokens.Any(t => t.Text == "(" || t.Kind == PlanTokenKind.Operator)
                && !Aggregate().IsMatch(sql)
                && expression.Tokens.All(t => (t.Kind != PlanTokenKind.Constant || t.Text[0] != '$') && !IsVolatile(t.Text))
                    ? IndexKey.OnExpression(sql)
                    : null;
        }

        private PlanColumn? ColumnOf(PlanExpression expression) => expression.AsColumn(column => Find(column)?.Info);

        private Builder? Owner(PlanExpression expression)
        {
            var owners = expression.Columns().Select(Find).Distinct().ToList();
            return owners.Count == 1 ? owners[0] : null;
        }

        private Builder? Find(PlanColumn column) => column.Alias.Length == 0 ? only : relations.GetValueOrDefault(column.Alias);

        private static bool IsServedByAnotherMethod(string name) =>
            name is "@>" or "<@" or "&&" or "?" or "?|" or "?&" or "@?" or "@@"
            or "~~" or "~~*" or "~" or "~*" or "%" or "<%" or "%>" or "<<%" or "%>>" or "-|-" or "<<" or ">>" or "<<=" or ">>="
                or "&<" or "&>" or "~=";
    }

    private sealed class Builder(RelationName table, string alias, TableInfo? info)
    {
        public TableInfo? Info => info;

        public List<PlanPredicate> Predicates { get; } = [];

        public List<IReadOnlyList<IReadOnlyList<PlanPredicate>>> Disjunctions { get; } = [];

        public List<IReadOnlyList<IndexKey>> Orders { get; } = [];

        public List<IReadOnlyList<IndexKey>> Groups { get; } = [];

        // The condition that reads a column; null where there are several, or something else reads it.
        private readonly Dictionary<string, string?> columns = [];

        public bool WholeRow { get; set; }

        public bool HasLostConstants { get; set; }

        public bool MayStopEarly { get; set; }

        public double? Rows { get; set; }

        public void AddColumn(string name, string? condition) =>
            columns[name] = columns.TryGetValue(name, out var known) && known != condition ? null : condition;

        public RelationUse Build() => new()
        {
            Table = table,
            Alias = alias,
            Predicates = [.. Predicates.Distinct()],
            Disjunctions = Disjunctions,
            Orders = Orders,
            Groups = Groups,
            Columns = WholeRow ? null : columns.Keys.ToHashSet(),
            ReadOnce = columns.Where(c => c.Value is not null).ToDictionary(c => c.Key, c => c.Value!),
            HasLostConstants = HasLostConstants,
            MayStopEarly = MayStopEarly,
            Rows = Rows,
        };
    }
}
