using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Explains a selection, in memory, from the same cost tables.</summary>
internal sealed class SelectionReview
{
    // No candidate has this id.
    private const int None = -1;

    private readonly IReadOnlyList<CostTable> tables;
    private readonly IReadOnlyList<Candidate> candidates;
    private readonly KnownPlans plans;
    private readonly double before;

    /// <summary>Prepares the review.</summary>
    /// <param name="tables">The cost tables of the statements.</param>
    /// <param name="candidates">The candidates; the id of a candidate is its position.</param>
    /// <param name="canServe">For a statement and a candidate, the candidates that can replace it, by id.</param>
    public SelectionReview(
        IReadOnlyList<CostTable> tables, IReadOnlyList<Candidate> candidates, Func<int, int, IReadOnlyList<int>> canServe)
    {
        this.tables = tables;
        this.candidates = candidates;
        before = tables.Sum(t => t.Weight * t.Bare.Cost);
        plans = new KnownPlans(tables, candidates.Count, canServe);
    }

    /// <summary>
    /// Orders a configuration so that each index adds as much as possible to the ones before it. The gains are shares of the cost
    /// of the complete workload, 0 to 1, before maintenance cost. An index that helps only together with others adds nothing
    /// until they are in the order.
    /// </summary>
    public IReadOnlyList<(int Id, double Gain)> Rank(IReadOnlyCollection<int> set)
    {
        var left = set.Order().ToList();
        var has = new bool[candidates.Count];
        var ranked = new List<(int, double)>();
        while (left.Count > 0)
        {
            var next = left.Select(id => (Id: id, Gain: Gain([id], has))).MaxBy(g => g.Gain);
            if (next.Gain <= 0 && Company(left, has) is { } member)
            {
                next = (member, 0);
            }

            has[next.Id] = true;
            left.Remove(next.Id);
            ranked.Add((next.Id, before > 0 ? next.Gain / before : 0));
        }

        return ranked;
    }

    /// <summary>The verdict on each candidate: the chosen ones by rank, then the others by their gain alone.</summary>
    /// <param name="chosen">The strategies by the ids of the candidates.</param>
    /// <param name="refused">The candidates that the server refuses, with the reason, by id.</param>
    /// <param name="options">Budget and limits.</param>
    public IReadOnlyList<IndexCandidate> Judge(
        IReadOnlyDictionary<int, IndexStrategy> chosen, IReadOnlyDictionary<int, string> refused, AdvisorOptions options)
    {
        var upkeep = new IndexUpkeep(tables, options);
        var has = plans.Membership(chosen.Keys);
        var none = new bool[candidates.Count];
        var free = options.StorageBudget - chosen.Keys.Sum(id => candidates[id].SizeBytes);
        return
        [
            .. candidates.Select(c =>
            {
                var alone = Gain([c.Id], none);
                var strategy = chosen.GetValueOrDefault(c.Id);
                var (verdict, reason) = strategy is not null ? (CandidateVerdict.Chosen, strategy.Reason)
                    : refused.TryGetValue(c.Id, out var why) ? (CandidateVerdict.Refused, $"The server refuses it: {why}")
                    : Judge(c, alone, has, chosen, upkeep, free, options);
                return new IndexCandidate
                {
                    Definition = strategy?.Definition ?? c.Definition,
                    SizeBytes = c.SizeBytes,
                    WriteCost = c.WriteCost,
                    Gain = alone,
                    GainShare = before > 0 ? alone / before : 0,
                    Verdict = verdict,
                    Reason = reason,
                    Strategy = strategy,
                };
            }).OrderBy(c => c.Strategy?.Rank ?? int.MaxValue).ThenByDescending(c => c.Gain),
        ];
    }

    private (CandidateVerdict Verdict, string Reason) Judge(
        Candidate candidate, double alone, bool[] has, IReadOnlyDictionary<int, IndexStrategy> chosen, IndexUpkeep upkeep,
        long? free, AdvisorOptions options)
    {
        if (candidate.SizeBytes > options.StorageBudget)
        {
            return (CandidateVerdict.OverBudget,
                $"It alone is larger than the budget of {ByteSize.InMegabytes(options.StorageBudget.Value)}.");
        }

        if (plans.StatementsOf(candidate.Id).Count == 0)
        {
            return (CandidateVerdict.NotUsed, "No plan that the planner prefers uses it.");
        }

        var added = Gain([candidate.Id], has);
        if (Math.Max(alone, added) <= 0)
        {
            return (CandidateVerdict.TooLittle, "It helps only together with indexes that are not worth it.");
        }

        if (Math.Max(alone, added) <= candidate.WriteCost)
        {
            return (CandidateVerdict.WritesCostMore,
                $"Writes would pay {Units(candidate.WriteCost)} for it, and it saves {Units(Math.Max(alone, added))}.");
        }

        if (upkeep.WhyTooLittle(candidate, Math.Max(alone, added)) is { } tooLittle)
        {
            return (CandidateVerdict.TooLittle, $"It saves {Share(Math.Max(alone, added))} of the workload's cost, {tooLittle}.");
        }

        if (upkeep.WhyTooLittle(candidate, added) is { } why)
        {
            var helpers = Helpers(candidate.Id, has).Select(id => chosen[id]).OrderBy(s => s.Rank).ToList();
            var same = helpers.FindAll(s => s.Definition.Table == candidate.Definition.Table);
            var others = (same.Count > 0 ? same : helpers).ConvertAll(s => s.IndexName);
            return others.Count > 0
                ? (CandidateVerdict.Replaced,
                    $"{string.Join(", ", others)} {(others.Count == 1 ? "does" : "do")} its work: beside the chosen ones it "
                        + $"would save {Share(added)} more.")
                : (CandidateVerdict.TooLittle,
                    $"Beside the chosen ones it would save {Share(added)} of the workload's cost, {why}.");
        }

        if (candidate.SizeBytes > free)
        {
            return (CandidateVerdict.OverBudget,
                $"It would save {Share(added)} more, and does not fit beside the chosen ones: "
                    + $"{ByteSize.InMegabytes(free.Value)} are "
                    + $"left of the budget.");
        }

        if (chosen.Count >= options.MaximumCount)
        {
            return (CandidateVerdict.OverCount, $"It would save {Share(added)} more, and -MaximumCount is reached.");
        }

        var risk = Slowed(candidate.Id, has);
        return risk.Count > 0
            ? (CandidateVerdict.SlowsStatement, string.Create(
                CultureInfo.InvariantCulture,
                $"The planner expects a further gain of {Share(added)}, but {risk.Count} statements might take up to "
                    + $"{100 * risk.Share:0} % longer, since a loop visits pages again and again or a LIMIT is met late."))
            : (CandidateVerdict.NotBetter,
                $"The planner expects a further gain of {Share(added)}, which does not outweigh its risk.");
    }

