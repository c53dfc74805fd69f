using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Usage;

/// <summary>Whether an index earns its keep: what speaks for dropping it, what forbids that, and what was not asked.</summary>
/// <param name="Reasons">What speaks for dropping it, as sentences.</param>
/// <param name="Blockers">What forbids it; what is not known forbids, too.</param>
/// <param name="Notes">What a person should know before dropping it, as sentences.</param>
public sealed record DropVerdict(IReadOnlyList<string> Reasons, IReadOnlyList<DropBlocker> Blockers, IReadOnlyList<string> Notes)
{
    /// <summary>
    /// The window that an index must not have been scanned in, unless another is asked for: a month's last day and a week.
    /// </summary>
    public static readonly TimeSpan DefaultWindow = TimeSpan.FromDays(35);

    /// <summary>
    /// The expressions whose statistics the planner may use, and that only this index provides. Only for an index that may be
    /// unused: for a redundant index, the other one has the statistics.
    /// </summary>
    public IReadOnlyList<string> LostExpressions { get; init; } = [];

    /// <summary>Whether there is a reason to drop it and no blocker.</summary>
    public bool IsRecommended => Reasons.Count > 0 && Blockers.Count == 0;

    /// <summary>
    /// Judges all indexes of a database together, so that it is safe to follow every recommendation at once: an index is never
    /// redundant because of one that is also recommended for drop, and a foreign key keeps at least one index.
    /// </summary>
    /// <param name="indexes">All indexes of the tables in question.</param>
    /// <param name="foreignKeys">The foreign keys of those tables.</param>
    /// <param name="state">How far the statistics can be trusted.</param>
    /// <param name="window"> How long an index must not have been scanned to count as unused. Where the counters and what was
    /// stored of them do not reach back so far and know of no scan, <see cref="StatisticsAge.Minimum"/> has to do, and a note
    /// says so.
    /// </param>
    /// <param name="canSkip">Whether the server does skip scans (PostgreSQL 18).</param>
    /// <returns>A verdict by <see cref="TableIndex.Oid"/>.</returns>
    public static IReadOnlyDictionary<uint, DropVerdict> Judge(
        IReadOnlyCollection<IndexUsage> indexes, IReadOnlyCollection<ForeignKey> foreignKeys, StatisticsState state,
        TimeSpan window, bool canSkip = false)
    {
        ArgumentNullException.ThrowIfNull(indexes);
        ArgumentNullException.ThrowIfNull(foreignKeys);
        ArgumentNullException.ThrowIfNull(state);
        var referring = foreignKeys.ToLookup(k => k.Table);
        var referenced = foreignKeys.ToLookup(k => k.ReferencedIndexOid);
        var untrusted = StatisticsBlockers(state).ToList();
        var unused = indexes.Select(i => (i.Index.Oid, Finding: UnusedFinding.Of(i, state, window)))
            .Where(u => u.Finding is not null)
            .ToDictionary(u => u.Oid, u => u.Finding!);
        var verdicts = new Dictionary<uint, DropVerdict>(indexes.Count);
        foreach (var table in indexes.GroupBy(i => i.Index.Definition.Table))
        {
            var remaining = table.ToList();
            var open = new List<IndexUsage>();
            foreach (var index in remaining)
            {
                var blockers = OwnBlockers(index, referenced[index.Index.Oid]).ToList();
                verdicts[index.Index.Oid] = new DropVerdict([], blockers, []);
                if (blockers.Count == 0)
                {
                    open.Add(index);
                }
            }

            void Decide(IndexUsage index, IReadOnlyList<DropBlocker> blockers, IEnumerable<string> reasons)
            {
                var now = verdicts[index.Index.Oid];
                verdicts[index.Index.Oid] = now with { Reasons = [.. reasons], Blockers = [.. now.Blockers, .. blockers] };
                if (verdicts[index.Index.Oid].IsRecommended)
                {
                    remaining.Remove(index);
                }
            }

            // Unused indexes come first, the largest first, so that the smallest of several indexes for a foreign key stays.
            foreach (var index in open.Where(i => unused.ContainsKey(i.Index.Oid)).OrderByDescending(i => i.SizeBytes ?? 0)
                .ThenByDescending(i => i.Index.Oid))
            {
                var finding = unused[index.Index.Oid];
                var lost = LostExpressionsOf(index, remaining).ToList();
                verdicts[index.Index.Oid] = verdicts[index.Index.Oid] with { Notes = finding.Notes, LostExpressions = lost };
                Decide(
                    index,
                    [
                        .. untrusted, .. finding.Blockers, .. ForeignKeyBlockers(index, referring[table.Key], remaining),
                        .. lost.Select(e => new DropBlocker(
                            DropBlockerCode.ExpressionStatistics,
                            $"The planner may use the statistics of its expression {e}, which nothing else has.")),
                    ],
                    finding.Reasons);
            }

            // Redundant indexes come next, the narrowest and youngest first, each compared with the indexes that stay.
            foreach (var index in open.Where(remaining.Contains).OrderBy(i => i.Index.Definition.Keys.Count)
                .ThenBy(i => i.Index.Definition.Include.Count)
                .ThenByDescending(i => i.Index.Oid))
            {
                var reasons = RedundancyReasons(index, remaining).ToList();
                if (reasons.Count > 0)
                {
                    // Redundancy does not depend on statistics, so blockers of the unused verdict do not apply.
                    verdicts[index.Index.Oid] = verdicts[index.Index.Oid] with {
                        Blockers = [], Notes = [], LostExpressions = [] };
                    Decide(index, [.. ForeignKeyBlockers(index, referring[table.Key], remaining)],
                        reasons.Concat(CertainReasonsOfUnused(index)));
                }
            }

            // Only the planner can tell whether a skip scan is as fast, so this is not a recommendation.
            foreach (var index in canSkip ? open.Where(remaining.Contains) : [])
            {
                var skipped = remaining.Where(o => o is { IsUsable: true, IsLocked: false }
                    && IndexCoverage.Of(index.Index.Definition, o.Index.Definition) == Coverage.SkipScan);
                verdicts[index.Index.Oid] = verdicts[index.Index.Oid] with
                {
                    Notes = [
                        .. verdicts[index.Index.Oid].Notes,
                        .. skipped.Select(o => $"A skip scan of {o.Index.Definition.Name} can do its work where the keys before "
                            + "have few values. Compare both plans before you drop it."),
                    ],
                };
            }

            // An index that must stay still shows the reasons for dropping it.
            foreach (var index in table.Except(open))
            {
                Decide(index, [], ReasonsOfUnused(index).Concat(RedundancyReasons(index, remaining)));
            }
        }

        return verdicts;

        // Where there is another reason to drop it, uncertain reasons are left out.
        IReadOnlyList<string> CertainReasonsOfUnused(IndexUsage index) =>
            untrusted.Count == 0 && unused.TryGetValue(index.Index.Oid, out var finding) && finding.Blockers.Count == 0
                ? finding.Reasons : [];

        IReadOnlyList<string> ReasonsOfUnused(IndexUsage index) =>
            unused.TryGetValue(index.Index.Oid, out var finding) ? finding.Reasons : [];
    }

