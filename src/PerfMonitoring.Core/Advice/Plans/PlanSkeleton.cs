using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>The access of a plan to one relation.</summary>
/// <param name="Slot">The purpose: two accesses of the same slot return the same rows, equally often, to a node for which their
/// order does not matter.</param>
/// <param name="Used">The candidates that the access uses, by id.</param>
/// <param name="Cost">Corrected cost of all its runs, in planner units.</param>
/// <param name="Planned">Cost of all its runs by the planner, in planner units.</param>
/// <param name="Risk">Possible additional cost of all its runs, in planner units.</param>
internal sealed record PlanAccess(string Slot, IReadOnlyList<int> Used, double Cost, double Planned, double Risk);

/// <summary>
/// A plan without some of its accesses (INUM: Papadomanolakis, Dash, Ailamaki, VLDB 2007): any access of the same slot can
/// replace another, and the cost of the plan changes by the difference of their costs.
/// </summary>
/// <param name="Planned">Cost of the plan by the planner, in planner units.</param>
/// <param name="Fixed">The candidates of the plan that nothing can replace, by id.</param>
/// <param name="Accesses">The replaceable accesses.</param>
internal sealed record PlanSkeleton(double Planned, IReadOnlyList<int> Fixed, IReadOnlyList<PlanAccess> Accesses)
{
    /// <summary>Separates a plan into its skeleton and its accesses.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">Finds a candidate by the name of its index, with the size in bytes that the planner assumed; null for
    /// an existing index.</param>
    /// <param name="corrections">The correction of a node's cost (<see cref="PlanCorrection"/>), for nodes that need one.</param>
    /// <param name="risks">The risk of a node (<see cref="PlanRisk"/>), for nodes that have one.</param>
    public static PlanSkeleton Of(
        PlanNode plan, Func<string, (Candidate Index, long PlannedBytes)?> find,
        IReadOnlyDictionary<PlanNode, double> corrections, IReadOnlyDictionary<PlanNode, double> risks)
    {
        var runs = new Dictionary<PlanNode, (double Loops, double Part)>(ReferenceEqualityComparer.Instance);
        PlanCorrection.Visit(plan, (node, loops, part) => runs[node] = (loops, part));
        var accesses = new List<PlanAccess>();
        var inPlace = new HashSet<int>();
        Walk(plan, false);
        return new PlanSkeleton(plan.TotalCost, [.. inPlace.Order()], accesses);

        void Walk(PlanNode node, bool isFree)
        {
            if (node is { IsScan: true, Alias: { } alias } && isFree && runs[node] is { Loops: >= 1, Part: 1 } run)
            {
                var planned = run.Loops * node.TotalCost;
                accesses.Add(new PlanAccess(
                    Slot(node, alias, run.Loops), [.. Used(node.All()).Order()],
                    planned + node.All().Sum(n => corrections.GetValueOrDefault(n)), planned,
                    node.All().Sum(n => risks.GetValueOrDefault(n))));
                return;
            }

            inPlace.UnionWith(Used([node]));
            foreach (var child in node.Children)
            {
                Walk(child, IsFree(node, child, isFree));
            }
        }

        IEnumerable<int> Used(IEnumerable<PlanNode> nodes) =>
            nodes.Select(n => n.IndexName).OfType<string>().Select(find).Where(c => c is not null).Select(c => c!.Value.Index.Id)
                .Distinct();
    }

    // Whether the nodes above do not depend on the order of a child's rows, and read all of them.
    private static bool IsFree(PlanNode node, PlanNode child, bool isFree) =>
        child.ParentRelationship is "Outer" or "Inner" or "Member" or "Subquery" && node.NodeType switch
    {
        "Hash Join" or "Hash" or "Sort" or "Gather" => true,
        "Aggregate" => node.GroupKeys.Count == 0 || node.IsHashed,
        "Nested Loop" => isFree || child.ParentRelationship == "Inner",
        "Materialize" or "Memoize" or "Subquery Scan" or "Append" => isFree,
        _ => false,
    };

    // The rows of an inner scan follow from the outer relation, the rows of another scan only from the conditions on it.
    private static string Slot(PlanNode node, string alias, double loops)
    {
        var conditions = node.All().SelectMany(n => n.Conditions).Select(PlanExpression.Parse)
            .SelectMany(c => c.Split("AND") ?? [c]).ToList();
        return conditions.Exists(c => c.Columns().Any(column => column.Alias.Length > 0 && column.Alias != alias))
            ? $"{alias} {loops:G3} {string.Join(" and ", conditions.Select(Text).Distinct().Order(StringComparer.Ordinal))}"
            : $"{alias} {loops:G3}";
    }

    // With the names of the other relations, which are left out in SQL for an index.
    private static string Text(PlanExpression condition)
    {
        var words = condition.Tokens.Select(t => t.Text).ToList();
        return string.Join(' ', words is ["(", .., ")"] ? words.Skip(1).SkipLast(1) : words);
    }
}
