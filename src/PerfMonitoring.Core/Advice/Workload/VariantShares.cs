using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// The shares of the variants of a statement in its executions, by the server's counters: rows and time.
/// </summary>
internal static class VariantShares
{
    /// <summary>
    /// The shares that match the rows that the statement really returned or changed: a variant with more common values returns
    /// more rows, so the mean gives the shares. The shares are unchanged where the plans return about the same number of rows
    /// (an aggregate, a LIMIT).
    /// </summary>
    /// <param name="variants">The variants: a typical one, and perhaps one with common values.</param>
    /// <param name="plans">Their plans, in the same order.</param>
    /// <param name="rowsPerCall">Mean number of rows by the server's counters; null where unknown.</param>
    public static IReadOnlyList<PlanVariant> ByRows(
        IReadOnlyList<PlanVariant> variants, IReadOnlyList<PlanNode> plans, double? rowsPerCall)
    {
        if (rowsPerCall is not { } rows || variants.Count != 2)
        {
            return variants;
        }

        var (typical, heavy) = (RowsOf(plans[0]), RowsOf(plans[1]));
        if (heavy < 2 * typical)
        {
            return variants;
        }

        var share = Math.Clamp((rows - typical) / (heavy - typical), 0, 1);
        return [variants[0] with { Share = 1 - share }, variants[1] with { Share = share }];
    }

    /// <summary>
    /// The share of the executions that find nothing, 0 to 1, by the server's counters: where they found clearly fewer rows than
    /// the plans expect, or than a LIMIT lets through.
    /// </summary>
    /// <param name="variants">The other variants, with their shares.</param>
    /// <param name="plans">Their plans, in the same order.</param>
    /// <param name="rowsPerCall">Mean number of rows by the server's counters; null where unknown.</param>
    public static double OfNothing(
        IReadOnlyList<PlanVariant> variants, IReadOnlyList<PlanNode> plans, double? rowsPerCall)
    {
        var expected = variants.Zip(plans, (v, p) => v.Share * RowsOf(p)).Sum();
        var hasLimit = plans.Any(p => p.All().Any(n => n.NodeType == "Limit"));
        return (hasLimit ? IsSeldomMet(rowsPerCall, expected) : rowsPerCall < Tuning.Evidence.FewerRows * expected)
            ? 1 - (rowsPerCall!.Value / expected) : 0;
    }

    /// <summary>
    /// Whether the counted rows show that executions often find fewer rows than a LIMIT lets through. A whole mean may come from
    /// executions with another LIMIT, which all reached it.
    /// </summary>
    /// <param name="rowsPerCall">Mean number of rows by the server's counters; null where unknown.</param>
    /// <param name="limit">The rows that the LIMIT lets through.</param>
    public static bool IsSeldomMet(double? rowsPerCall, double limit) =>
        rowsPerCall < Tuning.Evidence.Met * limit && (rowsPerCall < 1 || rowsPerCall % 1 != 0);

    /// <summary>
    /// The shares that match the measured time. The most expensive variant gets the share that explains it; the shares of the
    /// others keep their proportions.
    /// </summary>
    /// <param name="shares">The shares of the variants.</param>
    /// <param name="costs">The costs of their plans, in planner units.</param>
    /// <param name="measured">The measured time of one execution as a cost, in planner units.</param>
    public static IReadOnlyList<double> ByTime(IReadOnlyList<double> shares, IReadOnlyList<double> costs, double measured)
    {
        var most = costs.Max();
        var worst = costs.ToList().IndexOf(most);
        var others = shares.Where((_, i) => i != worst).Sum();
        // Without another variant that runs, nothing can be shifted.
        if (others <= 0)
        {
            return shares;
        }

        var mean = shares.Zip(costs, (s, c) => s * c).Where((_, i) => i != worst).Sum() / others;
        var share = most > mean ? Math.Clamp((measured - mean) / (most - mean), shares[worst], 1) : shares[worst];
        return [.. shares.Select((s, i) => i == worst ? share : s * (1 - share) / others)];
    }

    /// <summary>
    /// The time of a planner unit in milliseconds: the median over the statements of a workload, or the usual one where few
    /// statements cost enough to tell.
    /// </summary>
    /// <param name="statements">The measured time in milliseconds and the planned cost of each statement.</param>
    public static double UnitTime(IEnumerable<(double TimeMs, double Cost)> statements)
    {
        var known = statements.Where(s => s.Cost >= Tuning.Evidence.LeastCost && s.TimeMs > 0).Select(s => s.TimeMs / s.Cost)
            .Order().ToList();
        return known.Count < Tuning.Evidence.LeastStatements ? Tuning.Evidence.UsualUnitTime : known[known.Count / 2];
    }

    /// <summary>Whether two plans find as many rows at the same cost, so that the statement needs the same indexes.</summary>
    public static bool AreAlike(PlanNode one, PlanNode other) =>
        Math.Max(RowsOf(one), RowsOf(other)) < 2 * Math.Max(1, Math.Min(RowsOf(one), RowsOf(other)))
        && Math.Max(one.TotalCost, other.TotalCost) <= Tuning.Costs.Tie * Math.Min(one.TotalCost, other.TotalCost);

    // A write without RETURNING returns no rows.
    private static double RowsOf(PlanNode plan) =>
        plan is { NodeType: "ModifyTable", Rows: 0 } ? TableWrite.RowsOf(plan) : plan.Rows;
}
