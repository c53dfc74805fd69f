namespace PerfMonitoring.Indexes;

/// <summary>PostgreSQL's default cost constants in planner units (costsize.c, cost.h), and values derived from them.</summary>
internal static class PlannerDefaults
{
    public const double SequentialPageCost = 1;
    public const double RandomPageCost = 4;
    public const double TupleCost = 0.01;
    public const double IndexTupleCost = 0.005;
    public const double OperatorCost = 0.0025;

    /// <summary>Cost of each page of a B-tree descent (selfuncs.c, DEFAULT_PAGE_CPU_MULTIPLIER).</summary>
    public const double DescentPageCost = 50 * OperatorCost;

    /// <summary>Bytes of a page (BLCKSZ).</summary>
    public const int PageBytes = 8192;
}