    // Chosen indexes in the plans of the statements that a candidate would help.
    private IEnumerable<int> Helpers(int id, bool[] has)
    {
        var none = new bool[candidates.Count];
        return plans.StatementsOf(id).Where(s => Change(s, [id], none) > 0)
            .SelectMany(s => Best(s, has).Needs.Select(needs => Array.Find(needs, other => has[other]))).Distinct();
    }

    /// <summary>
    /// Statements whose cost may exceed the planner's estimate by at least a tenth of the present cost, if the server chooses a
    /// plan with this index that costs almost the same.
    /// </summary>
    public IReadOnlyList<int> Risky(int id, IReadOnlyCollection<int> set)
    {
        var has = plans.Membership(set);
        return plans.StatementsOf(id).FindAll(s =>
        {
            has[id] = false;
            var without = plans.Feared(s, Best(s, has).Plan, has);
            has[id] = true;
            return plans.Feared(s, Best(s, has).Plan, has) > Math.Max(without, tables[s].Bare.Total) + (tables[s].Bare.Cost / 10);
        });
    }

    /// <summary>
    /// Statements for which this index reduces the risk more than the planner's cost, and by at least a hundredth of the present
    /// cost.
    /// </summary>
    public IReadOnlyList<int> Safer(int id, IReadOnlyCollection<int> set)
    {
        var has = plans.Membership(set);
        return plans.StatementsOf(id).FindAll(s =>
        {
            var with = Best(s, has).Plan;
            has[id] = false;
            var without = Best(s, has).Plan;
            has[id] = true;
            return without.Risk - with.Risk > Math.Max(without.Cost - with.Cost, tables[s].Bare.Cost / 100);
        });
    }

    private (int Count, double Share) Slowed(int id, bool[] has)
    {
        var (count, share) = (0, 0.0);
        foreach (var s in plans.StatementsOf(id))
        {
            has[id] = true;
            var with = Best(s, has).Plan.Total;
            has[id] = false;
            if (with > Math.Max(Best(s, has).Plan.Total, tables[s].Bare.Total) * (1 + Tuning.Costs.Noise))
            {
                (count, share) = (count + 1, Math.Max(share, (with / tables[s].Bare.Total) - 1));
            }
        }

        return (count, share);
    }

    // A member of the group with the highest gain per member.
    private int? Company(List<int> left, bool[] has)
    {
        (int Member, double Gain)? best = null;
        foreach (var needs in left.SelectMany(id => plans.StatementsOf(id)).Distinct().SelectMany(s => plans[s])
            .Select(p => p.Needs))
        {
            var missing = needs.Where(n => !Array.Exists(n, id => has[id]))
                .Select(n => n.FirstOrDefault(left.Contains, None)).Distinct().ToArray();
            if (missing.Length > 1 && !missing.Contains(None) && Gain(missing, has) / missing.Length is var gain
                && gain > (best?.Gain ?? 0))
            {
                best = (missing[0], gain);
            }
        }

        return best?.Member;
    }

    private double Gain(int[] added, bool[] has) =>
        added.SelectMany(id => plans.StatementsOf(id)).Distinct().Sum(s => tables[s].Weight * Change(s, added, has));

    // The gain of a statement by additional indexes.
    private double Change(int statement, int[] added, bool[] has)
    {
        var without = Best(statement, has).Plan.Cost;
        var fresh = Array.FindAll(added, id => !has[id]);
        Array.ForEach(fresh, id => has[id] = true);
        var with = Best(statement, has).Plan.Cost;
        Array.ForEach(fresh, id => has[id] = false);
        return without - with;
    }

    private (Configuration Plan, int[][] Needs) Best(int statement, bool[] has) => plans[statement][plans.Best(statement, has)];

    private string Share(double units) =>
        string.Create(CultureInfo.InvariantCulture, $"{(before > 0 ? 100 * units / before : 0):0.##} %");

    private static string Units(double cost) => string.Create(CultureInfo.InvariantCulture, $"{cost:N0} units of cost");
}
