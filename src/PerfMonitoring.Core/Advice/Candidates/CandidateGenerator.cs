using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>An index for one use of a table.</summary>
/// <param name="Definition">The index, without a name.</param>
/// <param name="Pattern">Intended use.</param>
internal sealed record ProposedIndex(IndexDefinition Definition, UsagePattern Pattern)
{
    /// <summary>
    /// What the user must do first, as a sentence without its end, or null: the planner cannot yet be asked about such an index.
    /// </summary>
    public string? Requires { get; init; }
}

/// <summary>What is known of the workload and the server beside one use of one table.</summary>
internal sealed record CandidateContext
{
    /// <summary>Conditions with a constant that recur in the workload, by table: partial indexes may use them.</summary>
    public IReadOnlySet<(RelationName Table, string Condition)> Recurring { get; init; } = new HashSet<(RelationName, string)>();

    /// <summary>Whether the server offers pg_trgm.</summary>
    public bool IsTrigramAvailable { get; init; }

    /// <summary>The schema of pg_trgm; null where it is not installed in the database.</summary>
    public string? TrigramSchema { get; init; }

    /// <summary>The recurring conditions of a workload: those in two of its statements, or in one that ran twice.</summary>
    /// <param name="workload">The statements, each with its number of calls.</param>
    public static IReadOnlySet<(RelationName Table, string Condition)> FindRecurring(
        IEnumerable<(StatementUse Use, double Weight)> workload)
    {
        return workload
            .SelectMany(s => s.Use.Relations
                .SelectMany(r => r.Predicates.Select(p => (r.Table, p.Condition)))
                .Where(c => c.Condition is not null)
                .Distinct()
                .Select(c => (c.Table, Condition: c.Condition!, s.Weight)))
            .GroupBy(c => (c.Table, c.Condition), c => Math.Max(1, c.Weight))
            .Where(g => g.Sum() >= 2)
            .Select(g => g.Key)
            .ToHashSet();
    }
}

/// <summary>
/// Generates indexes for the use of a table by a statement. B-trees: keys of equality first, then one of a range or an order;
/// join keys before and after the other restrictions; the same with the other columns that are read (index-only scans); the same
/// for only the rows that a fixed condition selects. Other methods for the operators that only they serve, and where they are
/// much smaller.
/// </summary>
/// <remarks>
/// Candidates that cannot win are not generated, since every candidate costs planning time: keys after a prefix that finds a row
/// or two; lookups, ranges and orders that fetch a large part of a table in another order than that of its pages; index-only
/// scans of an index that is not clearly smaller than the table, or of a table whose pages are not known to be visible.
/// Candidates that would refuse writes are not generated either (<see cref="EntryLimit"/>): a column without a bound on its
/// length is a key where a condition or an order needs it and its known values are short. It is never added only for reading.
/// </remarks>
internal static class CandidateGenerator
{
    /// <summary>The indexes for one use of a table, each once.</summary>
    public static IReadOnlyList<ProposedIndex> Generate(RelationUse use, TableInfo table, CandidateContext? context = null)
    {
        if (table.Pages is > 0 and <= Tuning.Candidates.SmallTable)
        {
            return [];
        }

        context ??= new CandidateContext();
        var found = new Dictionary<string, ProposedIndex>();
        AddBtrees(found, use.Predicates, use, table, where: null);
        foreach (var branch in use.Alternatives)
        {
            AddBranch(found, branch, use, table);
        }

        AddPartials(found, use, table, context);
        AddOtherMethods(found, use, table, context);
        return WithoutDominated([.. found.Values], table);
    }

    // Removes an index where another one does the same work and is not larger.
    private static List<ProposedIndex> WithoutDominated(List<ProposedIndex> all, TableInfo table)
    {
        var sizes = all.ConvertAll(p => IndexSize.Estimate(p.Definition, table, table.Rows) ?? long.MaxValue);
        bool Dominates(int i, int j) => i != j && all[i].Definition.Where == all[j].Definition.Where
            && IndexCoverage.Covers(all[i].Definition, all[j].Definition)
            && sizes[i] <= sizes[j] * 1.05
            && (i < j || !IndexCoverage.Covers(all[j].Definition, all[i].Definition));
        return [.. all.Where((_, j) => !Enumerable.Range(0, all.Count).Any(i => Dominates(i, j)))];
    }

