using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Writes the strategies of the chosen indexes: names, figures and reasons.</summary>
/// <param name="catalog">Finds the types of expressions.</param>
/// <param name="names">Names the indexes.</param>
/// <param name="target">The database that the strategies are for.</param>
internal sealed class StrategyWriter(ICatalogRepository catalog, IndexNames names, ServerTarget target)
{
    // What PlanRisk measures.
    private const string Risk =
        "one whose loop visits pages again and again, or whose LIMIT is met only after all that its conditions discard";

    /// <summary>The strategies by the ids of the candidates.</summary>
    public async Task<IReadOnlyDictionary<int, IndexStrategy>> WriteAsync(
        SelectedSet set, CandidatePool pool, SelectionReview review, IReadOnlyList<PlannedStatement> planned,
        IReadOnlyList<CostTable> costs, IReadOnlyList<(ForeignKeyNeed Need, int Position)> needs,
        ILookup<RelationName, TableIndex> existing, IReadOnlyDictionary<int, long> sizes, AdvisorOptions options,
        CancellationToken cancellationToken)
    {
        var strategies = new Dictionary<int, IndexStrategy>();
        var byId = set.Chosen.ToDictionary(c => c.Id);
        var statements = planned.Select(p => p.Statement).Distinct(ReferenceEqualityComparer.Instance).Count();
        foreach (var (id, gain) in review.Rank(byId.Keys))
        {
            var candidate = byId[id];
            var impacts = Impacts(candidate, set, planned, costs);
            var unnamed = candidate.Definition;
            var named = unnamed with
            {
                Name = IndexDefinition.SuggestName(
                    unnamed.Table.Name, unnamed.Keys.Concat(unnamed.Include.Select(IndexKey.OnColumn)),
                    unnamed.Where is not null),
            };
            named = named with { Name = await names.FindFreeAsync(named, cancellationToken) };
            var served = needs.Where(n => set.After[n.Position].Used.Contains(candidate.Id)).Select(n => n.Need).ToList();
            var costBefore = impacts.Sum(i => i.CostBefore * i.Weight) + served.Sum(n => n.Gain);
            var costAfter = impacts.Sum(i => i.CostAfter * i.Weight);
            var replaced = existing[unnamed.Table].Where(i => i.Need is null && IndexCoverage.Covers(unnamed, i.Definition))
                .ToList();
            var limit = EntryLimit.Of(
                unnamed, pool.TableOf(candidate), await catalog.GetExpressionTypesAsync(unnamed, cancellationToken));
            var isEstimate = set.After.Any(c => c.IsEstimate && c.Used.Contains(id));
            strategies.Add(id, new IndexStrategy
            {
                Definition = named,
                UsagePattern = candidate.Pattern,
                MaintenanceWindow = options.MaintenanceWindow,
                CostBefore = costBefore,
                CostAfter = costAfter,
                SizeBytes = sizes.GetValueOrDefault(candidate.Id, candidate.SizeBytes),
                WriteCost = candidate.WriteCost,
                Impacts = impacts,
                Rank = strategies.Count + 1,
                MarginalGain = gain,
                Replaces = [.. replaced.Select(i => i.Definition.Name)],
                Evidence = isEstimate ? EvidenceSource.Estimate : EvidenceSource.WhatIf,
                Reason = string.Join(' ', Reasons(
                    candidate, impacts, served, replaced, costBefore - costAfter, gain, statements, isEstimate,
                    Count(review.Safer(id, byId.Keys)), Count(review.Risky(id, byId.Keys)), limit.Risk)),
                Target = target,
            });
        }

        return strategies;

        int Count(IEnumerable<int> ways) =>
            ways.Where(s => s < planned.Count).Select(s => planned[s].Statement).Distinct(ReferenceEqualityComparer.Instance)
            .Count();
    }

