namespace PerfMonitoring.Indexes;

/// <summary>Whether an index earns its keep: what speaks for dropping it, what forbids that, and what was not asked.</summary>
/// <param name="Reasons">What speaks for dropping it, as sentences.</param>
/// <param name="Blockers">What forbids it, as sentences; what is not known forbids, too.</param>
/// <param name="Notes">What a person should know before dropping it, as sentences.</param>
public sealed record DropVerdict(IReadOnlyList<string> Reasons, IReadOnlyList<string> Blockers, IReadOnlyList<string> Notes)
{
    /// <summary>Statistics younger than this say nothing about an index: weekly work may not have run yet.</summary>
    public static readonly TimeSpan MinimumAge = TimeSpan.FromDays(7);

    /// <summary>
    /// The window that an index must not have been scanned in, unless another is asked for: a month's last day and a week.
    /// </summary>
    public static readonly TimeSpan DefaultWindow = TimeSpan.FromDays(35);

    /// <summary>
    /// The expressions of which the planner may use the statistics that come with this index, and that nothing else has. Only
    /// told of an index that may be unused: where it is redundant the other one has them.
    /// </summary>
    public IReadOnlyList<string> LostExpressions { get; init; } = [];

    /// <summary>Whether something speaks for dropping it and nothing against.</summary>
    public bool IsRecommended => Reasons.Count > 0 && Blockers.Count == 0;

    /// <summary>
    /// Judges all indexes of a database together, so that following every recommendation at once is safe too: an index is never
    /// called redundant because of one that is itself recommended for drop, and a foreign key keeps at least one index.
    /// </summary>
    /// <param name="indexes">All indexes of the tables in question.</param>
    /// <param name="foreignKeys">The foreign keys of those tables.</param>
    /// <param name="state">How far the statistics can be trusted.</param>
    /// <param name="window"> How long an index must not have been scanned to count as unused. Where the counters and what was
    /// stored of them do not reach back so far and know of no scan, <see cref="MinimumAge"/> has to do, and a note says so.
    /// </param>
    /// <returns>A verdict by <see cref="IndexFacts.IndexOid"/>.</returns>
    public static IReadOnlyDictionary<uint, DropVerdict> Judge(
        IReadOnlyCollection<IndexFacts> indexes, IReadOnlyCollection<ForeignKey> foreignKeys, StatisticsState state,
        TimeSpan window)
    {
        ArgumentNullException.ThrowIfNull(indexes);
        ArgumentNullException.ThrowIfNull(foreignKeys);
        ArgumentNullException.ThrowIfNull(state);
        var referring = foreignKeys.ToLookup(k => k.TableOid);
        var referenced = foreignKeys.ToLookup(k => k.ReferencedIndexOid);
        var untrusted = StatisticsBlockers(state).ToList();
        var unused = indexes.Select(i => (i.IndexOid, Finding: UnusedFinding.Of(i, state, window)))
            .Where(u => u.Finding is not null)
            .ToDictionary(u => u.IndexOid, u => u.Finding!);
        var verdicts = new Dictionary<uint, DropVerdict>(indexes.Count);
        foreach (var table in indexes.GroupBy(i => i.TableOid))
        {
            var remaining = table.ToList();
            var open = new List<IndexFacts>();
            foreach (var index in remaining)
            {
                var blockers = OwnBlockers(index, referenced[index.IndexOid]).ToList();
                verdicts[index.IndexOid] = new DropVerdict([], blockers, []);
                if (blockers.Count == 0)
                {
                    open.Add(index);
                }
            }

            void Decide(IndexFacts index, IReadOnlyList<string> blockers, IEnumerable<string> reasons)
            {
                var now = verdicts[index.IndexOid];
                verdicts[index.IndexOid] = now with { Reasons = [.. reasons], Blockers = [.. now.Blockers, .. blockers] };
                if (verdicts[index.IndexOid].IsRecommended)
                {
                    remaining.Remove(index);
                }
            }

            // The unused go first, the largest first, so that of several that serve a foreign key the smallest stays.
            foreach (var index in open.Where(i => unused.ContainsKey(i.IndexOid)).OrderByDescending(i => i.SizeBytes ?? 0)
                .ThenByDescending(i => i.IndexOid))
            {
                var finding = unused[index.IndexOid];
                var lost = LostExpressionsOf(index, remaining).ToList();
                verdicts[index.IndexOid] = verdicts[index.IndexOid] with { Notes = finding.Notes, LostExpressions = lost };
                Decide(
                    index,
                    [
                        .. untrusted, .. finding.Blockers, .. ForeignKeyBlockers(index, referring[table.Key], remaining),
                        .. lost.Select(e => $"The planner may use the statistics of its expression {e}, which nothing else has."),
                    ],
                    finding.Reasons);
            }

            // Then the redundant, the narrowest and youngest first, each against what stays.
            foreach (var index in open.Where(remaining.Contains).OrderBy(i => i.Keys.Count).ThenBy(i => i.IncludeColumns.Count)
                .ThenByDescending(i => i.IndexOid))
            {
                var reasons = RedundancyReasons(index, remaining).ToList();
                if (reasons.Count > 0)
                {
                    // It is judged anew: being redundant needs no statistics of one's own.
                    verdicts[index.IndexOid] = verdicts[index.IndexOid] with { Blockers = [], Notes = [], LostExpressions = [] };
                    Decide(index, [.. ForeignKeyBlockers(index, referring[table.Key], remaining)],
                        reasons.Concat(CertainReasonsOfUnused(index)));
                }
            }

            // What must stay still shows what would speak for dropping it.
            foreach (var index in table.Except(open))
            {
                Decide(index, [], ReasonsOfUnused(index).Concat(RedundancyReasons(index, remaining)));
            }
        }

        return verdicts;

        // Where it goes for another reason, what is not certain is none.
        IReadOnlyList<string> CertainReasonsOfUnused(IndexFacts index) =>
            untrusted.Count == 0 && unused.TryGetValue(index.IndexOid, out var finding) && finding.Blockers.Count == 0
                ? finding.Reasons : [];

        IReadOnlyList<string> ReasonsOfUnused(IndexFacts index) =>
            unused.TryGetValue(index.IndexOid, out var finding) ? finding.Reasons : [];
    }

