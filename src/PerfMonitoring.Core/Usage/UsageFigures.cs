namespace PerfMonitoring.Usage;

/// <summary>Figures that are computed from the counters of an index.</summary>
internal static class UsageFigures
{
    /// <summary>
    /// Mean share of the table's rows that a scan returns, 0 to 1: <c>idx_tup_read / (idx_scan * reltuples)</c>. This is the
    /// measured selectivity, as the planner defines it (Selinger et al., Access Path Selection, 1979). idx_tup_fetch is not used,
    /// since bitmap scans do not count there (PostgreSQL manual, pg_stat_all_indexes). Null without scans or row estimate.
    /// </summary>
    public static double? Selectivity(IndexUsage index) => index.Scans > 0 && index.TableRows > 0 && index.TuplesRead is { } read
        ? Math.Clamp(read / (index.Scans.Value * index.TableRows.Value), 0, 1)
        : null;

    /// <summary>
    /// Maintenance cost of the index relative to its use: <c>writes / max(scans, 1) * index size / table size</c>, where writes
    /// are inserts, updates other than HOT (HOT updates do not touch indexes) and deletes, and the size of the table includes all
    /// its indexes. It is the inverse of scans_per_write (pgexperts/pgx_scripts, unused_indexes.sql), weighted by size. 0 is
    /// free; a higher score costs more. Null where a part is unknown.
    /// </summary>
    public static double? MaintenanceCostScore(IndexUsage index) =>
        index.TableWrites is { } writes && index.Scans is { } scans && index.SizeBytes is { } size
        && index.TableSizeBytes is { } all
            ? all == 0 ? 0 : (double)writes / Math.Max(scans, 1) * size / all
            : null;
}
