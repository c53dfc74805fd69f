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

    /// <summary>Reads a plan as EXPLAIN (FORMAT JSON, VERBOSE) writes it.</summary>
    /// <param name="json">The plan.</param>
    /// <exception cref="PerfMonitoringException">PlanTooDeep.</exception>
    public static PlanSummary Read(string json)
    {
        using var document = PlanJson.Read(json);
        var indexes = new List<string>();
        var scans = new List<PlanScan>();
        foreach (var statement in document.RootElement.EnumerateArray())
        {
            Visit(statement.GetProperty("Plan"), 1, indexes, scans);
        }

        return new PlanSummary { Indexes = [.. indexes.Distinct(StringComparer.Ordinal)], Scans = scans };
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

    private static void Visit(JsonElement node, double loops, List<string> indexes, List<PlanScan> scans)
    {
        var type = Text(node, "Node Type") ?? "";
        if (Text(node, "Index Name") is { } index)
        {
            indexes.Add(index);
        }

        if (Text(node, "Relation Name") is { } table && type.Contains("Scan", StringComparison.Ordinal))
        {
            scans.Add(new PlanScan(Text(node, "Schema"), table, type is "Seq Scan" or "Sample Scan", Rows(node), loops));
        }

        if (!node.TryGetProperty("Plans", out var children))
        {
            return;
        }

        var outerRows = 1.0;
        foreach (var child in children.EnumerateArray())
        {
            var relation = Text(child, "Parent Relationship");
            // What is kept in memory is read once, however often it is asked for.
            var repeats = type == "Nested Loop" && relation == "Inner"
                && Text(child, "Node Type") is not ("Materialize" or "Memoize");
            Visit(child, repeats ? loops * Math.Max(1, outerRows) : loops, indexes, scans);
            if (relation == "Outer")
            {
                outerRows = Rows(child);
            }
        }
    }

    private static string? Text(JsonElement node, string name) =>
        node.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static double Rows(JsonElement node) => node.TryGetProperty("Plan Rows", out var value) ? value.GetDouble() : 0;
}
