using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// Writes to the tables while the workload runs: by statements of the workload, whose columns are known, and by others, which
/// only the server's counters show. Writes in both sources count once: for each kind of write to a table, the larger figure
/// counts.
/// </summary>
internal sealed class WriteLoad
{
    private readonly Dictionary<RelationName, List<TableWrite>> own;
    private readonly Dictionary<RelationName, Counted> counted;

    /// <summary>Sums up the writes.</summary>
    /// <param name="own">The writes of the workload's statements, each with the weight of its statement.</param>
    /// <param name="activity">The server's counters.</param>
    /// <param name="window">The period in which the statements ran as often as their weights tell. Where it is null, the period
    /// is unknown: the counters tell nothing about the workload, and only its statements count.</param>
    public WriteLoad(IEnumerable<(TableWrite Write, double Weight)> own, IEnumerable<TableActivity> activity, TimeSpan? window)
    {
        var activities = window is null ? [] : activity.ToDictionary(a => a.Table);
        // Many statements have the same writes: each different write is examined once for each index.
        this.own = own.Where(w => !IsLoad(w.Write, activities.GetValueOrDefault(w.Write.Table)))
            .GroupBy(w => w.Write.Table).ToDictionary(
            t => t.Key,
            t => t.GroupBy(
                w => (w.Write.Operation,
                Columns: w.Write.Columns is { } c ? string.Join('\n', c.Order(StringComparer.Ordinal)) : null))
                .Select(g => g.First().Write with { Rows = g.Sum(w => w.Write.Rows * w.Weight) }).ToList());
        counted = activities.Values.ToDictionary(a => a.Table, a => Counted.Of(a, a.ShareOf(window!.Value)));
    }

    /// <summary>Every table with writes.</summary>
    public IEnumerable<RelationName> Tables => own.Keys.Union(counted.Keys);

    /// <summary>Rows deleted from a table.</summary>
    public double Deletes(RelationName table) => Math.Max(Own(table, "Delete"), counted.GetValueOrDefault(table)?.Deletes ?? 0);

    /// <summary>
    /// Rows of a table in which updates of the workload set one of these columns; updates of unknown columns are left out.
    /// </summary>
    public double Updates(RelationName table, IEnumerable<string> columns) =>
        Writes(table).Where(w => w.Operation == "Update" && w.Columns is { } set && columns.Any(set.Contains)).Sum(w => w.Rows);

    /// <summary>
    /// Maintenance cost of a new index, in planner units. The columns of updates by others are unknown: the estimate assumes that
    /// HOT updates stay HOT, and that the others add an entry to every index.
    /// </summary>
    /// <param name="index">The index.</param>
    /// <param name="tableRows">Rows of the table, or null where unknown.</param>
    /// <param name="existing">The existing indexes of the table.</param>
    /// <param name="share">The share of the rows in the index, 0 to 1: less than 1 for a partial index.</param>
    public double CostOf(
        IndexDefinition index, double? tableRows, IReadOnlyCollection<IndexDefinition> existing, double share = 1)
    {
        var activity = counted.GetValueOrDefault(index.Table);
        // Updates that set a column of an index cannot be HOT; the share is that among the other updates.
        var could = activity is null
            ? 0 : activity.Updates - Writes(index.Table)
            .Where(w => w.Columns is not null && IsUpdate(w) && WriteCost.IsHotPrevented(w, existing)).Sum(w => w.Rows);
        var hotShare = activity is null or { Updates: 0 }
            ? 1 : Math.Clamp(activity.HotUpdates / Math.Max(could, Math.Max(activity.HotUpdates, 1)), 0, 1);
        var (inserts, updates) = (0.0, 0.0);
        foreach (var write in Writes(index.Table))
        {
            var entries = WriteCost.Entries(index, write, existing, hotShare);
            (inserts, updates) = write.Operation == "Insert" ? (inserts + entries, updates) : (inserts, updates + entries);
        }

        if (activity is not null)
        {
            inserts += Math.Max(0, activity.Inserts - Own(index.Table, "Insert"));
            var others = Math.Max(0, activity.Updates - Writes(index.Table).Where(IsUpdate).Sum(w => w.Rows));
            updates += others * (activity.Updates > 0 ? 1 - (activity.HotUpdates / activity.Updates) : 0);
        }

        // An updated row leaves a dead entry, and a deleted row leaves its only entry.
        return share * (
            ((inserts + updates) * WriteCost.OfEntry(tableRows, index.Method))
            + ((updates + Deletes(index.Table)) * WriteCost.OfDeadEntry));
    }

    // An INSERT of most rows of the table was its first load, where the counters tell of no other.
    private static bool IsLoad(TableWrite write, TableActivity? activity) =>
        write.Operation == "Insert" && activity is not null && write.Rows > Tuning.Evidence.Load * activity.Rows
        && activity.OngoingInserts < write.Rows;

    private static bool IsUpdate(TableWrite write) => write.Operation is not ("Insert" or "Delete");

    private List<TableWrite> Writes(RelationName table) => own.GetValueOrDefault(table) ?? [];

    private double Own(RelationName table, string operation) =>
        Writes(table).Where(w => w.Operation == operation).Sum(w => w.Rows);

    private sealed record Counted(double Inserts, double Updates, double HotUpdates, double Deletes)
    {
        public static Counted Of(TableActivity a, double share) =>
            new(a.OngoingInserts * share, a.Updates * share, a.HotUpdates * share, a.Deletes * share);
    }
}
