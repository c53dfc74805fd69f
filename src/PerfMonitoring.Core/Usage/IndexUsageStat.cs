using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>What speaks for the drop of an index.</summary>
public enum DropAdvice : long
{
    /// <summary>Nothing is known that speaks for it.</summary>
    No,
    /// <summary>There is a reason, and something forbids it.</summary>
    Blocked,
    /// <summary>There is a reason, and nothing forbids it.</summary>
    Yes,
}

/// <summary>Usage and cost of an index, and the drop verdict: now, or on a day of the stored history.</summary>
public sealed record IndexUsageStat
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>Identity of the stored row; null for live figures.</summary>
    public Guid? Id { get; init; }

    /// <summary>The strategy of the index in the store; null where there is none or it was not requested.</summary>
    public Guid? IndexStrategyId { get; init; }

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Object identifier of the table; null for stored figures.</summary>
    public uint? TableOid { get; init; }

    /// <summary>Name of the index, without schema.</summary>
    public required string IndexName { get; init; }

    /// <summary>Object identifier of the index; null where a stored row does not contain it.</summary>
    public uint? IndexOid { get; init; }

    /// <summary>The CREATE INDEX statement, as the server writes it; null where a lock prevented reading it.</summary>
    public string? Definition { get; init; }

    /// <summary>
    /// Scans since <see cref="CountersSince"/>, on all servers of the reading; null where one of them has no statistics of the
    /// index.
    /// </summary>
    public long? TotalScans { get; init; }

    /// <summary>Index entries that scans returned.</summary>
    public long? TotalTuplesRead { get; init; }

    /// <summary>Live rows that plain index scans fetched; bitmap scans do not count here.</summary>
    public long? TotalTuplesFetched { get; init; }

    /// <summary>The counters of each server of the reading, the primary first; the other figures are sums over them.</summary>
    public ItemList<ScanCount> Counts { get; init => field = value.ToItemList(); } = [];

    /// <summary>Number of standbys that are not part of the reading, whose scans are unknown; null for stored figures.</summary>
    public int? UnaskedStandbyCount { get; init; }

    /// <summary>Mean time of a scan in milliseconds. PostgreSQL does not measure it: null.</summary>
    public double? AvgScanTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Share of the table's rows that a scan returns, 0 to 1; null without scans (<see cref="UsageFigures.Selectivity"/>).
    /// </summary>
    public double? SelectivityRatio { get; init => field = Figure.Round(value); }

    /// <summary>Size in bytes; null while somebody holds or awaits an exclusive lock on the index.</summary>
    public long? IndexSizeBytes { get; init; }

    /// <summary>
    /// Writes for each scan, weighted by size (<see cref="UsageFigures.MaintenanceCostScore"/>); null where unknown.
    /// </summary>
    public double? MaintenanceCostScore { get; init => field = Figure.Round(value); }

    /// <summary>Whether there is a reason to drop it and no blocker.</summary>
    public bool IsRecommendedForDrop { get; init; }

    /// <summary>Whether to drop it: <see cref="IsRecommendedForDrop"/>, with what is forbidden told apart.</summary>
    public DropAdvice Drop =>
        IsRecommendedForDrop ? DropAdvice.Yes : Reasons.Count > 0 ? DropAdvice.Blocked : DropAdvice.No;

    /// <summary>The first reason to drop it; where something forbids that, what forbids it. Null without a reason.</summary>
    public string? Reason => Reasons.Count == 0
        ? null : IsRecommendedForDrop || Blockers.Count == 0 ? Reasons[0] : Blockers[0].Text;

    /// <summary>The reasons to drop it.</summary>
    public ItemList<string> Reasons { get; init => field = value.ToItemList(); } = [];

    /// <summary>What forbids dropping it.</summary>
    public ItemList<DropBlocker> Blockers { get; init => field = value.ToItemList(); } = [];

    /// <summary>What the user should know before dropping it.</summary>
    public ItemList<string> Notes { get; init => field = value.ToItemList(); } = [];

    /// <summary>
    /// The expressions whose statistics the planner may use, and that only this index provides; for an index that may be unused.
    /// </summary>
    public ItemList<string> LostExpressions { get; init => field = value.ToItemList(); } = [];

    /// <summary>
    /// The statements that keep these statistics without the index, from PostgreSQL 14 on: CREATE STATISTICS for each, and
    /// ANALYZE.
    /// </summary>
    public ItemList<string> StatisticsStatements => LostExpressions.Count == 0 || Target is not { MajorVersion: >= 14 }
        ? []
        : [
            .. LostExpressions.Select(
                (e, i) =>
                    $"CREATE STATISTICS "
                        + new RelationName(RelationName.Parse(TableName).Schema, Identifier.Shorten(IndexName, $"_stat{i + 1}"))
                        + $" ON ({e}) FROM {TableName}"),
            $"ANALYZE {TableName}",
        ];

    /// <summary>When it was last scanned (PostgreSQL 16); null on older versions, or if it never was.</summary>
    public DateTimeOffset? LastScan { get; init; }

    /// <summary>Start of the counting, or a later time; null where unknown.</summary>
    public DateTimeOffset? CountersSince { get; init; }

    /// <summary>Rows inserted, updated other than HOT, and deleted in the table since then; null where unknown.</summary>
    public long? TableWrites { get; init; }

    /// <summary>Whether the planner can use the index.</summary>
    public bool? IsValid { get; init; }

    /// <summary>Whether it is being built; null for stored figures.</summary>
    public bool? IsBeingBuilt { get; init; }

    /// <summary>The day of the figures, in UTC.</summary>
    public DateOnly StatsDate { get; init; }

    /// <summary>Time when the figures were read.</summary>
    public DateTimeOffset LastAnalyzed { get; init; }

    /// <summary>The database of the index.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;

    /// <summary>Whether it enforces uniqueness; known for live figures only.</summary>
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
            Counts = usage.Counts.ToItemList(),
            UnaskedStandbyCount = state.UnaskedStandbyCount,
            SelectivityRatio = UsageFigures.Selectivity(usage),
            IndexSizeBytes = usage.SizeBytes,
            MaintenanceCostScore = UsageFigures.MaintenanceCostScore(usage),
            IsRecommendedForDrop = verdict.IsRecommended,
            Reasons = verdict.Reasons.ToItemList(),
            Blockers = verdict.Blockers.ToItemList(),
            Notes = verdict.Notes.ToItemList(),
            LostExpressions = verdict.LostExpressions.ToItemList(),
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
