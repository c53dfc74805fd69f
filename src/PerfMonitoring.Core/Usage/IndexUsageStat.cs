using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>How an index is used, what it costs, and whether it earns its keep: now, or on a day of the stored history.</summary>
public sealed record IndexUsageStat
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>Identity of the stored row; null for live figures.</summary>
    public Guid? Id { get; init; }

    /// <summary>The strategy that stands for the index in the store; null where it was not asked for or there is none.</summary>
    public Guid? IndexStrategyId { get; init; }

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Object identifier of the table; null for stored figures.</summary>
    public uint? TableOid { get; init; }

    /// <summary>Name of the index, without schema.</summary>
    public required string IndexName { get; init; }

    /// <summary>Object identifier of the index; null where a stored row does not say.</summary>
    public uint? IndexOid { get; init; }

    /// <summary>The statement that makes it, as the server writes it; null where a lock kept it from being read.</summary>
    public string? Definition { get; init; }

    /// <summary>
    /// Scans since <see cref="CountersSince"/>, on all servers that were asked; null where one of them has no statistics of the
    /// index.
    /// </summary>
    public long? TotalScans { get; init; }

    /// <summary>Index entries that scans returned.</summary>
    public long? TotalTuplesRead { get; init; }

    /// <summary>Live rows that plain index scans fetched; bitmap scans do not count here.</summary>
    public long? TotalTuplesFetched { get; init; }

    /// <summary>What each server that was asked has counted, the primary first; the other figures are their sums.</summary>
    public IReadOnlyList<ScanCount> Counts { get; init => field = value.ToArray(); } = [];

    /// <summary>Standby servers that were not asked, whose scans are unknown; null for stored figures.</summary>
    public int? UnaskedStandbyCount { get; init; }

    /// <summary>Mean time of a scan in milliseconds. PostgreSQL does not measure it: null.</summary>
    public double? AvgScanTimeMs { get; init; }

    /// <summary>
    /// Share of the table's rows that a scan returns, 0 to 1; null without scans (<see cref="UsageFigures.Selectivity"/>).
    /// </summary>
    public double? SelectivityRatio { get; init; }

    /// <summary>Size in bytes; null while somebody holds or awaits an exclusive lock on it.</summary>
    public long? IndexSizeBytes { get; init; }

    /// <summary>
    /// Writes for each scan, weighted by size (<see cref="UsageFigures.MaintenanceCostScore"/>); null where unknown.
    /// </summary>
    public double? MaintenanceCostScore { get; init; }

    /// <summary>Whether something speaks for dropping it and nothing against.</summary>
    public bool IsRecommendedForDrop { get; init; }

    /// <summary>What speaks for dropping it.</summary>
    public IReadOnlyList<string> Reasons { get; init => field = value.ToArray(); } = [];

    /// <summary>What forbids dropping it.</summary>
    public IReadOnlyList<DropBlocker> Blockers { get; init => field = value.ToArray(); } = [];

    /// <summary>What a person should know before dropping it.</summary>
    public IReadOnlyList<string> Notes { get; init => field = value.ToArray(); } = [];

    /// <summary>
    /// The expressions of which the planner may use the statistics that come with this index, and that nothing else has; told of
    /// an index that may be unused.
    /// </summary>
    public IReadOnlyList<string> LostExpressions { get; init => field = value.ToArray(); } = [];

    /// <summary>
    /// What keeps these statistics without the index, from PostgreSQL 14 on: CREATE STATISTICS for each, and ANALYZE.
    /// </summary>
    public IReadOnlyList<string> StatisticsStatements => LostExpressions.Count == 0 || Target is not { MajorVersion: >= 14 }
        ? []
        : [
            .. LostExpressions.Select(
                (e, i) =>
                $"CREATE STATISTICS "
                    + new RelationName(RelationName.Parse(TableName).Schema, Identifier.Shorten(IndexName, $"_stat{i + 1}"))
                    + $" ON ({e}) FROM {TableName}"),
            $"ANALYZE {TableName}",
        ];

    /// <summary>When it was scanned last (PostgreSQL 16); null before, or where it never was.</summary>
    public DateTimeOffset? LastScan { get; init; }

    /// <summary>Since when the counters count, or later; null where unknown.</summary>
    public DateTimeOffset? CountersSince { get; init; }

    /// <summary>Rows inserted, updated other than HOT, and deleted in the table since then; null where unknown.</summary>
    public long? TableWrites { get; init; }

    /// <summary>Whether the planner can use it.</summary>
    public bool? IsValid { get; init; }

    /// <summary>Whether somebody builds it at this moment; null for stored figures.</summary>
    public bool? IsBeingBuilt { get; init; }

    /// <summary>The day in UTC that the figures stand for.</summary>
    public DateOnly StatsDate { get; init; }

    /// <summary>When the figures were read.</summary>
    public DateTimeOffset LastAnalyzed { get; init; }

    /// <summary>The database that they are of.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;

    /// <summary>Whether it enforces uniqueness; known of live figures only.</summary>
    internal bool IsUnique { get; init; }

    /// <summary>Live figures from the facts and the verdict.</summary>
    public static IndexUsageStat From(IndexUsage usage, DropVerdict verdict, StatisticsState state, ServerTarget target)
    {
        ArgumentNullException.ThrowIfNull(usage);
        ArgumentNullException.ThrowIfNull(verdict);
        ArgumentNullException.ThrowIfNull(state);
        return new IndexUsageStat
        {
            TableName = usage.Index.Definition.Table.ToString(),
            IndexName = usage.Index.Definition.Name,
            IndexOid = usage.Index.Oid,
            TableOid = usage.Index.TableOid,
            Definition = usage.IsLocked ? null : usage.Index.ServerDefinition,
            TotalScans = usage.Scans,
            TotalTuplesRead = usage.TuplesRead,
            TotalTuplesFetched = usage.TuplesFetched,
            Counts = usage.Counts,
            UnaskedStandbyCount = state.UnaskedStandbyCount,
            SelectivityRatio = UsageFigures.Selectivity(usage),
            IndexSizeBytes = usage.SizeBytes,
            MaintenanceCostScore = UsageFigures.MaintenanceCostScore(usage),
            IsRecommendedForDrop = verdict.IsRecommended,
            Reasons = verdict.Reasons,
            Blockers = verdict.Blockers,
            Notes = verdict.Notes,
            LostExpressions = verdict.LostExpressions,
            LastScan = usage.LastScan,
            CountersSince = state.Since,
            TableWrites = usage.TableWrites,
            IsValid = usage.IsUsable,
            IsBeingBuilt = usage.IsBeingBuilt,
            IsUnique = usage.Index.Definition.IsUnique,
            StatsDate = DateOnly.FromDateTime(state.Now.UtcDateTime),
            LastAnalyzed = state.Now,
            Target = target,
        };
    }
}
