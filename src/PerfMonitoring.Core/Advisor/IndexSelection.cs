namespace PerfMonitoring.Advisor;

/// <summary>The chosen indexes and what they do.</summary>
/// <param name="Chosen">In the order of their choice.</param>
/// <param name="Before">Cost of each statement without them.</param>
/// <param name="After">Cost of each statement with all of them.</param>
public sealed record SelectedSet(IReadOnlyList<Candidate> Chosen, IReadOnlyList<StatementCost> Before, IReadOnlyList<StatementCost> After);

/// <summary>
/// Chooses a set of indexes for a whole workload: first each statement's own candidates are sieved, then the set grows by the largest
/// saving a byte, re-evaluated as it grows, until nothing is worth it or fits; then what has become idle goes.
/// </summary>
/// <param name="model">The costs.</param>
/// <param name="weights">How often each statement counts.</param>
/// <param name="options">Budget and limits.</param>
/// <param name="progress">Told as it goes on, or null.</param>
public sealed class IndexSelection(ICostModel model, IReadOnlyList<double> weights, AdvisorOptions options, IProgress<AdvisorProgress>? progress = null)
{
    // Costs differ by less without any reason (the planner compares them fuzzily by 1 %).
    private const double Noise = 0.0005;

    private StatementCost[] before = [];
    private double total;

    /// <summary>Chooses.</summary>
    /// <param name="own">For each statement, the candidates that it calls for.</param>
    /// <param name="isRelevant">Whether a statement, by its place, could use a candidate at all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<SelectedSet> SelectAsync(
        IReadOnlyList<IReadOnlyList<Candidate>> own, Func<int, Candidate, bool> isRelevant, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(own);
        before = await AllCostsAsync([], cancellationToken);
        total = Total(before, []);
        var candidates = await SieveAsync(own, cancellationToken);

        SelectedSet? best = null;
        foreach (var exponent in new[] { 1.0, 0.5 })
        {
            var chosen = await GrowAsync(candidates, isRelevant, exponent, cancellationToken);
            chosen = await DropIdleAsync(chosen, cancellationToken);
            chosen = await ImproveAsync(chosen, candidates, cancellationToken);
            var after = await AllCostsAsync(chosen, cancellationToken);
            if (best is null || Total(after, chosen) < Total(best.After, best.Chosen) * (1 - Noise))
            {
                best = new SelectedSet(chosen, before, after);
            }
        }

