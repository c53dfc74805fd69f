using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

/// <summary>How many rows an index finds in one run of a scan, before any filter.</summary>
internal static class IndexTuples
{
    /// <summary>Its estimate.</summary>
    /// <param name="node">An Index Scan, Index Only Scan, Bitmap Index Scan or Bitmap Heap Scan.</param>
    /// <param name="table">Its table; its number of rows is known.</param>
    /// <param name="first">The first column of the index condition, or null.</param>
    public static double Of(PlanNode node, TableInfo table, out ColumnInfo? first)
    {
        first = null;
        var search = node.IndexCondition is null ? node.Children.FirstOrDefault(c => c.IndexCondition is not null) : node;
        if (search?.IndexExpression is not { } parsed)
        {
            return node.Rows;
        }

        var all = table.Rows!.Value;
        double? found = null;
        foreach (var part in parsed.Split("AND") ?? [parsed])
        {
            if (part.AsOperation() is var (left, name, _) && left.AsColumn() is { } column && table.FindColumn(column.Name) is { } info)
            {
                first ??= info;
                if (name == "=" && info.CountDistinct(all) is { } distinct)
                {
                    found = (found ?? all) / Math.Max(1, distinct);
                }
            }
        }

        // Without a filter the node's own figure is the better one: it knows of skew.
        return node.Conditions.Any(c => c != search.IndexCondition) ? Math.Max(node.Rows, found ?? 0) : node.Rows;
    }
}