    private static void Add(
        Dictionary<string, ProposedIndex> found, IndexDefinition definition, UsagePattern pattern, string? requires = null) =>
        found.TryAdd(definition.ToAnonymousStatement(), new ProposedIndex(definition, pattern) { Requires = requires });

    private static void AddBtrees(
        Dictionary<string, ProposedIndex> found, IReadOnlyList<PlanPredicate> predicates, RelationUse use, TableInfo table,
        string? where)
    {
        var shape = new Shape(predicates, use, table);
        var plain = shape.Plain().ToList();
        var covering = shape.Covering().ToList();
        if (where is not null)
        {
            // For each condition, the best few are enough.
            plain = [.. plain.Take(2)];
            covering = [.. covering.Take(1)];
        }

        foreach (var (keys, pattern) in plain.Where(p => p.Keys.Count > 0))
        {
            Add(found, Define(table, keys, where), pattern);
        }

        foreach (var (keys, pattern) in covering)
        {
            if (Cover(
                Define(table, keys, where), use, table, isWhole: keys.Count == 0,
                pattern == UsagePattern.Sort ? Tuning.Candidates.NoLarger : Tuning.Candidates.ClearlySmaller) is { } definition)
            {
                Add(found, definition, pattern);
            }
        }
    }

    // Each branch of an OR needs a separate index; the other restrictions of the table can come first.
    private static void AddBranch(
        Dictionary<string, ProposedIndex> found, IReadOnlyList<PlanPredicate> branch, RelationUse use, TableInfo table)
    {
        var own = new Shape(branch, use with { Orders = [], Groups = [], Rows = null }, table);
        if (own.Plain().FirstOrDefault() is { Keys: { Count: > 0 } keys } first)
        {
            Add(found, Define(table, keys, null), first.Pattern);
            var common = new Shape(use.Predicates, use, table).Equality;
            if (common.Count > 0)
            {
                Add(found, Define(table, Join(common, keys), null), first.Pattern);
            }
        }
    }

    private static void AddPartials(
        Dictionary<string, ProposedIndex> found, RelationUse use, TableInfo table, CandidateContext context)
    {
        var conditions = use.Predicates.Where(p => p.Condition is { Length: <= 200 } && IsWorthACondition(p, table, context))
            .Take(Tuning.Candidates.MaximumConditions).ToList();
        foreach (var condition in conditions)
        {
            AddPartial(found, [condition], use, table);
        }

        if (conditions.Count > 1)
        {
            AddPartial(found, conditions, use, table);
        }

        // For a column that is mostly null: a comparison never selects nulls, and the planner knows that.
        foreach (var key in use.Predicates
            .Where(p =>
                p.Kind is PredicateKind.Equal or PredicateKind.In or PredicateKind.Join or PredicateKind.Range
                && p.Key.Column is not null)
            .Select(p => p.Key).Distinct()
            .Where(k => CanBeKey(k, table) && table.FindColumn(k.Column!) is { NullFraction: > Tuning.Candidates.LargeShare }))
        {
            Add(found, Define(table, [key], Identifier.Quote(key.Column!) + " IS NOT NULL"), UsagePattern.Lookup);
        }
    }

    private static void AddPartial(
        Dictionary<string, ProposedIndex> found, List<PlanPredicate> conditions, RelationUse use, TableInfo table)
    {
        // The condition restricts its columns already, so they need not be keys.
        var fixedKeys = conditions.Where(c => c.Kind is not (PredicateKind.NotNull or PredicateKind.Unequal)).Select(c => c.Key)
            .ToHashSet();
        var rest = use.Predicates.Where(p => !conditions.Contains(p) && !fixedKeys.Contains(p.Key)).ToList();
        var where = string.Join(" AND ", conditions.Select(c => conditions.Count > 1 ? "(" + c.Condition + ")" : c.Condition));
        var remaining = use with { Predicates = rest, Rows = null };
        var before = found.Count;
        AddBtrees(found, rest, remaining, table, where);
        if (found.Count == before && CanBeKey(conditions[0].Key, table))
        {
            Add(found, Define(table, [conditions[0].Key], where), UsagePattern.Lookup);
        }
    }

