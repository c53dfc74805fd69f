using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>One variant of a statement of the workload, with its plan without new indexes.</summary>
/// <param name="Statement">The statement.</param>
/// <param name="Text">The planned statement.</param>
/// <param name="Weight">Number of executions of this variant.</param>
/// <param name="Plan">The plan.</param>
/// <param name="Use">The uses of tables by the plan.</param>
/// <param name="Writes">The writes.</param>
internal sealed record PlannedStatement(
    WorkloadStatement Statement, PlanText Text, double Weight, PlanNode Plan, StatementUse Use, IReadOnlyList<TableWrite> Writes)
{
    /// <summary>
    /// Mean number of rows that an execution of this variant returns; null where unknown, or where another variant stands for the
    /// executions that find nothing.
    /// </summary>
    public double? RowsPerCall { get; init; }

    /// <summary>
    /// Whether the statement could use an index: by its first key, or because it contains every column that is read.
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
