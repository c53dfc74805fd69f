using System.Text.RegularExpressions;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

/// <summary>What a statement writes to one table.</summary>
/// <param name="Table">The table.</param>
/// <param name="Operation">Insert, Update, Delete or Merge, as the plan has it.</param>
/// <param name="Rows">Rows that one execution writes, by the planner.</param>
/// <param name="Columns">Columns that an update sets, or null where it may be any.</param>
public sealed record TableWrite(RelationName Table, string Operation, double Rows, IReadOnlySet<string>? Columns);

/// <summary>
/// What keeping an index up to date costs, in the planner's units: the planner itself charges nothing for it. And what a descent does.
/// </summary>
public static class WriteCost
{
    // The planner's defaults, and what btcostestimate takes for the pages of a descent (selfuncs.c, DEFAULT_PAGE_CPU_MULTIPLIER).
    private const double OperatorCost = 0.0025;
    private const double PageMultiplier = 50;
    private const double PageCost = 1;
    private const double EntriesPerPage = 300;

    /// <summary>One entry: a descent, and one page (seq_page_cost) for the leaf that gets dirty and is logged.</summary>
    /// <param name="tableRows">Rows of the table, or null where unknown.</param>
    public static double OfEntry(double? tableRows) => OfDescent(tableRows) + PageCost;

    /// <summary>
    /// A descent from the root to a leaf, as btcostestimate charges it: <c>ceil(log2(rows)) * cpu_operator_cost + (height + 1) * 50 *
    /// cpu_operator_cost</c>.
    /// </summary>
    /// <param name="tableRows">Rows of the table, or null where unknown.</param>
    public static double OfDescent(double? tableRows)
    {
        var rows = Math.Max(2, tableRows ?? 2);
        var height = Math.Max(0, Math.Ceiling(Math.Log(rows, EntriesPerPage)) - 1);
        return (Math.Ceiling(Math.Log2(rows)) * OperatorCost) + ((height + 1) * PageMultiplier * OperatorCost);
    }

    /// <summary>
    /// How many entries one execution of a statement adds to the indexes of a table because this index is there. An update adds one only
    /// where it sets a column of the index; where no index had such a column before, the update was a heap-only one (HOT), and from
    /// now on every index of the table gets an entry. A delete leaves entries to VACUUM.
    /// </summary>
    /// <param name="index">The new index.</param>
    /// <param name="write">What is written.</param>
    /// <param name="existing">The indexes that the table has.</param>
    public static double Entries(IndexDefinition index, TableWrite write, IReadOnlyCollection<IndexDefinition> existing)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentNullException.ThrowIfNull(existing);
        return write.Operation switch
        {
            "Delete" => 0,
            "Insert" => write.Rows,
            _ when !IsTouched(index, write.Columns) => 0,
            _ when existing.Any(e => IsTouched(e, write.Columns)) => write.Rows,
            _ => write.Rows * (1 + existing.Count),
        };
    }

    private static bool IsTouched(IndexDefinition index, IReadOnlySet<string>? columns) => columns is null
        || index.Keys.Any(k => k.Column is not null && columns.Contains(k.Column))
        || index.Include.Any(columns.Contains)
        || index.Keys.Select(k => k.Expression).Append(index.Where).Any(sql => sql is not null && columns.Any(c => Mentions(sql, c)));

    private static bool Mentions(string sql, string column) => Regex.IsMatch(sql, $@"(?<![\w$]){Regex.Escape(column)}(?![\w$])", RegexOptions.IgnoreCase);
}