        return best!;
    }

    // What statements would take of their own candidates: each one that lowers a cost and is not beaten by a smaller one in all that it
    // does; and the set that a plan uses when it has them all, since some indexes help in company only.
    private async Task<List<IReadOnlyList<Candidate>>> SieveAsync(IReadOnlyList<IReadOnlyList<Candidate>> own, CancellationToken cancellationToken)
    {
        var gains = new Dictionary<Candidate, Dictionary<int, double>>();
        var bundles = new Dictionary<string, IReadOnlyList<Candidate>>();
        for (var s = 0; s < own.Count; s++)
        {
            progress?.Report(new AdvisorProgress("Sieving candidates", 100 * s / own.Count, model.Calls));
            var fitting = own[s].Where(c => !(c.SizeBytes > options.StorageBudget)).ToList();
            var all = await model.CostAsync(s, fitting, cancellationToken);
            if (!(all.Cost < before[s].Cost * (1 - Noise)))
            {
                continue;
            }

            foreach (var candidate in fitting)
            {
                var cost = await model.CostAsync(s, [candidate], cancellationToken);
                if (before[s].Cost - cost.Cost is var gain && gain > before[s].Cost * Noise)
                {
                    gains.TryAdd(candidate, []);
                    gains[candidate][s] = gain;
                }
            }

            var used = fitting.Where(c => all.Used.Contains(c.Id)).ToList();
            if (used.Count > 1)
            {
                bundles.TryAdd(string.Join(',', used.Select(c => c.Id)), used);
            }
        }

        var singles = gains.Keys.Where(c => !gains.Keys.Any(other => other != c && Beats(other, c)));
        return [.. singles.Select(c => (IReadOnlyList<Candidate>)[c]), .. bundles.Values];

        bool Beats(Candidate one, Candidate other) =>
            one.SizeBytes <= other.SizeBytes && one.WriteCost <= other.WriteCost
            && gains[other].All(g => gains[one].GetValueOrDefault(g.Key) >= g.Value)
            && (one.SizeBytes < other.SizeBytes || gains[one].Values.Sum() > gains[other].Values.Sum() || one.Id < other.Id);
    }

    private async Task<List<Candidate>> GrowAsync(
        List<IReadOnlyList<Candidate>> candidates, Func<int, Candidate, bool> isRelevant, double exponent, CancellationToken cancellationToken)
    {
        var chosen = new List<Candidate>();
        var costs = before;
        // A gain only falls as the set grows, by and large: the old figure is an upper bound, and most need not be asked again.
        var open = new PriorityQueue<(IReadOnlyList<Candidate> Option, int Age), double>();
        foreach (var option in candidates)
        {
            open.Enqueue((option, -1), double.NegativeInfinity);
        }

        var asked = 0;
        while (open.TryDequeue(out var next, out _))
        {
            var added = next.Option.Where(c => !chosen.Contains(c)).ToList();
            if (added.Count == 0 || !Fits(chosen, added))
            {
                continue;
            }

            if (next.Age == chosen.Count)
            {
                chosen.AddRange(added);
                costs = await AllCostsAsync(chosen, cancellationToken, costs, s => added.Any(c => isRelevant(s, c)));
                continue;
            }

            if (++asked % 10 == 0)
            {
                progress?.Report(new AdvisorProgress("Choosing indexes", (int)(100 * chosen.Sum(c => c.SizeBytes) / Math.Max(1, options.StorageBudget ?? long.MaxValue)), model.Calls));
            }

            var with = await AllCostsAsync([.. chosen, .. added], cancellationToken, costs, s => added.Any(c => isRelevant(s, c)));
            var gain = Total(costs, chosen) - Total(with, [.. chosen, .. added]);
            if (gain >= Math.Max(total * options.MinimumImprovement * added.Count, double.Epsilon))
            {
                open.Enqueue((next.Option, chosen.Count), -gain / Math.Pow(Math.Max(1, added.Sum(c => c.SizeBytes)), exponent));
            }
        }

        return chosen;
    }

    // What later choices have made superfluous: its loss would not be worth its admission.
    private async Task<List<Candidate>> DropIdleAsync(List<Candidate> chosen, CancellationToken cancellationToken)
    {
        var kept = chosen.ToList();
        foreach (var candidate in chosen.OrderByDescending(c => c.SizeBytes).ToList())
        {
            var without = kept.Where(c => c != candidate).ToList();
            var loss = Total(await AllCostsAsync(without, cancellationToken), without) - Total(await AllCostsAsync(kept, cancellationToken), kept);
            if (loss < Math.Max(total * options.MinimumImprovement, double.Epsilon))
            {
                kept = without;
            }
        }

        return kept;
    }

    // Exchanges one index for another, where that lowers the cost and keeps to the budget, until nothing does.
    private async Task<List<Candidate>> ImproveAsync(
        List<Candidate> chosen, List<IReadOnlyList<Candidate>> candidates, CancellationToken cancellationToken)
    {
        var singles = candidates.Where(o => o.Count == 1).Select(o => o[0]).ToList();
        var limit = model.Calls + 400;
        for (var improved = true; improved && model.Calls < limit;)
        {
            improved = false;
            var cost = Total(await AllCostsAsync(chosen, cancellationToken), chosen);
            foreach (var old in chosen.OrderByDescending(c => c.SizeBytes).ToList())
            {
                foreach (var other in singles.Where(c => c.Definition.Table == old.Definition.Table && !chosen.Contains(c)))
                {
                    var trial = chosen.Select(c => c == old ? other : c).ToList();
                    if (model.Calls >= limit || !Fits(trial, []))
                    {
                        continue;
                    }

                    var now = Total(await AllCostsAsync(trial, cancellationToken), trial);
                    if (now < cost * (1 - Noise))
                    {
                        (chosen, cost) = (trial, now);
                        improved = true;
                        break;
                    }
                }
            }
        }

        return await DropIdleAsync(chosen, cancellationToken);
    }

    private bool Fits(List<Candidate> chosen, List<Candidate> added) =>
        !(chosen.Count + added.Count > options.MaximumCount)
        && !(chosen.Sum(c => c.SizeBytes) + added.Sum(c => c.SizeBytes) > options.StorageBudget);

    private async Task<StatementCost[]> AllCostsAsync(
        IReadOnlyCollection<Candidate> set, CancellationToken cancellationToken, StatementCost[]? known = null, Func<int, bool>? changes = null)
    {
        var costs = new StatementCost[weights.Count];
        for (var s = 0; s < costs.Length; s++)
        {
            costs[s] = known is not null && !changes!(s) ? known[s] : await model.CostAsync(s, set, cancellationToken);
        }

        return costs;
    }

    private double Total(IReadOnlyList<StatementCost> costs, IEnumerable<Candidate> set) =>
        costs.Select((c, s) => c.Cost * weights[s]).Sum() + set.Sum(c => c.WriteCost);
}