    // The keys of an index on a locked table are unknown.
    private static IEnumerable<string> RedundancyReasons(IndexUsage index, IEnumerable<IndexUsage> others) =>
        index.Index.IsExclusion || index.IsLocked
            ? []
            : others.Where(
                o => o.Index.Oid != index.Index.Oid && o is { IsUsable: true, IsLocked: false, Index.IsExclusion: false })
                .Select(o => RedundancyReason(index.Index.Definition, o.Index.Definition)).OfType<string>();

    private static string? RedundancyReason(IndexDefinition index, IndexDefinition other) =>
        (IndexCoverage.Of(index, other), IsReadForward: index.Keys[0] == other.Keys[0]) switch
        {
            (Coverage.Same, true) => $"Duplicate of {other.Name}.",
            (Coverage.Same, false) => $"{other.Name}, read backwards, is the same.",
            (Coverage.Prefix, true) => $"Its keys are the first keys of {other.Name}.",
            (Coverage.Prefix, false) => $"Its keys are the first keys of {other.Name}, read backwards.",
            _ => null,
        };

    private static IEnumerable<DropBlocker> OwnBlockers(IndexUsage index, IEnumerable<ForeignKey> referenced)
    {
        if (index.Index.IsPrimary)
        {
            yield return new(DropBlockerCode.PrimaryKey, "It is the primary key.");
        }
        else if (index.Index.Definition.IsUnique)
        {
            yield return new(DropBlockerCode.Unique, "It enforces uniqueness.");
        }

        if (index.Index.IsExclusion)
        {
            yield return new(DropBlockerCode.Exclusion, "It enforces an exclusion constraint.");
        }

        foreach (var key in referenced)
        {
            yield return new(DropBlockerCode.ReferencedByForeignKey, $"Foreign key {key.Name} refers to it.");
        }

        if (index.Index.IsReplicaIdentity)
        {
            yield return new(DropBlockerCode.ReplicaIdentity, "It is the replica identity of its table.");
        }

        if (index.Index.IsClustered)
        {
            yield return new(DropBlockerCode.Clustered, "Its table is clustered by it.");
        }

        if (index.Index.ParentIndex is not null)
        {
            yield return new(
                DropBlockerCode.Attached, $"It is attached to {index.Index.ParentIndex}, the index of a partitioned table.");
        }

        if (index.Extension is not null)
        {
            yield return new(DropBlockerCode.Extension, $"Its table belongs to extension {index.Extension}.");
        }

        if (index.IsBeingBuilt)
        {
            yield return new(DropBlockerCode.BeingBuilt, "It is being built.");
        }
        else if (!index.IsUsable)
        {
            yield return new(
                DropBlockerCode.Invalid,
                "It is invalid: the planner does not use it, and a build that failed or still runs may own it.");
        }

        if (index.IsLocked)
        {
            yield return new(
                DropBlockerCode.Locked, "Its table is locked exclusively at this moment: not everything about it could be read.");
        }
    }

