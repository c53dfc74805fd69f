using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

/// <summary>A value, or the reason why there is none.</summary>
internal readonly record struct Measured(decimal? Value, string? Reason)
{
    public static Measured Unknown(string reason) => new(null, reason);
}

/// <summary>The difference between two samples. Counters that decreased give no value, never a negative one.</summary>
internal sealed class MetricWindow(MetricSample before, MetricSample after)
{
    private const string Reset = "the counters were reset within the window";

    public DateTimeOffset Since => before.TakenAt;

    public DateTimeOffset Until => after.TakenAt;

    private bool WasReset => before.ResetAt != after.ResetAt || after.Transactions < before.Transactions;

    /// <summary>Whether a stored sample can start an observation window that ends with <paramref name="next"/>.</summary>
    public static bool IsComparable(MetricSample stored, MetricSample next) =>
        stored.Instance == next.Instance
        && stored.TakenAt < next.TakenAt
        && stored.Statements?.OfAllRoles == next.Statements?.OfAllRoles;

    public Measured Deadlocks() =>
        WasReset || after.Deadlocks < before.Deadlocks
            ? Measured.Unknown(Reset) : new Measured(after.Deadlocks - before.Deadlocks, null);

    /// <summary>Blocks found in the cache divided by requested blocks, 0 to 1; for the given tables, or for all.</summary>
    public Measured CacheHitRatio(MeasuredTable? table) =>
        Share(table, t => t.BlocksHit, t => t.BlocksRead, "no block of it was asked for within the window");

    /// <summary>Index scans divided by all scans, 0 to 1; for the given tables, or for all.</summary>
    public Measured IndexScanRatio(MeasuredTable? table) =>
        Share(table, t => t.IndexScans, t => t.SequentialScans, "it was not scanned within the window");

    /// <summary>
    /// The statement with the highest mean time among those that ran, with its calls and time in the observation window.
    /// </summary>
    public (StatementCounters? Worst, string? Reason) WorstStatement()
    {
        if (after.Statements is not { } now)
        {
            return (null, after.StatementsReason);
        }

        if (before.Statements is not { } then)
        {
            return (null, before.StatementsReason);
        }

        var delta = StatisticsDelta.Between(then.State, then.Statements, now.State, now.Statements);
        return delta.WasReset ? (null, Reset)
            : delta.Intervals.Count == 0 ? (null, "no statement ran within the window")
            : (delta.Intervals.MaxBy(i => i.TotalTimeMs / i.Calls), null);
    }

    private Measured Share(MeasuredTable? table, Func<TableCounters, long> good, Func<TableCounters, long> bad, string nothing)
    {
        if (WasReset)
        {
            return Measured.Unknown(Reset);
        }

        var known = before.Tables.ToDictionary(t => t.Oid);
        long goods = 0;
        long bads = 0;
        foreach (var counters in table is null ? after.Tables : after.Tables.Where(t => table.Oids.Contains(t.Oid)))
        {
            // A table that the first sample lacks was created within the observation window.
            var old = known.GetValueOrDefault(counters.Oid) ?? new TableCounters();
            var (goodDelta, badDelta) = (good(counters) - good(old), bad(counters) - bad(old));
            if (goodDelta < 0 || badDelta < 0)
            {
                return Measured.Unknown(Reset);
            }

            goods += goodDelta;
            bads += badDelta;
        }

        return goods + bads == 0 ? Measured.Unknown(nothing) : new Measured((decimal)goods / (goods + bads), null);
    }
}