    // A statement with several variants counts once, with the mean of their costs.
    private static List<QueryImpact> Impacts(
        Candidate candidate, SelectedSet set, IReadOnlyList<PlannedStatement> planned, IReadOnlyList<CostTable> costs) =>
    [
        .. planned.Select(
            (p, s) =>
                (Planned: p, p.Statement, p.Weight, Before: costs[s].Bare.Cost, After: set.After[s].Cost, set.After[s].Used))
            .Where(v => v.Planned.Use.Relations.Any(r => r.Table == candidate.Definition.Table))
            .GroupBy(v => v.Statement, ReferenceEqualityComparer.Instance)
            .Where(g =>
                g.Any(v =>
                    v.Used.Contains(candidate.Id)
                    || (v.After > v.Before * (1 + Tuning.Costs.Noise) && v.Planned.CanUse(candidate.Definition))))
            .Select(g => (Key: g.First().Statement, Ways: g))
            .Select(g => new QueryImpact
            {
                QueryHash = g.Key.QueryHash,
                Query = g.Key.Pattern,
                Weight = g.Key.Weight,
                CostBefore = g.Ways.Sum(v => v.Weight * v.Before) / g.Ways.Sum(v => v.Weight),
                CostAfter = g.Ways.Sum(v => v.Weight * v.After) / g.Ways.Sum(v => v.Weight),
                MeanTimeMs = g.Key.MeanTimeMs,
            })
            .OrderByDescending(i => (i.CostBefore - i.CostAfter) * i.Weight),
    ];

    private static IEnumerable<string> Reasons(
        Candidate candidate, List<QueryImpact> impacts, List<ForeignKeyNeed> served, List<TableIndex> replaced, double gain,
        double marginalGain, int statements,
        bool isEstimate, int safer, int risky, string? refused)
    {
        var helped = impacts.Where(i => i.CostAfter < i.CostBefore).ToList();
        if (helped.Count > 0)
        {
            var purpose = candidate.Pattern switch
            {
                UsagePattern.Join => "Finds the rows that a join asks for",
                UsagePattern.RangeScan => "Finds ranges of rows",
                UsagePattern.Sort => "Gives the rows in the order that is asked for",
                UsagePattern.FullText => "Finds the rows that a search asks for",
                UsagePattern.Analytics => "Answers without reading the table",
                _ => "Finds the rows asked for",
            };
            var before = helped.Sum(i => i.CostBefore * i.Weight);
            var marginal = marginalGain > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"it adds {100 * marginalGain:0.0#} % of the workload's cost to what those of smaller rank save")
                : "it helps together with the indexes of larger rank";
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{purpose} in {helped.Count} of {statements} statements, whose cost falls by "
                    + $"{100 * (1 - (helped.Sum(i => i.CostAfter * i.Weight) / before)):0.0} % with the whole set; {marginal}.");
        }

        foreach (var need in served)
        {
            yield return need.Reason;
        }

        if (replaced.Count > 0)
        {
            yield return $"It does the work of {string.Join(", ", replaced.Select(i => i.Definition.Name))} too, which can go "
                + $"once it is there.";
        }

        if (impacts.Count - helped.Count is > 0 and var hurt)
        {
            yield return $"{hurt} {(hurt == 1 ? "statement gets" : "statements get")} slower.";
        }

        if (candidate.WriteCost > 0 && gain > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"Writes pay {100 * candidate.WriteCost / gain:0.0##} % of what these statements save to keep it up to date.");
        }

        if (safer > 0)
        {
            yield return $"It protects {safer} {(safer == 1 ? "statement" : "statements")} from a plan that may run longer "
                + $"than the planner expects: {Risk}.";
        }

        if (risky > 0)
        {
            yield return $"{risky} {(risky == 1 ? "statement" : "statements")} may run longer than without it, where the "
                + $"server takes such a plan: {Risk}. Compare the run times once it is built.";
        }

        if (refused is not null)
        {
            yield return refused;
        }

        if (isEstimate)
        {
            yield return "The figures are an estimate, since the planner could not be asked.";
        }
    }
}
