using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// What a plan may cost beyond the planner's figure.
/// </summary>
/// <remarks>
/// Visits. The planner takes the pages of a table that an inner scan of a loop visits again for free, as cached, and spreads the
/// first visits over all rows of the outer relation, even where few of them reach the loop (PostgreSQL: indxpath.c,
/// get_loop_count; costsize.c, index_pages_fetched). A visit of a cached page yet takes 1.4 to 2 microseconds, where a unit of
/// cost takes about 7.
/// <para>LIMIT. The planner takes the rows that conditions leave to be spread evenly over what a scan reads, so that a LIMIT ends
/// it early. They can lie at its end, as the open ones do among orders by age: then it reads all that the table's own conditions
/// discard. What a join discards hangs less together with the order of another table: a tenth of all, or ten times what the
/// planner expects to read (a judgement, not fitted). Where the statement, as counted, seldom finds as many rows as the LIMIT
/// asks for, nothing ends early.</para>
/// </remarks>
public static class PlanRisk
{
    // Fitted on 55 pairs of plans of TPC-H, checked on two other workloads; 25 * cpu_tuple_cost.
    private const double VisitCost = 0.25;

    // Of what a scan could read: what it may read in vain before the first row that a join finds, and how much more than
    // expected.
    private const double InVain = 0.1;
    private const double Sparser = 10;

    // A LIMIT that is met in nearly every run.
    private const double Met = 0.9;

    // What a row costs that is found by an index.
    private const double RowCost = PlannerDefaults.TupleCost + PlannerDefaults.IndexTupleCost + PlannerDefaults.OperatorCost;

    /// <summary>
    /// The surcharge in the planner's units: a quarter of one for each visit of a page that the plan does not pay for, and what a
    /// LIMIT costs that is met as late as can be.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">The table of that name (as the plan writes it, without schema), or null where nothing is known of
    /// it.</param>
    /// <param name="rowsPerCall">Mean number of rows that the statement returned, as counted by the server; null where
    /// unknown.</param>
    /// <param name="report">Told what of it falls to each node, or null.</param>
    public static double Of(
        PlanNode plan, Func<string, TableInfo?> find, double? rowsPerCall = null, Action<PlanNode, double>? report = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(find);
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
                var own = VisitCost * loops * part * Math.Max(0, Visits(node, table, tuples, first) - Charged(node, tuples));
                sum += own;
                report?.Invoke(node, own);
            }
        });
        return sum;
    }

    // What a run costs more where the rows that are wanted come late.
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
        // A whole number of rows is what a LIMIT of that many gives, whatever the plan was made for.
        return rowsPerCall < Met * limit.Rows && (rowsPerCall < 1 || rowsPerCall % 1 != 0)
            ? rest
            : Math.Max(
                Discarded(scan.Rows, IndexTuples.AtMost(scan, table)) * rest,
                Math.Min(
                    Discarded(input.Rows, scan.Rows) * rest,
                    Math.Max(InVain * rest, Sparser * (limit.TotalCost - input.StartupCost))));

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
