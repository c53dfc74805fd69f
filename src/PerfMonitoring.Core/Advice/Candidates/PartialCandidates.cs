using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <content>Partial indexes.</content>
internal static partial class CandidateGenerator
{
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
        var texts = conditions.Select(c => c.Condition).ToHashSet();
        var remaining = use with
        {
            Predicates = rest,
            Rows = null,
            Orders = Without(use.Orders),
            Groups = Without(use.Groups),
            // The planner leaves out a condition that the index implies (indxpath.c, check_index_only), and so its columns.
            Columns = use.Columns?.Where(c => !texts.Contains(use.ReadOnce.GetValueOrDefault(c))).ToHashSet(),
        };
        var before = found.Count;
        AddBtrees(found, rest, remaining, table, where, fixedKeys.Select(k => k.Column).OfType<string>().ToHashSet());
        if (found.Count == before && CanBeKey(conditions[0].Key, table))
        {
            Add(found, Define(table, [conditions[0].Key], where), UsagePattern.Lookup);
        }

        // The planner knows that rows with one value have no order by it. Nulls are not one value to it.
        IReadOnlyList<IReadOnlyList<IndexKey>> Without(IReadOnlyList<IReadOnlyList<IndexKey>> lists)
        {
            var constant = conditions
                .Where(c => c.Kind is PredicateKind.Equal or PredicateKind.True or PredicateKind.False).ToList();
            return
            [
                .. lists.Select(l => l.Where(k => !constant.Exists(c => IsSame(c.Key, k))).ToList()).Where(l => l.Count > 0),
            ];
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
            PredicateKind.True or PredicateKind.False or PredicateKind.Test => true,
            _ => column?.Distinct is > 0 and <= Tuning.Candidates.FewValues and var values
                && Share(predicate, values) <= Tuning.Candidates.LargeShare
                && context.Recurring.Contains((table.Name, predicate.Condition!)),
        };
    }

    // Assumes that all values are equally frequent, and that all but one of two or three values are a half.
    private static double Share(PlanPredicate predicate, double values) => predicate.Kind switch
    {
        PredicateKind.In => (predicate.Condition!.Count(c => c == ',') + 1) / values,
        PredicateKind.Unequal => values <= 3 ? Tuning.Candidates.LargeShare : 1,
        _ => 0,
    };
}
