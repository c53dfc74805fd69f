using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using static PerfMonitoring.Indexes.PlannerDefaults;

namespace PerfMonitoring.Advice;

/// <summary>A write of a statement to one table.</summary>
/// <param name="Table">The table.</param>
/// <param name="Operation">Insert, Update, Delete or Merge, as in the plan.</param>
/// <param name="Rows">Estimated rows that one execution writes.</param>
/// <param name="Columns">Columns that an update sets, or null where it may be any column.</param>
internal sealed record TableWrite(RelationName Table, string Operation, double Rows, IReadOnlySet<string>? Columns)
{
    /// <summary>Estimated rows that a node writes: those of its inputs, without the subqueries that run before them.</summary>
    /// <param name="node">A ModifyTable.</param>
    public static double RowsOf(PlanNode node) =>
        node.Children.Where(c => c.ParentRelationship is not ("InitPlan" or "SubPlan")).Sum(c => c.Rows);
}

/// <summary>Maintenance cost of an index in planner units, and the cost of one B-tree descent.</summary>
internal static class WriteCost
{
    private const double EntriesPerPage = 300;

    // autovacuum_vacuum_scale_factor: the share of dead rows in a table when VACUUM runs.
    private const double DeadShare = 0.2;

    /// <summary>
    /// Cost of one entry: a descent, and one page (seq_page_cost) for the leaf that becomes dirty and is logged. BRIN has
    /// neither: brininsert (brin.c) reads two pages that are in memory, and writes only where a range widens.
    /// </summary>
    /// <param name="tableRows">Rows of the table, or null where unknown.</param>
    /// <param name="method">The access method. GIN stores as many entries as a value has elements, but only one is
    /// charged.</param>
    public static double OfEntry(double? tableRows, string method = "btree") =>
        method == "brin" ? 2 * DescentPageCost : OfDescent(tableRows) + SequentialPageCost;

    /// <summary>
    /// Cost of one dead entry for VACUUM, which reads the whole index (btvacuumscan, nbtree.c) once a fifth of the rows is dead.
    /// </summary>
    public static double OfDeadEntry => SequentialPageCost / (EntriesPerPage * DeadShare);

    /// <summary>
    /// Cost of one execution of the trigger of a foreign key (RI_FKey_check_upd/del, ri_triggers.c) for reading the whole
    /// referencing table (cost_seqscan), minus the cost of finding one row by an index; never below 0.
    /// </summary>
    /// <param name="table">The referencing table.</param>
    /// <param name="columns">Number of columns of the foreign key.</param>
    public static double OfMissingForeignKeyIndex(TableInfo table, int columns) => Math.Max(
        0, (table.Pages * SequentialPageCost)
        + ((table.Rows ?? 0) * (TupleCost + (columns * OperatorCost))) - OfDescent(table.Rows) - RandomPageCost);

    /// <summary>
    /// A descent from the root to a leaf, as btcostestimate charges it: <c>ceil(log2(rows)) * cpu_operator_cost + (height + 1) *
    /// 50 * cpu_operator_cost</c>.
    /// </summary>
    /// <param name="tableRows">Rows of the table, or null where unknown.</param>
    public static double OfDescent(double? tableRows)
    {
        var rows = Math.Max(2, tableRows ?? 2);
        var height = Math.Max(0, Math.Ceiling(Math.Log(rows, EntriesPerPage)) - 1);
        return (Math.Ceiling(Math.Log2(rows)) * OperatorCost) + ((height + 1) * DescentPageCost);
    }

    /// <summary>
    /// The part of a descent that the planner charges for pages, <c>(height + 1) * 50 * cpu_operator_cost</c> (btcostestimate),
    /// for a B-tree of that size.
    /// </summary>
    public static double OfDescentPages(long sizeBytes)
    {
        var leaves = Math.Max(1, (sizeBytes / PageBytes) - 1);
        var height = Math.Ceiling(Math.Log(leaves, EntriesPerPage) - 1e-9);
        return (height + 1) * DescentPageCost;
    }

    /// <summary>
    /// Number of entries that one execution of a statement adds to the indexes of a table because this index exists. An update
    /// that sets a column of any index adds an entry to all of them. An update that sets no column of an existing index was
    /// heap-only (HOT) where its page had space (README.HOT). If it sets a column of this index, every index of the table now
    /// gets an entry. A delete adds none.
    /// </summary>
    /// <param name="index">The new index.</param>
    /// <param name="write">The write.</param>
    /// <param name="existing">The existing indexes of the table.</param>
    /// <param name="hotShare">The share of HOT updates among the updates that could be HOT, 0 to 1.</param>
    public static double Entries(
        IndexDefinition index, TableWrite write, IReadOnlyCollection<IndexDefinition> existing, double hotShare = 1) =>
        write.Operation switch
        {
            "Delete" => 0,
            "Insert" => write.Rows,
            _ when write.Columns is null || IsHotPrevented(write, existing) => write.Rows,
            _ when IsTouched(index, write.Columns) => write.Rows * (1 + (hotShare * existing.Count)),
            _ => write.Rows * (1 - hotShare),
        };

    /// <summary>Whether an update sets a column of an index.</summary>
    internal static bool IsHotPrevented(TableWrite write, IEnumerable<IndexDefinition> existing) =>
        existing.Any(e => IsTouched(e, write.Columns));

    private static bool IsTouched(IndexDefinition index, IReadOnlySet<string>? columns) => columns is null
        || index.Keys.Any(k => k.Column is not null && columns.Contains(k.Column))
        || index.Include.Any(columns.Contains)
        || index.Keys.Select(k => k.Expression).Append(index.Where)
            .Any(sql => sql is not null && columns.Any(c => Mentions(sql, c)));

    private static bool Mentions(string sql, string column) =>
        Regex.IsMatch(sql, $@"(?<![\w$]){Regex.Escape(column)}(?![\w$])", RegexOptions.IgnoreCase);
}
