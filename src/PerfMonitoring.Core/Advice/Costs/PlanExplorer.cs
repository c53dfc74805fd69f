using System.Collections.Concurrent;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// Fills the cost tables by few questions: the planner gets all indexes at once and takes the best; then what it took is
/// withheld, and it shows the next best, until nothing is gained any more.
/// </summary>
/// <param name="statements">The statements.</param>
/// <param name="tables">Their cost tables.</param>
/// <param name="candidates">All candidates; a candidate's id is its place plus one.</param>
/// <param name="find">The table of a name as plans write it.</param>
public sealed class PlanExplorer(
    IReadOnlyList<PlannedStatement> statements, IReadOnlyList<CostTable> tables, IReadOnlyList<Candidate> candidates,
    Func<string, TableInfo?> find)
{
    /// <summary>Costs differ by less without any reason (the planner compares them fuzzily by 1 %).</summary>
    public const double Noise = 0.001;

    // A smaller index that saves less than this share of the bytes is no other choice.
    private const double Smaller = 0.95;

    // Of today's cost: what a plan may cost beyond its own before others are asked about for that.
    private const double Risky = 0.1;

    // How many times larger than on disk the planner takes an index to be, before its answer about it is not taken for sure.
    private const double Misjudged = 1.5;

    private readonly ConcurrentDictionary<int, string> refused = [];
    private readonly ConcurrentDictionary<int, long> sizes = [];
    private int calls;

    /// <summary>How often the planner was asked so far.</summary>
    public int Calls => calls;

    /// <summary>
    /// The sizes in bytes that the planner took them to have, by id: those on disk of indexes that were really built.
    /// </summary>
    public IReadOnlyDictionary<int, long> Sizes => sizes;

    /// <summary>Candidates that the server refuses, with its reason, by id.</summary>
    public IReadOnlyDictionary<int, string> Refused => refused;

    /// <summary>The best plan of a statement with these indexes, asked for where it does not follow from what is known.</summary>
    public async Task<Configuration> AskAsync(
        IWhatIf session, int statement, IReadOnlyCollection<int> set, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(session);
        var asked = set.Where(id => !refused.ContainsKey(id)).ToHashSet();
        if (tables[statement].Find(asked) is { } known)
        {
            return known;
        }

        Interlocked.Increment(ref calls);
        var answer = await session.ExplainAsync(
            new WhatIfRequest(
                statements[statement].Text,
                [.. asked.Order().Select(id => candidates[id - 1]).Where(c => session.IsReal || c.CanBeHypothetical)]),
            cancellationToken);
        foreach (var (id, reason) in answer.Refused)
        {
            refused.TryAdd(id, reason);
            asked.Remove(id);
        }

        foreach (var (id, bytes) in answer.Sizes)
        {
            sizes[id] = bytes;
        }

        return tables[statement].Add(asked, Read(statement, answer, session.IsReal));
    }

    /// <summary>
    /// Asks about those indexes, without the others, that the best plan with these leaves aside, and that the planner takes for
    /// much larger than they will be, until it takes none of them: built, one may be preferred, and what the statement may come
    /// to then must be known.
    /// </summary>
    public async Task DoubtAsync(
        IWhatIf session, int statement, IReadOnlyCollection<int> set, Configuration answer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(answer);
        if (statements[statement].Use.Relations.Count < 2)
        {
            return;
        }

        var doubtful = set.Where(id => sizes.GetValueOrDefault(id) > Misjudged * candidates[id - 1].SizeBytes).ToHashSet();
        do
        {
            doubtful.ExceptWith(answer.Used);
            answer = await AskAsync(session, statement, [.. doubtful], cancellationToken);
        }
        while (answer.Used.Count > 0);
    }

    /// <summary>Explores one statement among the given candidates.</summary>
    /// <param name="session">The planner.</param>
    /// <param name="statement">Its place.</param>
    /// <param name="among">The candidates, by id.</param>
    /// <param name="limit">The most questions.</param>
    /// <param name="isFirst">Whether nothing is known of the statement yet.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task ExploreAsync(
        IWhatIf session, int statement, IReadOnlyCollection<int> among, int limit, bool isFirst,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(among);
        var table = tables[statement];
        var open = new PriorityQueue<(HashSet<int> Allowed, Configuration Answer), double>();
        await TryAsync([.. among]);
        if (open.TryPeek(out var root, out _) && root.Answer.Used.Count > 1)
        {
            foreach (var used in root.Answer.Used)
            {
                await AskAsync(session, statement, [used], cancellationToken);
            }
        }

        if (statements[statement].Use.Relations.Count == 1)
        {
            // A plan that is dearer as far as the planner knows may be the safe one, whatever the size of its indexes. Joins have
            // many plans that are, anyway.
            var (allowed, answer) = root;
            while (answer?.Used.Count > 0 && answer.Risk > table.Bare.Cost * Risky)
            {
                allowed = [.. allowed.Except(answer.Used)];
                answer = await TryAsync(allowed);
            }
        }

        if (isFirst && root.Answer?.Used.Count > limit / 2)
        {
            // In a long join it would take more questions than there are to take the widest indexes apart until only lean ones
            // are left.
            await TryAsync(
                [.. among.Select(id => candidates[id - 1]).GroupBy(c => (c.Definition.Table, c.Definition.Keys[0]))
                .Select(g => g.MinBy(c => c.SizeBytes)!.Id)]);
        }

        var asked = 0;
        while (open.TryDequeue(out var next, out _))
        {
            foreach (var used in next.Answer.Used.OrderByDescending(id => candidates[id - 1].SizeBytes))
            {
                if (++asked > limit)
                {
                    return;
                }

                // What is on the same table and no smaller could only do worse.
                var withheld = candidates[used - 1];
                await TryAsync([.. next.Allowed.Where(id => candidates[id - 1] is var c
                    && (c.Definition.Table != withheld.Definition.Table || c.SizeBytes < withheld.SizeBytes * Smaller))]);
            }
        }

        async Task<Configuration?> TryAsync(HashSet<int> allowed)
        {
            if (allowed.Count == 0)
            {
                return null;
            }

            var wasKnown = table.Find(allowed) is not null;
            var answer = await AskAsync(session, statement, allowed, cancellationToken);
            if (answer.Used.Count > 0 && answer.Cost < table.Bare.Cost * (1 - Noise) && !wasKnown)
            {
                open.Enqueue((allowed, answer), answer.Cost);
            }

            return answer;
        }
    }

    private Configuration Read(int statement, WhatIfPlan answer, bool isReal) => Configuration.Of(
        answer.Plan,
        name => answer.Candidates.TryGetValue(name, out var id) ? (candidates[id - 1], answer.Sizes[id]) : null,
        find,
        isReal,
        statements[statement].Statement.RowsPerCall);
}
