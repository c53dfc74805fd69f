using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Plans;

/// <summary>How a plan reads one table.</summary>
/// <param name="Schema">Schema of the table; null where the plan does not contain it.</param>
/// <param name="Table">Table.</param>
/// <param name="IsWhole">Whether every row is read.</param>
/// <param name="Rows">Estimated rows of one reading.</param>
/// <param name="Loops">Estimated number of readings.</param>
internal sealed record PlanScan(string? Schema, string Table, bool IsWhole, double Rows, double Loops);

/// <summary>The part of a plan that the log keeps.</summary>
internal sealed record PlanSummary
{
    /// <summary>The used indexes, each once, in order of appearance.</summary>
    public required IReadOnlyList<string> Indexes { get; init; }

    /// <summary>The scans of the tables.</summary>
    public required IReadOnlyList<PlanScan> Scans { get; init; }

    /// <summary>Summarises what EXPLAIN (FORMAT JSON, VERBOSE) wrote.</summary>
    /// <exception cref="JsonException">The text is no plan, or that of a utility statement.</exception>
    /// <exception cref="PerfMonitoringException">PlanTooDeep.</exception>
    public static PlanSummary Read(string json)
    {
        var plans = PlanNode.ParseAll(json);
        return new PlanSummary
        {
            Indexes = [.. plans.SelectMany(p => p.All()).Select(n => n.IndexName).OfType<string>().Distinct()],
            Scans = [.. plans.SelectMany(p => ScansOf(p, 1))],
        };
    }

    /// <summary>
    /// Estimated number of rows that the plan reads: all rows of a table that is read as a whole, else the rows from the index,
    /// times the rows of the outer side of a nested loop. Null where a table that is read as a whole has no known size.
    /// </summary>
    /// <param name="tableRows">The rows of a table, or null where unknown.</param>
    public long? EstimateRowsExamined(Func<PlanScan, double?> tableRows)
    {
        var sum = 0.0;
        foreach (var scan in Scans)
        {
            if ((scan.IsWhole ? tableRows(scan) : scan.Rows) is not { } rows)
            {
                return null;
            }

            sum += rows * scan.Loops;
        }

        return sum >= long.MaxValue ? long.MaxValue : (long)Math.Round(sum);
    }

    private static IEnumerable<PlanScan> ScansOf(PlanNode node, double loops)
    {
        if (node.IsScan)
        {
            yield return new PlanScan(
                node.Schema, node.RelationName!, node.NodeType is "Seq Scan" or "Sample Scan", node.Rows, loops);
        }

        var outerRows = 1.0;
        foreach (var child in node.Children)
        {
            // What is kept in memory is read once, however often it is asked for.
            var repeats = node.NodeType == "Nested Loop" && child.ParentRelationship == "Inner"
                && child.NodeType is not ("Materialize" or "Memoize");
            foreach (var scan in ScansOf(child, repeats ? loops * Math.Max(1, outerRows) : loops))
            {
                yield return scan;
            }

            if (child.ParentRelationship == "Outer")
            {
                outerRows = child.Rows;
            }
        }
    }
}
