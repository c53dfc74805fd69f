using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <content>The keys that a use of a table needs, for B-trees.</content>
internal static partial class CandidateGenerator
{
    // The wishes of one use, grouped by their role in a B-tree.
    private sealed class Shape
    {
        private readonly RelationUse use;
        private readonly TableInfo table;
        private readonly ILookup<IndexKey, PlanPredicate> byKey;
        private readonly List<IndexKey> ordering;
        private readonly List<IndexKey> ranges;
        private readonly List<List<IndexKey>> joins;
        private readonly List<List<IndexKey>> orders;
        private readonly List<List<IndexKey>> groups;

        public Shape(IReadOnlyList<PlanPredicate> predicates, RelationUse use, TableInfo table)
        {
            this.use = use;
            this.table = table;
            byKey = predicates.ToLookup(p => p.Key);
            // A condition that is known to keep most rows is no key. Where a key is only compared for equality, a hash index
            // serves values that can be long.
            var usable = predicates.Where(
                p => CanBeKey(p.Key, table) && !IsWeak(p.Key, isKnown: true)
                    && !(IsLong(p.Key, table) && IsOnlyCompared(p.Key, predicates, use, table))).ToList();
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
            var isSelective = use.Rows is not { } rows || table.Rows is not { } all || all == 0
                || rows / all <= Tuning.Candidates.LargeShare;
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
                foreach (var key in Equality.Count > 1 ? Equality.Where(k => Distinct(k) is 0 or >= 10 && !IsWeak(k)) : [])
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

                // The planner takes the correlation of a first column that keeps most rows for that of the rows that the join
                // finds.
                if (Equality.Exists(k => !IsWeak(k)) && !findsFew)
                {
                    yield return (Join(Join(Equality.FindAll(k => !IsWeak(k)), join), Equality), UsagePattern.Join);
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
            !use.MayStopEarly && use.Rows > Tuning.Candidates.LargeShare * table.Rows
                && orders.Exists(o => Join(ordering, o).SequenceEqual(keys));

        private IEnumerable<List<IndexKey>> Beginnings()
        {
            if (Equality.Count > 0 && !FindsFew(Equality) && (joins.Count == 0 || Equality.Exists(k => !IsWeak(k))))
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
                || (keys[0].Column is { } name
                    && table.FindColumn(name)?.Correlation is > Tuning.Candidates.Ordered or < -Tuning.Candidates.Ordered));

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

        private ColumnInfo? ColumnOf(IndexKey key) => key.Column is { } name ? table.FindColumn(name) : null;

        // A search for nulls finds all of them.
        private double Distinct(IndexKey key) =>
            byKey[key].Any(p => p.Kind == PredicateKind.Null) && ColumnOf(key)?.NullFraction is > 0 and var nulls
                ? 1 / nulls : CandidateGenerator.Distinct(ColumnOf(key), table);

        // Whether the condition may keep more than half of the rows: then the key is of use after others only. The value of a
        // parameter is not known.
        private bool IsWeak(IndexKey key, bool isKnown = false)
        {
            return ColumnOf(key) is { } column && byKey[key].Any(p => p.Kind switch
            {
                PredicateKind.Null => column.NullFraction > Tuning.Candidates.LargeShare,
                PredicateKind.True => IsCommon("t"),
                PredicateKind.False => IsCommon("f"),
                PredicateKind.Equal => p.Constant is { } constant ? IsCommon(constant)
                    : column.CommonestFraction > Tuning.Candidates.LargeShare && (!isKnown || column.Distinct == 1),
                _ => false,
            });

            bool IsCommon(string value) =>
                column.CommonestValue == value && column.CommonestFraction > Tuning.Candidates.LargeShare;
        }

        private List<IndexKey> Sorted(IEnumerable<IndexKey> keys) =>
            [.. keys.OrderBy(k => IsWeak(k)).ThenByDescending(Distinct).ThenBy(k => k.ToString(), StringComparer.Ordinal)
                .Take(Tuning.Candidates.MaximumKeys - 1)];

        private List<IndexKey> Keys(List<PlanPredicate> predicates, params PredicateKind[] kinds) =>
            Sorted(predicates.Where(p => kinds.Contains(p.Kind)).Select(p => p.Key).Distinct());

        // A B-tree in a linguistic order cannot search for a prefix; the pattern operator classes order by character.
        private IEnumerable<IndexKey> Prefixes(List<PlanPredicate> predicates) =>
            predicates.Where(p => p.Kind == PredicateKind.Prefix).Select(p => p.Key).Distinct()
                .Select(key => (Key: key, Type: table.TypeOf(key)))
                // Other types that are like texts (citext) have their own operators, which no operator class knows.
                .Where(k => k.Type is null or { IsCollationC: true } || OperatorClasses.IsText(k.Type.BaseType))
                .Select(k => k.Type?.IsCollationC == true ? k.Key
                    : k.Key with {
                        OperatorClass = k.Type?.BaseType == "bpchar"
                            || k.Type?.Type.StartsWith("character(", StringComparison.Ordinal) == true
                        ? "bpchar_pattern_ops" : "text_pattern_ops" });
    }
}
