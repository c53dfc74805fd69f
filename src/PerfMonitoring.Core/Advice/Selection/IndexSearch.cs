using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>The selected configuration and its plans.</summary>
/// <param name="Chosen">The indexes, in the order of their selection.</param>
/// <param name="After">The plan of each statement with all of them, from the planner.</param>
internal sealed record SelectedSet(IReadOnlyList<Candidate> Chosen, IReadOnlyList<Configuration> After);

/// <summary>
/// Searches for the best configuration. It explores each statement alone, then with the indexes that other statements use. It
/// selects in memory, asks the planner whether the selection gives the promised costs, and selects again with the new plans.
/// </summary>
/// <param name="sessions">The planner.</param>
/// <param name="statements">The statements.</param>
/// <param name="costs">Their cost tables; those of items without a plan come last.</param>
/// <param name="pool">The candidates.</param>
/// <param name="tables">The tables that may get indexes.</param>
/// <param name="find">Finds the table of a name in plans.</param>
/// <param name="options">Budget and limits.</param>
/// <param name="progress">Receives progress; may be null.</param>
internal sealed class IndexSearch(
    IReadOnlyList<IWhatIf> sessions, IReadOnlyList<PlannedStatement> statements, IReadOnlyList<CostTable> costs,
    CandidatePool pool,
    IReadOnlyDictionary<RelationName, TableInfo> tables, Func<string, TableInfo?> find, AdvisorOptions options,
    IProgress<AdvisorProgress>? progress)
{
    private readonly PlanExplorer explorer = new(statements, costs, pool.All, find);
    private readonly HashSet<(int Statement, int Id, int Other)> denied = [];
    private readonly List<IReadOnlyList<int>> confirmed = [];
    private Dictionary<int, int[]> covers = [];

    /// <summary>Number of planner calls.</summary>
    public int Calls => explorer.Calls;

    /// <summary>The sizes in bytes that the planner assumed, by id: for a real index, its size on disk.</summary>
    public IReadOnlyDictionary<int, long> Sizes => explorer.Sizes;

    /// <summary>Candidates that the server refuses, with the server's reason, by id.</summary>
    public IReadOnlyDictionary<int, string> Refused => explorer.Refused;

    /// <summary>Statements that the planner refused during the search; no index is chosen for them.</summary>
    public IReadOnlyCollection<SkippedStatement> Skipped => explorer.Skipped;

    /// <summary>Whether the search ended early.</summary>
    public bool IsCutShort { get; private set; }

    /// <summary>Finds the configuration.</summary>
    /// <param name="own">The candidates of each statement.</param>
    /// <param name="enough">Ends the search once the planner has confirmed a configuration: the result is the best one so
    /// far.</param>
    /// <param name="cancellationToken">Ends the search immediately, with the best configuration so far, which may be
    /// unconfirmed.</param>
    public async Task<SelectedSet> FindAsync(
        IReadOnlyList<IReadOnlyList<Candidate>> own, CancellationToken enough, CancellationToken cancellationToken)
    {
        try
        {
            await FindBestAsync(own, enough, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            IsCutShort = true;
        }

        return confirmed.Count > 0 && NewSelection() is var selection
            ? Describe(selection.WithoutCrumbs(Best(selection))) : Promised();
    }

    /// <summary>Explains the selection.</summary>
    public SelectionReview Review() => new(costs, pool.All, Substitutes);

    private async Task FindBestAsync(
        IReadOnlyList<IReadOnlyList<Candidate>> own, CancellationToken enough, CancellationToken cancellationToken)
    {
        // With few statements there is time for more planner calls. Calls about indexes of other statements are more useful than
        // calls about the statement's candidates.
        await ExploreAsync(s => Fitting(own[s]), 2 + (58 / Math.Max(10, statements.Count)), true);
        var shared = ByTable(UsedIds());
        await ExploreAsync(
            s => [.. Relevant(s, shared).Take(Tuning.Selection.MaximumShared)], 2 + (256 / Math.Max(10, statements.Count)),
            false);
        var used = UsedIds();
        var firstMerged = pool.All.Count;
        await MergeAsync(used);
        covers = Covers(used, firstMerged);
        var thorough = false;
        // A round asks about every statement, so with many statements it must promise more.
        var worth = Math.Min(Tuning.Selection.MostWorth, Tuning.Selection.WorthPerStatement * statements.Count);
        for (var round = 0; round < Tuning.Selection.MaximumConfirmations; round++)
        {
            if (confirmed.Count > 0 && (IsCutShort |= enough.IsCancellationRequested))
            {
                break;
            }

            progress?.Report(new AdvisorProgress("Choosing indexes", 100 * round / Tuning.Selection.MaximumConfirmations, Calls));
            var selection = NewSelection();
            var best = Best(selection);
            var set = selection.Select(best, thorough, enough);
            if (confirmed.Count > 0 && selection.ScoreOf(set) > selection.ScoreOf(best, After(best)) * (1 - worth))
            {
                if (thorough)
                {
                    break;
                }

                thorough = true;
                continue;
            }

            var learnt = await VerifyAsync(selection, set, cancellationToken);
            confirmed.Add([.. set.Where(id => !Refused.ContainsKey(id))]);
            if (!learnt && thorough)
            {
                break;
            }

            thorough |= !learnt;
        }

        Task ExploreAsync(Func<int, List<int>> among, int most, bool isFirst)
        {
            var done = 0;
            return SideBySide.ForEachAsync(sessions, Positions(), async (session, s) =>
            {
                if (!(IsCutShort |= enough.IsCancellationRequested))
                {
                    progress?.Report(
                        new AdvisorProgress(
                            "Exploring statements", 100 * Interlocked.Increment(ref done) / statements.Count, Calls));
                    await explorer.ExploreAsync(session, s, among(s), most, isFirst, cancellationToken);
                }
            });
        }
    }

    // The promise of the cost tables so far, without another planner call.
    private SelectedSet Promised()
    {
        covers = [];
        return Describe([.. NewSelection().Select([], false, CancellationToken.None).Where(id => !Refused.ContainsKey(id))]);
    }

    /// <summary>A selection from what the tables say by now.</summary>
    internal IndexSelection NewSelection() => new(costs, pool.All, options, Substitutes);

    // The best confirmed configuration, by all plans known now.
    private IReadOnlyList<int> Best(IndexSelection selection) => confirmed.MinBy(set => selection.ScoreOf(set, After(set))) ?? [];

    private SelectedSet Describe(IReadOnlyList<int> set) => new([.. set.Select(id => pool.All[id])], After(set));

    // The plans with a configuration: from the planner, or those that follow.
    private List<Configuration> After(IReadOnlyList<int> set)
    {
        var has = set.ToHashSet();
        var byTable = ByTable(set);
        return [.. costs.Select((t, s) =>
        {
            var known = t.Compose().First(c => c.Used.All(has.Contains));
            return s < statements.Count && t.Find(Relevant(s, byTable)) is { } answer && answer.Cost <= known.Cost
                ? answer : known;
        })];
    }

    // Asks the planner about each statement that the configuration affects. Returns whether a plan is new and differs from the
    // promise.
    private async Task<bool> VerifyAsync(IndexSelection selection, IReadOnlyList<int> set, CancellationToken cancellationToken)
    {
        var learnt = 0;
        var known = (Calls, denied.Count);
        var byTable = ByTable(set);
        var wrong = new System.Collections.Concurrent.ConcurrentBag<int>();
        await SideBySide.ForEachAsync(sessions, Positions(), async (session, s) =>
        {
            var promised = selection.CostOf(s, set);
            var relevant = Relevant(s, byTable);
            var answer = await explorer.AskAsync(session, s, relevant, cancellationToken);
            await explorer.DoubtAsync(session, s, relevant, answer, cancellationToken);
            if (answer.Total > promised * (1 + Tuning.Costs.Noise))
            {
                wrong.Add(s);
            }

            if (Math.Abs(answer.Total - promised) > promised * Tuning.Costs.Noise)
            {
                Interlocked.Increment(ref learnt);
            }
        });
        foreach (var s in wrong)
        {
            foreach (var (id, other) in selection.SubstitutesUsed(s, set))
            {
                denied.Add((s, id, other));
            }
        }

        return learnt > 0 && known != (Calls, denied.Count);
    }

    private IEnumerable<int> Positions() => Enumerable.Range(0, statements.Count);

    private List<int> Fitting(IEnumerable<Candidate> candidates) =>
        [.. candidates.Where(c => !(c.SizeBytes > options.StorageBudget)).Select(c => c.Id)];

    // The candidates that plans use, the largest weight first.
    private List<int> UsedIds()
    {
        var gains = new Dictionary<int, double>();
        foreach (var table in costs)
        {
            foreach (var configuration in table.Configurations)
            {
                foreach (var id in configuration.Used)
                {
                    gains[id] = gains.GetValueOrDefault(id) + (table.Weight * (table.Bare.Cost - configuration.Cost));
                }
            }
        }

        return [.. gains.OrderByDescending(g => g.Value).ThenBy(g => g.Key).Select(g => g.Key)];
    }

    private async Task MergeAsync(IReadOnlyList<int> used)
    {
        foreach (var group in used.Select(id => pool.All[id]).GroupBy(c => c.Definition.Table))
        {
            var mine = group.Take(2 * Tuning.Selection.MaximumShared).ToList();
            for (var i = 0; i < mine.Count; i++)
            {
                for (var j = i + 1; j < mine.Count; j++)
                {
                    if (CandidatePool.Merge(mine[i].Definition, mine[j].Definition) is { } merged)
                    {
                        await pool.GetAsync(merged, tables[merged.Table], mine[i].Pattern);
                    }
                }
            }
        }
    }

    // For each used candidate, those that can do its work: merged ones, which no plan has used so far, and those that plans use
    // most.
    private Dictionary<int, int[]> Covers(IReadOnlyList<int> used, int firstMerged)
    {
        var rank = used.Select((id, i) => (id, i)).ToDictionary(u => u.id, u => u.i);
        var alike = pool.All.Where(c => !Refused.ContainsKey(c.Id) && !(c.SizeBytes > options.StorageBudget))
            .OrderBy(c => rank.GetValueOrDefault(c.Id, c.Id >= firstMerged ? -1 : int.MaxValue)).ThenBy(c => c.SizeBytes)
                .ThenBy(c => c.Id)
            .ToLookup(c => c.First);
        return used.ToDictionary(id => id, id =>
        {
            var narrow = pool.All[id];
            return alike[narrow.First]
                .Where(c => c.Id != id && IndexCoverage.Covers(c.Definition, narrow.Definition))
                    .Take(Tuning.Selection.MaximumCovers)
                    .Select(c => c.Id).ToArray();
        });
    }

    private int[] Substitutes(int statement, int id) =>
        !covers.TryGetValue(id, out var others) ? []
        : denied.Count == 0 ? others
        : [.. others.Where(other => !denied.Contains((statement, id, other)))];

    private Dictionary<RelationName, List<int>> ByTable(IEnumerable<int> ids) =>
        ids.GroupBy(id => pool.All[id].Definition.Table).ToDictionary(g => g.Key, g => g.ToList());

    // The members of a configuration that a statement could use.
    private List<int> Relevant(int statement, Dictionary<RelationName, List<int>> set) =>
    [
        .. statements[statement].Use.Relations.Select(r => r.Table).Distinct()
            .SelectMany(table => set.GetValueOrDefault(table) ?? [])
            .Where(id => !Refused.ContainsKey(id) && statements[statement].CanUse(pool.All[id].Definition)),
    ];
}
