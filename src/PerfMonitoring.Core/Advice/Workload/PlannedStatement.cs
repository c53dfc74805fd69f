using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>A statement of the workload, run in one way, with its plan of today.</summary>
/// <param name="Statement">The statement.</param>
/// <param name="Text">What is planned.</param>
/// <param name="Weight">How often it is run so.</param>
/// <param name="Plan">Its plan.</param>
/// <param name="Use">What the plan wants of its tables.</param>
/// <param name="Writes">What it writes.</param>
public sealed record PlannedStatement(
    WorkloadStatement Statement, PlanText Text, double Weight, PlanNode Plan, StatementUse Use, IReadOnlyList<TableWrite> Writes)
{
    /// <summary>
    /// Whether the statement, by its text alone, could use an index: by its first key, or because it holds every column that is
    /// read.
    /// </summary>
    public bool CanUse(IndexDefinition index) =>
        Use.Relations.Any(r => r.Table == index.Table && (Mentions(r, index.Keys[0]) || Holds(index, r)));

    private static bool Mentions(RelationUse use, IndexKey key) =>
        use.Predicates.Concat(use.Alternatives.SelectMany(a => a))
            .Any(p => p.Key.Column == key.Column && p.Key.Expression == key.Expression)
        || use.Orders.Concat(use.Groups).Any(o => o.Any(k => k.Column == key.Column && k.Expression == key.Expression));

    private static bool Holds(IndexDefinition index, RelationUse use) =>
        use.Columns is not null && use.Columns.IsSubsetOf(index.Keys.Select(k => k.Column ?? "").Concat(index.Include));
}