    private static IEnumerable<DropBlocker> StatisticsBlockers(StatisticsState state)
    {
        if (!state.IsTracking)
        {
            yield return new(DropBlockerCode.NotTracked, "track_counts is off: scans are not counted.");
        }

        if (state.IsStandby)
        {
            yield return new(DropBlockerCode.IsStandby, "This server is a standby: what the primary scans is not counted here.");
        }

        if (state.UnaskedStandbyCount > 0)
        {
            yield return new(
                DropBlockerCode.StandbyNotAsked,
                $"Unknown: {state.UnaskedStandbyCount} standby server(s) count their own scans and were not asked "
                + $"(-Replica).");
        }
    }

    // Without an index, each DELETE or key UPDATE of the referenced table reads the whole referring one.
    private static IEnumerable<DropBlocker> ForeignKeyBlockers(
        IndexUsage index, IEnumerable<ForeignKey> keys, IReadOnlyCollection<IndexUsage> remaining) => keys
        .Where(k => index.Index.Definition.Keys is [{ Column: { } first }, ..] && k.Columns.Contains(first)
            && !remaining.Any(o => o.Index.Oid != index.Index.Oid && o.IsUsable
                && IndexCoverage.Serves(o.Index.Definition, k.Table, k.Columns)))
        .Select(k => new DropBlocker(DropBlockerCode.ServesForeignKey, $"No other index serves foreign key {k.Name}."));

    // The planner does not use the statistics of a partial index, because they do not describe the whole table (selfuncs.c,
    // examine_variable). Before ANALYZE there are none.
    private static IEnumerable<string> LostExpressionsOf(IndexUsage index, IReadOnlyCollection<IndexUsage> remaining) =>
        index is { Index.Definition.Where: null, TableRows: not null }
            ? index.Expressions.Except(index.StatisticsExpressions)
                .Where(e =>
                    !remaining.Any(
                        o => o.Index.Oid != index.Index.Oid && o is { IsUsable: true, Index.Definition.Where: null }
                            && o.Expressions.Contains(e)))
            : [];
}
