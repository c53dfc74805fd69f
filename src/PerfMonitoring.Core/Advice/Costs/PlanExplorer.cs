using System.Collections.Concurrent;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// Fills the cost tables with few planner calls. The planner gets all indexes at once and chooses the best ones. Then these are
/// withheld, and the planner chooses the next best ones, until there is no further gain.
/// </summary>
/// <param name="statements">The statements.</param>
/// <param name="tables">Their cost tables.</param>
/// <param name="candidates">All candidates; the id of a candidate is its position.</param>
/// <param name="find">Finds the table of a name in plans.</param>
internal sealed class PlanExplorer(
    IReadOnlyList<PlannedStatement> statements, IReadOnlyList<CostTable> tables, IReadOnlyList<Candidate> candidates,
    Func<string, TableInfo?> find)
{
    private readonly ConcurrentDictionary<int, string> refused = [];
    private readonly ConcurrentDictionary<int, long> sizes = [];
    private readonly ConcurrentDictionary<int, SkippedStatement> skipped = [];
    private int calls;

    /// <summary>Number of planner calls so far.</summary>
    public int Calls => calls;

    /// <summary>The sizes in bytes that the planner assumed, by id: for a real index, its size on disk.</summary>
    public IReadOnlyDictionary<int, long> Sizes => sizes;

    /// <summary>Candidates that the server refuses, with the server's reason, by id.</summary>
    public IReadOnlyDictionary<int, string> Refused => refused;

    /// <summary>
    /// Statements that the planner refused although it had planned them before: their tables have no plan but the one without new
    /// indexes.
    /// </summary>
    public IReadOnlyCollection<SkippedStatement> Skipped => [.. skipped.OrderBy(s => s.Key).Select(s => s.Value)];

    /// <summary>
    /// The best plan of a statement with these indexes; asks the planner where the plan does not follow from known ones.
    /// </summary>
    public async Task<Configuration> AskAsync(
        IWhatIf session, int statement, IReadOnlyCollection<int> set, CancellationToken cancellationToken)
    {
        var asked = set.Where(id => !refused.ContainsKey(id)).ToHashSet();
        if (skipped.ContainsKey(statement))
        {
            return tables[statement].Bare;
        }

        if (tables[statement].Find(asked) is { } known)
        {
            return known;
        }

        Interlocked.Increment(ref calls);
        WhatIfPlan answer;
        try
        {
            answer = await session.ExplainAsync(
                new WhatIfRequest(
                    statements[statement].Text,
                    [.. asked.Order().Select(id => candidates[id]).Where(c => session.IsReal || c.CanBeHypothetical)]),
                cancellationToken);
        }
        catch (PerfMonitoringException e) when (SkippedStatement.IsCausedBy(e))
        {
            skipped[statement] = SkippedStatement.Of(statements[statement].Statement, e);
            tables[statement].Forget();
            return tables[statement].Bare;
        }

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
    /// Explores doubtful indexes: the best plan with the set leaves them aside, and the planner assumes that they are much larger
    /// than they will be. Asks about them without the others, until the planner uses none. The planner may prefer a real index,
    /// so the cost of the statement with it must be known.
    /// </summary>
    public async Task DoubtAsync(
        IWhatIf session, int statement, IReadOnlyCollection<int> set, Configuration answer, CancellationToken cancellationToken)
    {
        if (statements[statement].Use.Relations.Count < 2)
        {
            return;
        }

        var doubtful = set.Where(id => sizes.GetValueOrDefault(id) > Tuning.Costs.Misjudged * candidates[id].SizeBytes)
            .ToHashSet();
        do
        {
            doubtful.ExceptWith(answer.Used);
            answer = await AskAsync(session, statement, [.. doubtful], cancellationToken);
        }
        while (answer.Used.Count > 0);
    }

    /// <summary>Explores the plans of one statement with the given candidates.</summary>
    /// <param name="session">The planner.</param>
    /// <param name="statement">Position of the statement.</param>
    /// <param name="among">The candidates, by id.</param>
    /// <param name="limit">The most planner calls.</param>
    /// <param name="isFirst">Whether nothing is known of the statement before.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task ExploreAsync(
        IWhatIf session, int statement, IReadOnlyCollection<int> among, int limit, bool isFirst,
        CancellationToken cancellationToken)
    {
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
            // A plan that costs more by the planner's estimate may be the safe one, regardless of the size of its indexes. Joins
            // have many such plans anyway.
            var (allowed, answer) = root;
            while (answer?.Used.Count > 0 && answer.Risk > table.Bare.Cost * Tuning.Costs.Risky)
            {
                allowed = [.. allowed.Except(answer.Used)];
                answer = await TryAsync(allowed);
            }
        }

        if (isFirst && root.Answer?.Used.Count > limit / 2)
        {
            // In a long join, replacing the widest indexes until only lean ones remain would need too many planner calls.
            await TryAsync(
                [.. among.Select(id => candidates[id]).GroupBy(c => (c.Definition.Table, c.Definition.Keys[0]))
                .Select(g => g.MinBy(c => c.SizeBytes)!.Id)]);
        }

        var asked = 0;
        while (open.TryDequeue(out var next, out _))
        {
            foreach (var used in next.Answer.Used.OrderByDescending(id => candidates[id].SizeBytes))
            {
                if (++asked > limit)
                {
                    return;
                }

                // An index on the same table that is not smaller could only be worse.
                var withheld = candidates[used];
                await TryAsync([.. next.Allowed.Where(id => candidates[id] is var c
                    && (c.Definition.Table != withheld.Definition.Table
                        || c.SizeBytes < withheld.SizeBytes * Tuning.Costs.Smaller))]);
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
            if (answer.Used.Count > 0 && answer.Cost < table.Bare.Cost * (1 - Tuning.Costs.Noise) && !wasKnown)
            {
                open.Enqueue((allowed, answer), answer.Cost);
            }

            return answer;
        }
    }

    private Configuration Read(int statement, WhatIfPlan answer, bool isReal) => Configuration.Of(
        answer.Plan,
        name => answer.Candidates.TryGetValue(name, out var id) ? (candidates[id], answer.Sizes[id]) : null,
        find,
        isReal,
        statements[statement].RowsPerCall);
}
