namespace PerfMonitoring.Advisor;

/// <summary>
/// What a plan with hypothetical indexes would really cost: HypoPG gives its B-trees no height, so the planner charges nothing for
/// the pages of a descent, which a nested loop pays once a row.
/// </summary>
public static class PlanCorrection
{
    /// <summary>What must be added to the plan's cost, in the planner's units.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="descent">The pages' part of one descent of the index of that name; 0 for an index that is there.</param>
    public static double Of(PlanNode plan, Func<string, double> descent)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(descent);
        var sum = 0.0;
        Visit(plan, (node, loops) => sum += node.IndexName is { } name ? loops * descent(name) : 0);
        return sum;
    }

    /// <summary>Visits each node with how often the planner takes it to run: a part of once where a LIMIT ends it early.</summary>
    public static void Visit(PlanNode plan, Action<PlanNode, double> visit)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(visit);
        Visit(plan, 1, 1, visit);
    }

    private static void Visit(PlanNode node, double loops, double part, Action<PlanNode, double> visit)
    {
        visit(node, loops * part);
        foreach (var child in node.Children)
        {
            Visit(child, loops * Runs(node, child), IsReadWhole(node) ? 1 : part * PartOf(node, child), visit);
        }
    }

    // Nodes that read their input to its end before they give a first row.
    private static bool IsReadWhole(PlanNode node) => node.NodeType is "Sort" or "Hash" or "Materialize" or "Aggregate" or "Bitmap Heap Scan" or "BitmapAnd" or "BitmapOr";

    private static double PartOf(PlanNode node, PlanNode child) => node.NodeType == "Limit" && child.TotalCost > child.StartupCost
        ? Math.Clamp((node.TotalCost - child.StartupCost) / (child.TotalCost - child.StartupCost), 0, 1)
        : 1;

    // How often a node runs its child in one run of its own.
    private static double Runs(PlanNode node, PlanNode child)
    {
        var inputs = node.Children.Where(c => c.ParentRelationship is "Outer" or "Inner").Sum(c => c.TotalCost);
        if (child.ParentRelationship == "SubPlan" && child.TotalCost > 0)
        {
            // A subplan runs for each row that asks for it: as often as its cost goes into that of the node.
            return Math.Max(1, (node.TotalCost - inputs) / child.TotalCost);
        }

        if (node.NodeType != "Nested Loop" || child.ParentRelationship != "Inner" || child.NodeType == "Materialize")
        {
            return 1;
        }

        var outer = Math.Max(1, node.Children.FirstOrDefault(c => c.ParentRelationship == "Outer")?.Rows ?? 1);
        // What the join costs beyond its inputs' first runs tells how many look-ups miss (costsize.c, cost_memoize_rescan).
        return child.NodeType == "Memoize" && child.TotalCost > 0 ? Math.Clamp(1 + ((node.TotalCost - inputs) / child.TotalCost), 1, outer) : outer;
    }
}