    // A value that many rows share, or a state that few rows have: the planner estimates how few.
    private static bool IsWorthACondition(PlanPredicate predicate, TableInfo table, CandidateContext context)
    {
        var column = predicate.Key.Column is { } name ? table.FindColumn(name) : null;
        return predicate.Kind switch
        {
            PredicateKind.Null => column is null || column.NullFraction is null or (> 0 and <= Tuning.Candidates.LargeShare),
            PredicateKind.NotNull => column is null || column.NullFraction is null or >= Tuning.Candidates.LargeShare,
            PredicateKind.True or PredicateKind.False => true,
            _ => column?.Distinct is > 0 and <= Tuning.Candidates.FewValues and var values && Share(predicate, values) <= Tuning.Candidates.LargeShare
                && context.Recurring.Contains((table.Name, predicate.Condition!)),
        };
    }

    // Assumes that all values are equally frequent, and that all but one of two or three values are a half.
    private static double Share(PlanPredicate predicate, double values) => predicate.Kind switch
    {
        PredicateKind.In => (predicate.Condition!.Count(c => c == ',') + 1) / values,
        PredicateKind.Unequal => values <= 3 ? LargeShare : 1,
        _ => 0,
    };

    private static void AddOtherMethods(
        Dictionary<string, ProposedIndex> found, RelationUse use, TableInfo table, CandidateContext context)
    {
        var all = use.Predicates.Concat(use.Alternatives.SelectMany(a => a)).ToList();
        foreach (var group in all.Where(p => p.Operator is not null).GroupBy(p => p.Key))
        {
            foreach (var (definition, pattern, requires) in OperatorClasses.For(group.Key, [.. group], table, context))
            {
                Add(found, definition, pattern, requires);
            }
        }

        foreach (var key in all.Where(p => p.Kind is PredicateKind.Equal or PredicateKind.Join && p.Key.Column is not null)
            .Select(p => p.Key).Distinct())
        {
            AddHash(found, key, all, use, table);
        }

        foreach (var key in use.Predicates.Where(p => p.Kind == PredicateKind.Range && p.Key.Column is not null)
            .Select(p => p.Key).Distinct())
        {
            if (table.Pages >= Tuning.Candidates.BrinPages
                && table.FindColumn(key.Column!) is { IsCollection: false, Correlation: > Tuning.Candidates.Ordered or < -Tuning.Candidates.Ordered })
            {
                Add(found, Define(table, [key], null) with { Method = "brin" }, UsagePattern.RangeScan);
            }
        }
    }

    // A hash index stores four bytes of each value, regardless of its width; it serves only equality.
    private static void AddHash(
        Dictionary<string, ProposedIndex> found, IndexKey key, List<PlanPredicate> all, RelationUse use, TableInfo table)
    {
        if (!IsOnlyCompared(key, all, use, table))
        {
            return;
        }

        var tree = Define(table, [key], null);
        var hash = tree with { Method = "hash" };
        if (IndexSize.Estimate(hash, table) is { } small
            && (!CanBeKey(key, table) || IsLong(key, table) || small < 0.75 * IndexSize.Estimate(tree, table)))
        {
            Add(found, hash, UsagePattern.Lookup);
        }
    }

    // Whether a hash index serves every use of a key.
    private static bool IsOnlyCompared(IndexKey key, IEnumerable<PlanPredicate> all, RelationUse use, TableInfo table) =>
        key.Column is { } name && table.FindColumn(name) is { HasHash: true }
        && all.All(p => p.Key != key || p.Kind is PredicateKind.Equal or PredicateKind.Join)
        && !use.Orders.Concat(use.Groups).Any(o => o.Contains(key));

    private static bool IsLong(IndexKey key, TableInfo table) =>
        key.Column is { } name && table.FindColumn(name) is { LongestKnown: > Tuning.Candidates.WideKey };

    private static IndexDefinition Define(TableInfo table, IReadOnlyList<IndexKey> keys, string? where) =>
        new() { Table = table.Name, Name = "", Keys = keys, Where = where };

