using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// What a plan with hypothetical indexes would really cost. HypoPG gives its B-trees no height, so the planner charges nothing
/// for the pages of a descent, which a nested loop pays once a row; and it knows nothing of deduplication, so the planner charges
/// for leaves that will not be there.
/// </summary>
public static class PlanCorrection
{
    /// <summary>
    /// What must be added to the plan's cost, in the planner's units; below 0 where the planner takes the indexes for larger than
    /// they are.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">The candidate of an index's name with the size in bytes that the planner took it to have; null for an
    /// index that is there.</param>
    /// <param name="tableOf">The table of that name, without schema.</param>
    /// <param name="report">Told what of it falls to each node, or null.</param>
    public static double Of(
        PlanNode plan, Func<string, (Candidate Index, long PlannedBytes)?> find, Func<string, TableInfo?> tableOf,
        Action<PlanNode, double>? report = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(find);
        ArgumentNullException.ThrowIfNull(tableOf);
        var sum = 0.0;
        var rows = plan.All().Where(n => n is { IsScan: true, Alias: not null }).GroupBy(n => n.Alias!)
            .ToDictionary(g => g.Key, g => RowsOf(g.First(), tableOf));
        Visit(plan, (node, loops, part) =>
        {
            if (node.IndexName is not { } name || find(name) is not var (index, planned))
            {
                return;
            }

            // A LIMIT never saves the first descent.
            var own = Math.Max(1, loops) * index.DescentCost;
            if (index.Definition.Method == "btree" && tableOf(index.Definition.Table.Name) is { Rows: > 0 } table)
            {
                var runs = loops > 1 ? Math.Max(loops, Outer(node, rows)) : 1;
                // Never more is taken off than was charged.
                var found = Math.Min(1, IndexTuples.Of(node, table, out _) / table.Rows.Value);
                own += loops * part * Math.Max(
                    -node.TotalCost, LeafCost(found, runs, index.SizeBytes) - LeafCost(found, runs, planned));
            }

            sum += own;
            report?.Invoke(node, own);
        });
        return sum;
    }

    // Rows of a relation, whoever asks: those of an inner scan are a part of them only.
    private static double RowsOf(PlanNode scan, Func<string, TableInfo?> tableOf) =>
        scan.IndexExpression is { } condition && condition.Columns().Any(c => c.Alias.Length > 0 && c.Alias != scan.Alias)
            ? tableOf(scan.RelationName!)?.Rows ?? scan.Rows
            : scan.Rows;

    // For how many runs the planner takes the pages to stay cached: all rows of the outer relation, even where few reach the loop
    // (indxpath.c, get_loop_count).
    private static double Outer(PlanNode node, Dictionary<string, double> rows) => node.IndexExpression is { } condition
        ? condition.Columns().Select(c => rows.GetValueOrDefault(c.Alias)).Where(r => r > 0).DefaultIfEmpty().Min()
        : 0;

    // What one run that finds that part of an index pays for the pages of one of that size (PostgreSQL: selfuncs.c,
    // genericcostestimate).
    private static double LeafCost(double found, double loops, long bytes)
    {
        var pages = bytes / PlannerDefaults.PageBytes;
        var wanted = Math.Ceiling(found * pages);
        return PlannerDefaults.RandomPageCost * (
            loops > 1 ? Math.Min(pages, MackertLohman(pages, wanted * loops)) / loops : wanted);
    }

    /// <summary>How many pages of a relation so many random visits touch, each once (Mackert, Lohman, TODS 1989).</summary>
    public static double MackertLohman(double pages, double visits) =>
        Math.Min(pages, 2 * pages * visits / ((2 * pages) + visits));

    /// <summary>
    /// Visits each node with how often the planner takes it to run (a part of once where a LIMIT ends it early), and the part of
    /// each run that is done before a semi join has what it needs.
    /// </summary>
    public static void Visit(PlanNode plan, Action<PlanNode, double, double> visit)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(visit);
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

    /// <summary>Whether the node reads its input to its end before it gives a first row.</summary>
    internal static bool IsReadWhole(PlanNode node) =>
        node.NodeType is "Sort" or "Hash" or "Materialize" or "Aggregate" or "Bitmap Heap Scan" or "BitmapAnd" or "BitmapOr";

    private static double PartOf(PlanNode node, PlanNode child) => node.NodeType == "Limit" && child.TotalCost > child.StartupCost
        ? Math.Clamp((node.TotalCost - child.StartupCost) / (child.TotalCost - child.StartupCost), 0, 1)
        : 1;

    // Of each run of a loop's inner side, what the join pays for: less than all where one match is enough.
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
        return child.NodeType == "Memoize" && child.TotalCost > 0
            ? Math.Clamp(1 + ((node.TotalCost - inputs) / child.TotalCost), 1, outer) : outer;
    }
}
