using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Plans;

/// <summary>How a plan reads one table.</summary>
/// <param name="Schema">Schema of the table; null where the plan does not say.</param>
/// <param name="Table">Table.</param>
/// <param name="IsWhole">Whether every row is read.</param>
/// <param name="Rows">Rows that come out of one reading, by the planner's estimate.</param>
/// <param name="Loops">How often it is read, by the planner's estimate.</param>
public sealed record PlanScan(string? Schema, string Table, bool IsWhole, double Rows, double Loops);

/// <summary>What the log keeps of a plan.</summary>
public sealed record PlanSummary
{
    /// <summary>The indexes that it uses, each once, in order of appearance.</summary>
    public required IReadOnlyList<string> Indexes { get; init; }

    /// <summary>How it reads its tables.</summary>
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
    /// The rows that it reads, estimated: all of a table's where it is read whole, else those that come out of the index; times
    /// the rows of the outer side of a nested loop. Null where a table that is read whole has no known size.
    /// </summary>
    /// <param name="tableRows">The rows of a table, or null where unknown.</param>
    public long? EstimateRowsExamined(Func<PlanScan, double?> tableRows)
    {
        ArgumentNullException.ThrowIfNull(tableRows);
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
