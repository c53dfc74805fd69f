using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <content>Indexes of other methods than B-tree.</content>
internal static partial class CandidateGenerator
{
    private static void AddOtherMethods(
        Dictionary<string, ProposedIndex> found, RelationUse use, TableInfo table, CandidateContext context)
    {
        var all = use.Predicates.Concat(use.Alternatives.SelectMany(a => a)).ToList();
        var inverted = new List<(IndexDefinition Definition, UsagePattern Pattern, string? Requires)>();
        foreach (var group in all.Where(p => p.Operator is not null).GroupBy(p => p.Key))
        {
            foreach (var (definition, pattern, requires) in OperatorClasses.For(group.Key, [.. group], table, context))
            {
                Add(found, definition, pattern, requires);
                if (definition.Method == "gin")
                {
                    inverted.Add((definition, pattern, requires));
                }
            }
        }

        // One index searches several columns together, and each of them alone.
        foreach (var together in use.Disjunctions.Select(d => d.SelectMany(b => b)).Append(use.Predicates))
        {
            var several = inverted.Where(i => together.Any(p => OperatorClasses.Serves(i.Definition, p)))
                .Take(Tuning.Candidates.MaximumKeys).ToList();
            if (several.Count > 1)
            {
                Add(
                    found, several[0].Definition with { Keys = [.. several.SelectMany(i => i.Definition.Keys)] },
                    several[0].Pattern, several.Select(i => i.Requires).FirstOrDefault(r => r is not null));
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
                && table.FindColumn(key.Column!) is {
                    HasOrder: true, Correlation: > Tuning.Candidates.Ordered or < -Tuning.Candidates.Ordered } column
                // The correlation ignores nulls, and few values are always in order.
                && !(column.NullFraction > Tuning.Candidates.LargeShare)
                && !(column.CountDistinct(table.Rows ?? 0) < Tuning.Candidates.FewValues))
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
}
