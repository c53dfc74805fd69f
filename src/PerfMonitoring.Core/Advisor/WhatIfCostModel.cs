namespace PerfMonitoring.Advisor;

/// <summary>
/// Asks the planner, as seldom as it can: a statement's cost depends on those indexes only that it can use, and a plan that was best
/// among many indexes is best among fewer of them as long as those that it uses are there.
/// </summary>
/// <param name="whatIf">The session.</param>
/// <param name="statements">The workload.</param>
/// <param name="isRelevant">Whether a statement, by its place, could use an index at all.</param>
public sealed class WhatIfCostModel(IWhatIf whatIf, IReadOnlyList<string> statements, Func<int, Candidate, bool> isRelevant) : ICostModel
{
    private readonly Dictionary<int, List<(HashSet<int> Set, StatementCost Cost)>> known = [];
    private readonly HashSet<int> refused = [];

    /// <inheritdoc/>
    public int Calls { get; private set; }

    /// <inheritdoc/>
    public async Task<StatementCost> CostAsync(int statement, IReadOnlyCollection<Candidate> indexes, CancellationToken cancellationToken)
    {
        var relevant = indexes.Where(c => !refused.Contains(c.Id) && isRelevant(statement, c)).ToDictionary(c => c.Id);
        if (!known.TryGetValue(statement, out var costs))
        {
            known[statement] = costs = [];
        }

        foreach (var (larger, cost) in costs)
        {
            if (larger.Count >= relevant.Count && cost.Used.All(relevant.ContainsKey) && relevant.Keys.All(larger.Contains))
            {
                return cost;
            }
        }

        Calls++;
        var answer = await whatIf.ExplainAsync(new WhatIfRequest(new PlanText(statements[statement]), relevant.Values), cancellationToken);
        foreach (var id in answer.Refused.Keys)
        {
            refused.Add(id);
            relevant.Remove(id);
        }

        var used = answer.Candidates.Values.ToHashSet();
        var result = new StatementCost(answer.Plan.TotalCost + (whatIf.IsReal ? 0 : used.Sum(id => relevant[id].DescentCost)), used);
        // With the descent charged, what there is already may be the better way: the planner will take that then.
        if (costs.Find(c => c.Set.Count == 0) is { Cost: { } bare } && result.Cost >= bare.Cost)
        {
            result = bare;
        }

        costs.Add(([.. relevant.Keys], result));
        return result;
    }
}
