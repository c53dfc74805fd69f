using System.Globalization;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Advisor;

/// <summary>
/// Asks the planner, as seldom as it can: a statement's cost depends on those indexes only that it can use, and a plan that was best
/// among many indexes is best among fewer of them as long as those that it uses are there.
/// </summary>
/// <param name="whatIf">The session.</param>
/// <param name="statements">The workload.</param>
/// <param name="isRelevant">Whether a statement, by its place, could use an index at all.</param>
public sealed partial class WhatIfCostModel(IWhatIf whatIf, IReadOnlyList<string> statements, Func<int, Candidate, bool> isRelevant) : ICostModel
{
    private readonly Dictionary<int, (Candidate Candidate, uint Handle)> installed = [];
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

        foreach (var (id, (candidate, handle)) in installed.ToList())
        {
            if (!relevant.ContainsKey(id) && isRelevant(statement, candidate))
            {
                await whatIf.DropAsync(handle, cancellationToken);
                installed.Remove(id);
            }
        }

        foreach (var candidate in relevant.Values.Where(c => !installed.ContainsKey(c.Id)).ToList())
        {
            try
            {
                installed[candidate.Id] = (candidate, await whatIf.CreateAsync(candidate.Definition, cancellationToken));
            }
            catch (Model.PerfMonitoringException e) when (e.Kind is not (Model.FailureKind.ConnectionFailed or Model.FailureKind.NotInstalled))
            {
                // An expression that is not immutable, an operator class that does not fit: such an index cannot be.
                refused.Add(candidate.Id);
                relevant.Remove(candidate.Id);
            }
        }

        Calls++;
        var plan = PlanNode.Parse(await whatIf.ExplainAsync(statements[statement], cancellationToken));
        var byHandle = installed.ToDictionary(i => i.Value.Handle, i => i.Key);
        var used = plan.All().Select(n => n.IndexName).OfType<string>().Select(n => Handle().Match(n)).Where(m => m.Success)
            .Select(m => byHandle[uint.Parse(m.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)]).ToHashSet();
        var result = new StatementCost(plan.TotalCost + used.Sum(id => installed[id].Candidate.DescentCost), used);
        // With the descent charged, what there is already may be the better way: the planner will take that then.
        if (costs.Find(c => c.Set.Count == 0) is { Cost: { } bare } && result.Cost >= bare.Cost)
        {
            result = bare;
        }

        costs.Add(([.. relevant.Keys], result));
        return result;
    }

    [GeneratedRegex(@"^<(\d+)>")]
    private static partial Regex Handle();
}
