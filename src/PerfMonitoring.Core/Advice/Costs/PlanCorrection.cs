using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// Corrects the cost of a plan with hypothetical indexes. HypoPG's B-trees have no height, so the planner charges nothing for the
/// pages of a descent, which a nested loop pays for each row. HypoPG ignores deduplication, so the planner charges for leaves
/// that will not exist.
/// </summary>
internal static class PlanCorrection
{
    /// <summary>
    /// The amount to add to the plan's cost, in planner units; negative where the planner assumes that the indexes are larger
    /// than they are.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">Finds a candidate by the name of its index, with the size in bytes that the planner assumed; null for
    /// an existing index.</param>
    /// <param name="tableOf">Finds the table of that name, without schema.</param>
    /// <param name="report">Receives the part of each node; may be null.</param>
    public static double Of(
        PlanNode plan, Func<string, (Candidate Index, long PlannedBytes)?> find, Func<string, TableInfo?> tableOf,
        Action<PlanNode, double>? report = null)
    {
        var sum = 0.0;
        var rows = plan.All().Where(n => n is { IsScan: true, Alias: not null }).GroupBy(n => n.Alias!)
            .ToDictionary(g => g.Key, g => RowsOf(g.First(), tableOf));
        Visit(plan, (node, loops, part) =>
        {
            if (node.IndexName is not { } name || find(name) is not var (index, planned))
            {
                return;
            }

            // A LIMIT never avoids the first descent.
            var own = Math.Max(1, loops) * index.DescentCost;
            if (index.Definition.Method == "btree" && tableOf(index.Definition.Table.Name) is { Rows: > 0 } table)
            {
                var runs = loops > 1 ? Math.Max(loops, Outer(node, rows)) : 1;
                // The reduction is never larger than the charge.
                var found = Math.Min(1, IndexTuples.Of(node, table, out _) / table.Rows.Value);
                own += loops * part * Math.Max(
                    -node.TotalCost, LeafCost(found, runs, index.SizeBytes) - LeafCost(found, runs, planned));
            }

            sum += own;
            report?.Invoke(node, own);
        });
        return sum;
    }

    // Rows of a relation, regardless of the scan: the rows of an inner scan are only a part of them.
    private static double RowsOf(PlanNode scan, Func<string, TableInfo?> tableOf) =>
        scan.IndexExpression is { } condition && condition.Columns().Any(c => c.Alias.Length > 0 && c.Alias != scan.Alias)
            ? tableOf(scan.RelationName!)?.Rows ?? scan.Rows
            : scan.Rows;

    // The number of runs for which the planner assumes that pages stay cached: all rows of the outer relation, even where few
    // reach the loop (indxpath.c, get_loop_count).
    private static double Outer(PlanNode node, Dictionary<string, double> rows) => node.IndexExpression is { } condition
        ? condition.Columns().Select(c => rows.GetValueOrDefault(c.Alias)).Where(r => r > 0).DefaultIfEmpty().Min()
        : 0;

    // Leaf cost of one run that finds that share of an index of that size (PostgreSQL: selfuncs.c, genericcostestimate).
    private static double LeafCost(double found, double loops, long bytes)
    {
        var pages = bytes / PlannerDefaults.PageBytes;
        var wanted = Math.Ceiling(found * pages);
        return PlannerDefaults.RandomPageCost * (
            loops > 1 ? Math.Min(pages, MackertLohman(pages, wanted * loops)) / loops : wanted);
    }

    /// <summary>Number of pages of a relation that random visits touch, each counted once (Mackert, Lohman, TODS 1989).</summary>
    public static double MackertLohman(double pages, double visits) =>
        Math.Min(pages, 2 * pages * visits / ((2 * pages) + visits));

    /// <summary>
    /// Visits each node with the number of its runs by the planner (a part of one where a LIMIT ends it early), and the share of
    /// each run that is done before a semi join has its match.
    /// </summary>
    public static void Visit(PlanNode plan, Action<PlanNode, double, double> visit)
    {
        Visit(plan, 1, 1, 1, visit);
    }

    private static void Visit(PlanNode node, double loops, double limit, double part, Action<PlanNode, double, double> visit)
    {
        visit(node, loops * limit, part);
        foreach (var child in node.Children)
        {
            var isWhole = IsReadWhole(node);
            Visit(child, loops * Runs(node, child), isWhole ? 1 : limit * PartOf(node, child),
                node.NodeType == "Bitmap Heap Scan" ? part : isWhole ? 1 : part * Needed(node, child), visit);
        }
    }

    /// <summary>Whether the node reads all its input before it returns the first row.</summary>
    internal static bool IsReadWhole(PlanNode node) =>
        node.NodeType is "Sort" or "Hash" or "Materialize" or "Bitmap Heap Scan" or "BitmapAnd" or "BitmapOr"
        || (node.NodeType == "Aggregate" && (node.IsHashed || node.GroupKeys.Count == 0));

    // A merge join ends with the greatest value of its other input (costsize.c, initial_cost_mergejoin).
    private static double PartOf(PlanNode node, PlanNode child) =>
        node.NodeType is "Limit" or "Merge Join" && child.TotalCost > child.StartupCost
        ? Math.Clamp((node.TotalCost - child.StartupCost) / (child.TotalCost - child.StartupCost), 0, 1)
        : 1;

    // The share of each run of a loop's inner side that the join pays for: less than all where one match is enough.
    private static double Needed(PlanNode node, PlanNode child)
    {
        if (node.NodeType != "Nested Loop" || child.ParentRelationship != "Inner"
            || !child.NodeType.Contains("Index", StringComparison.Ordinal)
            || node.Children.FirstOrDefault(c => c.ParentRelationship == "Outer") is not { } outer)
        {
            return 1;
        }

        var loops = Math.Max(1, outer.Rows);
        var whole = loops * (child.TotalCost - child.StartupCost);
        return whole > 0 ? Math.Clamp((node.TotalCost - outer.TotalCost - (loops * child.StartupCost)) / whole, 0, 1) : 1;
    }

    // Number of runs of a child in one run of the node.
    private static double Runs(PlanNode node, PlanNode child)
    {
        var inputs = node.Children.Where(c => c.ParentRelationship is "Outer" or "Inner").Sum(c => c.TotalCost);
        if (child.ParentRelationship == "SubPlan" && child.TotalCost > 0)
        {
            // A subplan runs for each row that needs it: its number of runs follows from its part of the cost of the node.
            return Math.Max(1, (node.TotalCost - inputs) / child.TotalCost);
        }

        if (node.NodeType != "Nested Loop" || child.ParentRelationship != "Inner" || child.NodeType == "Materialize")
        {
            return 1;
        }

        var outer = Math.Max(1, node.Children.FirstOrDefault(c => c.ParentRelationship == "Outer")?.Rows ?? 1);
        // The cost of the join beyond the first runs of its inputs gives the share of lookups that miss (costsize.c,
        // cost_memoize_rescan).
        return child.NodeType == "Memoize" && child.TotalCost > 0
            ? Math.Clamp(1 + ((node.TotalCost - inputs) / child.TotalCost), 1, outer) : outer;
    }
}
