using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>Number of rows that an index finds in one run of a scan, before any filter.</summary>
internal static class IndexTuples
{
    /// <summary>The estimate.</summary>
    /// <param name="node">An Index Scan, Index Only Scan, Bitmap Index Scan or Bitmap Heap Scan.</param>
    /// <param name="table">The table; its number of rows is known.</param>
    /// <param name="first">The first column of the index condition, or null.</param>
    public static double Of(PlanNode node, TableInfo table, out ColumnInfo? first)
    {
        var found = ByEqualities(node, table, out var search, out first);
        // Without a filter the figure of the node is better: it includes skew.
        return search is not null && HasFilter(node, search) ? Math.Max(node.Rows, found ?? 0) : node.Rows;
    }

    /// <summary>
    /// The most rows that a scan reads for its output: the rows that the equalities select and, since the range of an index is
    /// not in the plan, no more than its cost allows.
    /// </summary>
    /// <param name="node">A scan of any kind.</param>
    /// <param name="table">The table; its number of rows is known.</param>
    public static double AtMost(PlanNode node, TableInfo table)
    {
        var found = ByEqualities(node, table, out var search, out _);
        if (!HasFilter(node, search))
        {
            return node.Rows;
        }

        var most = found ?? table.Rows!.Value;
        if (ReferenceEquals(search, node))
        {
            var least = PlannerDefaults.TupleCost + PlannerDefaults.IndexTupleCost + PlannerDefaults.OperatorCost
                + (node.NodeType == "Index Scan" ? PlannerDefaults.SequentialPageCost * table.Pages / table.Rows!.Value : 0);
            most = Math.Min(most, node.TotalCost / least);
        }

        return Math.Max(node.Rows, most);
    }

    private static bool HasFilter(PlanNode node, PlanNode? search) => node.Conditions.Any(c => c != search?.IndexCondition);

    private static double? ByEqualities(PlanNode node, TableInfo table, out PlanNode? search, out ColumnInfo? first)
    {
        first = null;
        search = node.IndexCondition is null ? node.Children.FirstOrDefault(c => c.IndexCondition is not null) : node;
        if (search?.IndexExpression is not { } parsed)
        {
            return null;
        }

        var all = table.Rows!.Value;
        double? found = null;
        foreach (var part in parsed.Split("AND") ?? [parsed])
        {
            if (part.AsOperation() is var (left, name, _) && left.AsColumn(_ => table) is { } column
                && table.FindColumn(column.Name) is { } info)
            {
                first ??= info;
                if (name == "=" && info.CountDistinct(all) is { } distinct)
                {
                    found = (found ?? all) / Math.Max(1, distinct);
                }
            }
        }

        return found;
    }
}
