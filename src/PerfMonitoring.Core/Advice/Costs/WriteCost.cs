using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using static PerfMonitoring.Indexes.PlannerDefaults;

namespace PerfMonitoring.Advice;

/// <summary>What a statement writes to one table.</summary>
/// <param name="Table">The table.</param>
/// <param name="Operation">Insert, Update, Delete or Merge, as the plan has it.</param>
/// <param name="Rows">Rows that one execution writes, by the planner.</param>
/// <param name="Columns">Columns that an update sets, or null where it may be any.</param>
public sealed record TableWrite(RelationName Table, string Operation, double Rows, IReadOnlySet<string>? Columns);

/// <summary>
/// What keeping an index up to date costs, in the planner's units: the planner itself charges nothing for it. And what a descent
/// does.
/// </summary>
public static class WriteCost
{
    private const double EntriesPerPage = 300;

    // autovacuum_vacuum_scale_factor: the share of a table's rows that is dead when VACUUM comes.
    private const double DeadShare = 0.2;

    /// <summary>
    /// One entry: a descent, and one page (seq_page_cost) for the leaf that gets dirty and is logged. BRIN has neither:
    /// brininsert (brin.c) looks at two pages that are in memory, and writes only where a range widens.
    /// </summary>
    /// <param name="tableRows">Rows of the table, or null where unknown.</param>
    /// <param name="method">The access method. GIN takes as many entries as a value has elements, and is charged for one.</param>
    public static double OfEntry(double? tableRows, string method = "btree") =>
        method == "brin" ? 2 * DescentPageCost : OfDescent(tableRows) + SequentialPageCost;

    /// <summary>
    /// What one dead entry costs VACUUM, which reads the whole index (btvacuumscan, nbtree.c) once a fifth of the rows is dead.
    /// </summary>
    public static double OfDeadEntry => SequentialPageCost / (EntriesPerPage * DeadShare);

    /// <summary>
    /// What an execution of the trigger of a foreign key (RI_FKey_check_upd/del, ri_triggers.c) spends on reading the whole
    /// referencing table (cost_seqscan) more than on finding one row by an index; never below 0.
    /// </summary>
    /// <param name="table">The referencing table.</param>
    /// <param name="columns">How many columns the key has.</param>
    public static double OfMissingForeignKeyIndex(TableInfo table, int columns)
    {
        ArgumentNullException.ThrowIfNull(table);
        return Math.Max(
            0, (table.Pages * SequentialPageCost)
            + ((table.Rows ?? 0) * (TupleCost + (columns * OperatorCost))) - OfDescent(table.Rows) - RandomPageCost);
    }

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
    /// for a B-tree of so many bytes.
    /// </summary>
    public static double OfDescentPages(long sizeBytes)
    {
        var leaves = Math.Max(1, (sizeBytes / PageBytes) - 1);
        var height = Math.Ceiling(Math.Log(leaves, EntriesPerPage) - 1e-9);
        return (height + 1) * DescentPageCost;
    }

    /// <summary>
    /// How many entries one execution of a statement adds to the indexes of a table because this index is there. An update that
    /// sets a column of any index adds one to all of them. One that sets no column of those that were there was a heap-only one
    /// (HOT) as long as its page had room (README.HOT); if it sets one of this index, then from now on every index of the table
    /// gets an entry. A delete adds none.
    /// </summary>
    /// <param name="index">The new index.</param>
    /// <param name="write">What is written.</param>
    /// <param name="existing">The indexes that the table has.</param>
    /// <param name="hotShare">The share of HOT updates among those that could be, 0 to 1.</param>
    public static double Entries(
        IndexDefinition index, TableWrite write, IReadOnlyCollection<IndexDefinition> existing, double hotShare = 1)
    {
        ArgumentNullException.ThrowIfNull(write);
        ArgumentNullException.ThrowIfNull(existing);
        return write.Operation switch
        {
            "Delete" => 0,
            "Insert" => write.Rows,
            _ when write.Columns is null || IsHotPrevented(write, existing) => write.Rows,
            _ when IsTouched(index, write.Columns) => write.Rows * (1 + (hotShare * existing.Count)),
            _ => write.Rows * (1 - hotShare),
        };
    }

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
