using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// The server's counters of the writes to a table (pg_stat_user_tables); for a partitioned table, the sum over its leaves.
/// </summary>
/// <param name="Table">The table.</param>
/// <param name="Inserts">Rows inserted.</param>
/// <param name="Updates">Rows updated, HOT or not.</param>
/// <param name="HotUpdates">Rows updated within their page, without a new entry in any index.</param>
/// <param name="Deletes">Rows deleted, including deletes by foreign keys.</param>
/// <param name="Rows">Rows in the table.</param>
/// <param name="Age">Age of the counters; null where the server does not tell.</param>
public sealed record TableActivity(
    RelationName Table, double Inserts, double Updates, double HotUpdates, double Deletes, double Rows, TimeSpan? Age)
{
    // The counters of live rows are estimates.
    private const double Tolerance = 0.1;

    /// <summary>
    /// Inserts without the initial load: where the table was empty when the counting began, the estimate assumes that its rows
    /// came in one load, before there was a workload.
    /// </summary>
    public double OngoingInserts => Rows - (Inserts - Deletes) > Tolerance * Rows ? Inserts : Math.Max(0, Inserts - Rows);

    /// <summary>Share of the counted activity that falls into a shorter time; at most 1.</summary>
    public double ShareOf(TimeSpan window) => Age > window ? window / Age.Value : 1;
}