    // The same index with every column that is read: as INCLUDE columns, or as further keys where equal keys can be merged and
    // the index gets smaller.
    private static IndexDefinition? Cover(
        IndexDefinition definition, RelationUse use, TableInfo table, bool isWhole, double largest)
    {
        var rest = table.Columns.Where(c => use.Columns!.Contains(c.Name) && definition.Keys.All(k => k.Column != c.Name))
            .ToList();
        if (isWhole && rest.MinBy(c => Distinct(c, table)) is { HasBtree: true, AverageWidth: null or <= Tuning.Candidates.WideColumn } first)
        {
            definition = definition with { Keys = [IndexKey.OnColumn(first.Name)] };
            rest.Remove(first);
        }

        if (definition.Keys.Count == 0 || definition.Keys.Count + rest.Count > Tuning.Candidates.MaximumColumns
            || rest.Exists(c => c.AverageWidth > Tuning.Candidates.WideColumn)
            || !EntryLimit.CanCover(
                isWhole ? definition with { Keys = [] } : definition, table,
                [.. rest.Select(c => c.Name), .. isWhole ? definition.Keys.Select(k => k.Column!) : []]))
        {
            return null;
        }

        var included = definition with { Include = [.. rest.Select(c => c.Name)] };
        var keyed = definition with { Keys = [.. definition.Keys, .. rest.Select(c => IndexKey.OnColumn(c.Name))] };
        if (definition.Where is null)
        {
            var size = IndexSize.Estimate(included, table);
            if (rest.Count > 0 && rest.TrueForAll(c => c.HasBtree) && IndexSize.Estimate(keyed, table) is { } other
                && other < size * 0.9)
            {
                (included, size) = (keyed, other);
            }

            if (size is { } bytes && table.Pages > 0 && bytes / (double)PlannerDefaults.PageBytes > largest * table.Pages)
            {
                return null;
            }
        }
        else if (rest.TrueForAll(c => c is { HasBtree: true, CanDeduplicate: true })
            && definition.Keys.All(k => CanMerge(k, table)))
        {
            included = keyed;
        }

        return included;
    }

    private static bool CanMerge(IndexKey key, TableInfo table) =>
        key.Column is { } name && table.FindColumn(name) is { CanDeduplicate: true };

