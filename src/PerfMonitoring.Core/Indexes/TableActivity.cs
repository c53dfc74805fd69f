using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// What the server counted of a table's writes (pg_stat_user_tables); a partitioned table's are those of its leaves.
/// </summary>
/// <param name="Table">The table.</param>
/// <param name="Inserts">Rows inserted.</param>
/// <param name="Updates">Rows updated, HOT or not.</param>
/// <param name="HotUpdates">Rows updated within their page, without a new entry in any index.</param>
/// <param name="Deletes">Rows deleted, by foreign keys too.</param>
/// <param name="Rows">Rows that the table holds.</param>
/// <param name="Age">For how long it was counted; null where the server does not say.</param>
public sealed record TableActivity(
    RelationName Table, double Inserts, double Updates, double HotUpdates, double Deletes, double Rows, TimeSpan? Age)
{
    // The counters of live rows are estimates themselves.
    private const double Tolerance = 0.1;

    /// <summary>
    /// Inserts without the first load: where the table was empty when the counting began, the rows that it holds are taken to
    /// have come at once, before there was a workload.
    /// </summary>
    public double OngoingInserts => Rows - (Inserts - Deletes) > Tolerance * Rows ? Inserts : Math.Max(0, Inserts - Rows);

    /// <summary>How much of it falls into a shorter time; never more than was counted.</summary>
    public double ShareOf(TimeSpan window) => Age > window ? window / Age.Value : 1;
}
