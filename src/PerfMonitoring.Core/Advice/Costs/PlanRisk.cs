using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>Possible cost of a plan beyond the planner's estimate.</summary>
/// <remarks>
/// Visits. When the inner scan of a loop visits pages of its table again, the planner assumes that they are cached and free. It
/// distributes the first visits over all rows of the outer relation, even where few of them reach the loop (PostgreSQL:
/// indxpath.c, get_loop_count; costsize.c, index_pages_fetched). But a visit of a cached page takes 1.4 to 2 microseconds, while
/// one unit of cost takes about 7.
/// <para>LIMIT. The planner assumes that the matching rows are spread evenly over the rows of a scan, so that a LIMIT ends the
/// scan early. They can be at the end, as the open orders among orders by age: then the scan reads everything that the conditions
/// of the table discard. Rows that a join discards depend less on the order of another table: the risk is a tenth of all, or ten
/// times the rows that the planner expects to read (a judgement, not fitted). Where the statement, by its counters, seldom finds
/// as many rows as the LIMIT, nothing ends early.</para>
/// </remarks>
internal static class PlanRisk
{
    // Cost of a row that an index finds, in planner units.
    private const double RowCost = PlannerDefaults.TupleCost + PlannerDefaults.IndexTupleCost + PlannerDefaults.OperatorCost;

    /// <summary>
    /// The risk in planner units: a quarter of a unit for each visit of a page that the plan does not pay for, and the cost of a
    /// LIMIT that is reached as late as possible.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">Finds the table of that name (as in the plan, without schema); null where nothing is known of
    /// it.</param>
    /// <param name="rowsPerCall">Mean number of rows that the statement returned, as counted by the server; null where
    /// unknown.</param>
    /// <param name="report">Receives the part of each node; may be null.</param>
    public static double Of(
        PlanNode plan, Func<string, TableInfo?> find, double? rowsPerCall = null, Action<PlanNode, double>? report = null)
    {
        var sum = 0.0;
        PlanCorrection.Visit(plan, (node, loops, part) =>
        {
            if (node.NodeType == "Limit"
                && Late(node, find, ReferenceEquals(node, plan) ? rowsPerCall : null) is > 0 and var late)
            {
                sum += loops * late;
                report?.Invoke(node, loops * late);
            }

            if (loops > 1 && node is { NodeType: "Index Scan" or "Index Only Scan" or "Bitmap Heap Scan", RelationName: { } name }
                && find(name) is { Rows: > 0, Pages: > 0 } table)
            {
                var tuples = IndexTuples.Of(node, table, out var first);
                var own = Tuning.Costs.VisitCost * loops * part * Math.Max(
                    0, Visits(node, table, tuples, first) - Charged(node, tuples));
                sum += own;
                report?.Invoke(node, own);
            }
        });
        return sum;
    }

    // Additional cost of a run where the matching rows come late.
    private static double Late(PlanNode limit, Func<string, TableInfo?> find, double? rowsPerCall)
    {
        var input = Next(limit);
        var scan = input;
        while (scan is { IsScan: false })
        {
            scan = PlanCorrection.IsReadWhole(scan) ? null : Next(scan);
        }

        if (scan is null || find(scan.RelationName!) is not { Rows: > 0 } table)
        {
            return 0;
        }

        var rest = Math.Max(0, input!.TotalCost - limit.TotalCost);
        return VariantShares.IsSeldomMet(rowsPerCall, limit.Rows)
            ? rest
            : Math.Max(
                Discarded(scan.Rows, IndexTuples.AtMost(scan, table)) * rest,
                Math.Min(
                    Discarded(input.Rows, scan.Rows) * rest,
                    Math.Max(Tuning.Costs.InVain * rest, Tuning.Costs.Sparser * (limit.TotalCost - input.StartupCost))));

        static double Discarded(double left, double of) => 1 - Math.Min(1, left / Math.Max(1, of));

        static PlanNode? Next(PlanNode node) => node.Children.FirstOrDefault(c => c.ParentRelationship is "Outer" or "Subquery");
    }

    // Pages of the table that one run visits.
    private static double Visits(PlanNode node, TableInfo table, double tuples, ColumnInfo? first)
    {
        if (node.NodeType == "Bitmap Heap Scan")
        {
            // In the order of the pages, each once.
            return PlanCorrection.MackertLohman(table.Pages, tuples);
        }

        var ordered = Math.Pow(first?.Correlation ?? 0, 2);
        var visits = Math.Min(
            tuples, (tuples * (1 - ordered)) + (ordered * Math.Max(1, tuples * table.Pages / table.Rows!.Value)));
        return node.NodeType == "Index Only Scan" ? visits * (1 - table.AllVisibleFraction) : visits;
    }

    // Pages of one run that the plan pays for.
    private static double Charged(PlanNode node, double tuples) =>
        Math.Max(0, node.TotalCost - (tuples * RowCost)) / PlannerDefaults.RandomPageCost;
}
