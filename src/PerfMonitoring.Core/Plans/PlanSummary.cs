using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Plans;

/// <summary>How a plan reads one table.</summary>
/// <param name="Schema">Schema of the table; null where the plan does not contain it.</param>
/// <param name="Table">Table.</param>
/// <param name="IsWhole">Whether every row is read.</param>
/// <param name="Rows">Estimated rows of one reading.</param>
/// <param name="Loops">Estimated number of readings.</param>
public sealed record PlanScan(string? Schema, string Table, bool IsWhole, double Rows, double Loops);

/// <summary>The part of a plan that the log keeps.</summary>
public sealed record PlanSummary
{
    /// <summary>The used indexes, each once, in order of appearance.</summary>
    public required IReadOnlyList<string> Indexes { get; init; }

    /// <summary>The scans of the tables.</summary>
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
    /// Estimated number of rows that the plan reads: all rows of a table that is read as a whole, else the rows from the index,
    /// times the rows of the outer side of a nested loop. Null where a table that is read as a whole has no known size.
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
            // The rows of a node that keeps its result in memory are read once, regardless of the number of requests.
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