    private static IEnumerable<string> RedundancyReasons(IndexFacts index, IEnumerable<IndexFacts> others)
    {
        foreach (var other in others.Where(o => o.IndexOid != index.IndexOid && o.IsValid))
        {
            switch (Compare(index, other))
            {
                case Redundancy.Duplicate:
                    yield return $"Duplicate of {other.IndexName}.";
                    break;
                case Redundancy.Covered:
                    yield return $"Its keys are the first keys of {other.IndexName}.";
                    break;
            }
        }
    }

    private static Redundancy Compare(IndexFacts index, IndexFacts other)
    {
        if (index.IsUnique || index.IsExclusion || other.IsExclusion
            || index.Method != other.Method || index.Predicate != other.Predicate
            || (index.Method != "btree" && index.StorageParameters != other.StorageParameters))
        {
            return Redundancy.None;
        }

        if (index.Keys.SequenceEqual(other.Keys))
        {
            return index.IncludeColumns.All(other.IncludeColumns.Contains) ? Redundancy.Duplicate : Redundancy.None;
        }

        // Only a B-tree serves its first keys as well as an index on just those would.
        return index.Method == "btree" && index.Keys.Count < other.Keys.Count
            && index.Keys.SequenceEqual(other.Keys.Take(index.Keys.Count))
            && index.IncludeColumns.All(c => other.IncludeColumns.Contains(c) || other.KeyColumns.Contains(c))
                ? Redundancy.Covered
                : Redundancy.None;
    }

    private static IEnumerable<string> OwnBlockers(IndexFacts index, IEnumerable<ForeignKey> referenced)
    {
        if (index.IsPrimaryKey)
        {
            yield return "It is the primary key.";
        }
        else if (index.IsUnique)
        {
            yield return "It enforces uniqueness.";
        }

        if (index.IsExclusion)
        {
            yield return "It enforces an exclusion constraint.";
        }

        foreach (var key in referenced)
        {
            yield return $"Foreign key {key.Name} refers to it.";
        }

        if (index.IsReplicaIdentity)
        {
            yield return "It is the replica identity of its table.";
        }

        if (index.IsClustered)
        {
            yield return "Its table is clustered by it.";
        }

        if (index.ParentIndex is not null)
        {
            yield return $"It is attached to {index.ParentIndex}, the index of a partitioned table.";
        }

        if (index.Extension is not null)
        {
            yield return $"Its table belongs to extension {index.Extension}.";
        }

        if (index.IsBeingBuilt)
        {
            yield return "It is being built.";
        }
        else if (!index.IsValid)
        {
            yield return "It is invalid: the planner does not use it, and a build that failed or still runs may own it.";
        }

        if (index.IsLocked)
        {
            yield return "Its table is locked exclusively at this moment: not everything about it could be read.";
        }
    }

    private static IEnumerable<string> StatisticsBlockers(StatisticsState state)
    {
        if (!state.IsTracking)
        {
            yield return "track_counts is off: scans are not counted.";
        }

        if (state.IsStandby)
        {
            yield return "This server is a standby: what the primary scans is not counted here.";
        }

        if (state.UnaskedStandbyCount > 0)
        {
            yield return $"Unknown: {state.UnaskedStandbyCount} standby server(s) count their own scans and were not asked "
                + $"(-Replica).";
        }
    }

    // Without an index, each DELETE or key UPDATE of the referenced table reads the whole referring one.
    private static IEnumerable<string> ForeignKeyBlockers(
        IndexFacts index, IEnumerable<ForeignKey> keys, IReadOnlyCollection<IndexFacts> remaining) => keys
        .Where(k => index.KeyColumns.Count > 0 && k.Columns.Contains(index.KeyColumns[0])
            && !remaining.Any(o => o.IndexOid != index.IndexOid && Supports(o, k)))
        .Select(k => $"No other index serves foreign key {k.Name}.");

    private static bool Supports(IndexFacts index, ForeignKey key) =>
        index is { IsValid: true, Predicate: null } && index.Method is "btree" or "hash"
        && index.KeyColumns.Count >= key.Columns.Count
        && index.KeyColumns.Take(key.Columns.Count).ToHashSet().SetEquals(key.Columns);

    // Of a partial index the planner does not use the statistics, since they are not those of the whole table (selfuncs.c,
    // examine_variable). Before ANALYZE there are none.
    private static IEnumerable<string> LostExpressionsOf(IndexFacts index, IReadOnlyCollection<IndexFacts> remaining) =>
        index is { Predicate: null, TableRows: not null }
            ? index.Expressions.Except(index.StatisticsExpressions)
                .Where(e =>
                    !remaining.Any(
                    o => o.IndexOid != index.IndexOid && o is { IsValid: true, Predicate: null } && o.Expressions.Contains(e)))
            : [];

    private enum Redundancy
    {
        None,
        Duplicate,
        Covered,
    }
}