    private static List<IndexKey> Join(IEnumerable<IndexKey> first, IEnumerable<IndexKey> second)
    {
        // A backward scan gives the opposite order, so a completely descending order needs an ascending index, also after equal
        // keys.
        var more = second.ToList();
        if (more.All(k => k.Descending && k.NullsFirst is null or true))
        {
            more = [.. more.Select(k => k with { Descending = false, NullsFirst = null })];
        }

        var keys = first.ToList();
        foreach (var key in more)
        {
            if (keys.Count < Tuning.Candidates.MaximumKeys && !keys.Any(k => IsSame(k, key)))
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    private static bool IsSame(IndexKey one, IndexKey other) => one.Column == other.Column && one.Expression == other.Expression;

    private static bool CanBeKey(IndexKey key, TableInfo table) => key.Column is { } name
        ? table.FindColumn(name) is {
            HasBtree: true, IsCollection: false, AverageWidth: null or <= Tuning.Candidates.WideKey,
            LongestKnown: null or <= ColumnInfo.LongestInStatistics }
        : !DependsOnTimeZone(key.Expression!, table);

    // The day of a timestamptz depends on the time zone of the session, so such an index is impossible, and the server need not
    // be asked.
    private static bool DependsOnTimeZone(string expression, TableInfo table) => table.Columns
        .Where(c =>
            c.Type.EndsWith("with time zone", StringComparison.Ordinal)
            && c.Type.StartsWith("timestamp", StringComparison.Ordinal))
        .Select(c => Identifier.Quote(c.Name))
        .Any(c => expression == $"({c})::date"
            || (expression.StartsWith("date_trunc(", StringComparison.Ordinal)
                && expression.EndsWith($", {c})", StringComparison.Ordinal)));

    private static double Distinct(ColumnInfo? column, TableInfo table) => column?.CountDistinct(table.Rows ?? 1) ?? 0;

    // The wishes of one use, grouped by their role in a B-tree.
    private sealed class Shape
    {
        private readonly RelationUse use;
        private readonly TableInfo table;
        private readonly List<IndexKey> ordering;
        private readonly List<IndexKey> ranges;
        private readonly List<List<IndexKey>> joins;
        private readonly List<List<IndexKey>> orders;
        private readonly List<List<IndexKey>> groups;

        public Shape(IReadOnlyList<PlanPredicate> predicates, RelationUse use, TableInfo table)
        {
            this.use = use;
            this.table = table;
            // Where a key is only compared for equality, a hash index serves values that can be long.
            var usable = predicates.Where(
                p => CanBeKey(p.Key, table) && !(IsLong(p.Key, table) && IsOnlyCompared(p.Key, predicates, use, table))).ToList();
            Equality = Keys(
                usable, PredicateKind.Equal, PredicateKind.In, PredicateKind.Null, PredicateKind.True, PredicateKind.False);
            // A list of values is found value by value, without an order. Nulls are found together, but the planner does not
            // treat them as one value.
            ordering = Keys(usable, PredicateKind.Equal, PredicateKind.True, PredicateKind.False);
            ranges = [
                .. usable.Where(p => p.Kind == PredicateKind.Range).Select(p => p.Key).Concat(Prefixes(usable)).Distinct()
                .Take(3)];
            // The keys of a join to one relation belong together; each key alone is also useful where another relation comes
            // first.
            joins = [.. usable.Where(p => p.Kind == PredicateKind.Join).GroupBy(p => p.Other, p => p.Key)
                .Select(g => Sorted(g.Distinct()))
                .SelectMany(l => l.Count > 1 ? l.Take(2).Select(k => new List<IndexKey> { k }).Append(l) : [l])
                .DistinctBy(l => string.Join(',', l))
                .Take(4)];
            orders = [.. use.Orders.Where(o => o.All(k => CanBeKey(k, table))).Select(o => o.ToList())];
            groups = [.. use.Groups.Where(o => o.All(k => CanBeKey(k, table))).Select(o => o.ToList())];
        }

        public List<IndexKey> Equality { get; }

        // The best come first.
        public IEnumerable<(List<IndexKey> Keys, UsagePattern Pattern)> Plain()
        {
            var isSelective = use.Rows is not { } rows || table.Rows is not { } all || all == 0 || rows / all <= Tuning.Candidates.LargeShare;
            var findsFew = FindsFew(Equality);
            if (isSelective && Equality.Count > 0 && !findsFew)
            {
                foreach (var range in ranges)
                {
                    yield return (Join(Equality, [range]), UsagePattern.RangeScan);
                }
            }

            foreach (var order in findsFew ? [] : orders.Where(o => MayRead(o) || (isSelective && ordering.Count > 0)))
            {
                var keys = Join(ordering, order);
                yield return (keys, UsagePattern.Sort);
                // The other conditions are then tested in the index, before a row is fetched.
                if (MayRead(order) && Join(Join(keys, Equality), ranges) is { } more && more.Count > keys.Count)
                {
                    yield return (more, UsagePattern.Sort);
                }

                if (ordering.Count > 0 && !isSelective)
                {
                    yield return (Join([], order), UsagePattern.Sort);
                }
            }

            if (isSelective && Equality.Count > 0)
            {
                yield return (Shortest(Equality), UsagePattern.Lookup);
                foreach (var key in Equality.Count > 1 ? Equality.Where(k => Distinct(k) is 0 or >= 10) : [])
                {
                    yield return ([key], UsagePattern.Lookup);
                }

                if (Equality.Count > 2)
                {
                    yield return (Shortest([.. Equality.Take(2)]), UsagePattern.Lookup);
                }
            }

            foreach (var range in ranges.Where(r => isSelective || MayRead([r])))
            {
                yield return ([range], UsagePattern.RangeScan);
            }

            foreach (var join in joins)
            {
                yield return (Shortest(join), UsagePattern.Join);
                if (!findsFew && !FindsFew(join) && Join(Join(join, Equality), ranges.Take(1)) is { } filtered
                    && filtered.Count > join.Count)
                {
                    yield return (filtered, UsagePattern.Join);
                }

                if (Equality.Count > 0 && !findsFew)
                {
                    yield return (Join(Equality, join), UsagePattern.Join);
                }
            }

            foreach (var group in groups.Where(MayRead))
            {
                yield return (Join(ordering, group), UsagePattern.Analytics);
            }
        }

        // Possible first keys of an index with every column that is read; no keys where nothing restricts or orders the rows.
        public IEnumerable<(List<IndexKey> Keys, UsagePattern Pattern)> Covering()
        {
            if (use.Columns is not { Count: > 0 } columns || table.AllVisibleFraction < 0.1
                || !columns.All(c => table.FindColumn(c) is not null))
            {
                yield break;
            }

            var any = false;
            foreach (var keys in Beginnings().Where(k => k.All(e => e.Expression is null)).DistinctBy(k => string.Join(',', k)))
            {
                any = true;
                yield return (keys, SparesSort(keys) ? UsagePattern.Sort : UsagePattern.Analytics);
            }

            if (!any && !FindsFew(Equality))
            {
                yield return ([], UsagePattern.Analytics);
            }
        }

        // Whether reading nearly all rows in order avoids their sort.
        private bool SparesSort(List<IndexKey> keys) =>
            !use.MayStopEarly && use.Rows > Tuning.Candidates.LargeShare * table.Rows && orders.Exists(o => Join(ordering, o).SequenceEqual(keys));

        private IEnumerable<List<IndexKey>> Beginnings()
        {
            if (Equality.Count > 0 && !FindsFew(Equality))
            {
                yield return Join(Equality, ranges.Take(1));
            }

            foreach (var range in Equality.Count == 0 ? ranges : ranges.Skip(1))
            {
                yield return Join(Equality, [range]);
            }

            foreach (var join in FindsFew(Equality) ? [] : joins)
            {
                yield return FindsFew(join) ? join : Join(Join(join, Equality), ranges.Take(1));
            }

            foreach (var order in orders.Concat(groups.Where(g => g.All(HasBound))).Where(o => o.Count > 0)
                .DistinctBy(o => string.Join(',', o)).Take(3))
            {
                yield return Join(FindsFew(ordering) ? [] : ordering, order);
            }
        }

        // Fetching the rows of a table in an order pays off where few are needed, or where they lie in that order.
        private bool MayRead(List<IndexKey> keys) => keys.Count > 0
            && (use.MayStopEarly
                || (keys[0].Column is { } name && table.FindColumn(name)?.Correlation is > Tuning.Candidates.Ordered or < -Tuning.Candidates.Ordered));

        // Only up to the prefix that finds few rows.
        private List<IndexKey> Shortest(List<IndexKey> keys)
        {
            for (var count = 1; count < keys.Count; count++)
            {
                if (FindsFew([.. keys.Take(count)]))
                {
                    return [.. keys.Take(count)];
                }
            }

            return keys;
        }

        private bool FindsFew(List<IndexKey> keys) =>
            keys.Exists(k => Distinct(k) is > 0 and { } distinct && table.Rows is { } rows && rows / distinct < 2 && rows > 1);

        private bool HasBound(IndexKey key) => key.Column is { } name && table.FindColumn(name) is { MaximumWidth: not null };

        private double Distinct(IndexKey key) =>
            CandidateGenerator.Distinct(key.Column is null ? null : table.FindColumn(key.Column), table);

        private List<IndexKey> Sorted(IEnumerable<IndexKey> keys) =>
            [.. keys.OrderByDescending(Distinct).ThenBy(k => k.ToString(), StringComparer.Ordinal).Take(Tuning.Candidates.MaximumKeys - 1)];

        private List<IndexKey> Keys(List<PlanPredicate> predicates, params PredicateKind[] kinds) =>
            Sorted(predicates.Where(p => kinds.Contains(p.Kind)).Select(p => p.Key).Distinct());

        // A B-tree in a linguistic order cannot search for a prefix; the pattern operator classes order by character.
        private IEnumerable<IndexKey> Prefixes(List<PlanPredicate> predicates) =>
            predicates.Where(p => p.Kind == PredicateKind.Prefix).Select(p => p.Key).Distinct().Select(key =>
            {
                var column = key.Column is { } name ? table.FindColumn(name) : null;
                return column?.IsCollationC == true ? key
                    : key with {
                        OperatorClass = column?.Type.StartsWith("character(", StringComparison.Ordinal) == true
                        ? "bpchar_pattern_ops" : "text_pattern_ops" };
            });
    }
}
