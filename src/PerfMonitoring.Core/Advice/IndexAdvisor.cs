using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>
/// Decides which indexes a workload needs: plans, what the plans want of each table, candidates, what-if costs, a choice under a
/// budget.
/// </summary>
/// <param name="catalog">The tables.</param>
/// <param name="whatIf">The planner.</param>
/// <param name="names">Gives names to the chosen indexes.</param>
/// <param name="target">The database that the strategies are for.</param>
public sealed class IndexAdvisor(ICatalogRepository catalog, IWhatIfRepository whatIf, IndexNames names, ServerTarget target)
{
    // What PlanRisk counts.
    private const string Risk =
        "one whose loop visits pages again and again, or whose LIMIT is met only after all that its conditions discard";

    private static readonly TimeSpan PlanningLimit = TimeSpan.FromSeconds(30);

    /// <summary>Told the search, with all that it learnt, and its set, for a benchmark to judge; null where none does.</summary>
    internal Action<IndexSearch, SelectedSet>? Found { get; init; }

    /// <summary>Advises. Nothing is stored, nothing is made, nothing is executed but EXPLAIN.</summary>
    /// <param name="workload">The statements.</param>
    /// <param name="options">Budget and limits.</param>
    /// <param name="progress">Told as it goes on, or null.</param>
    /// <param name="cancellationToken"> Gives up while plans are read; ends the search after that: the advice is then the best
    /// set so far (<see cref="IndexAdvice.IsCutShort"/>).
    /// </param>
    /// <exception cref="PerfMonitoringException">HypoPgMissing, or what the server says.</exception>
    /// <exception cref="OperationCanceledException">It was given up before there was any set.</exception>
    public async Task<IndexAdvice> AdviseAsync(
        IReadOnlyList<WorkloadStatement> workload, AdvisorOptions options, IProgress<AdvisorProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(workload);
        ArgumentNullException.ThrowIfNull(options);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (options.TimeLimit is { } limit)
        {
            enough.CancelAfter(limit);
        }

        var statements = WorkloadStatement.Collapse(workload);
        var sessions = new List<IWhatIf>();
        try
        {
            for (var i = 0; i < Math.Clamp(statements.Count, 1, Math.Min(options.Sessions, whatIf.MaximumSessions)); i++)
            {
                sessions.Add(await whatIf.OpenAsync(PlanningLimit, cancellationToken));
            }

            return await AdviseAsync(sessions, statements, options, progress, enough.Token, cancellationToken);
        }
        finally
        {
            foreach (var session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    private async Task<IndexAdvice> AdviseAsync(
        List<IWhatIf> sessions, IReadOnlyList<WorkloadStatement> workload, AdvisorOptions options,
        IProgress<AdvisorProgress>? progress,
        CancellationToken enough, CancellationToken cancellationToken)
    {
        var reader = new WorkloadReader(catalog, sessions, progress);
        var planned = await reader.ReadAsync(workload, cancellationToken);
        var tables = planned.Tables.Advised;
        var existing = (await catalog.GetIndexesAsync([.. tables.Values.Select(t => t.Oid)], cancellationToken))
            .Where(i => i.IsValid).ToLookup(i => i.Definition.Table);
        var window = workload.Max(s => s.Window);
        var load = new WriteLoad(
            planned.Statements.SelectMany(p => p.Writes.Select(w => (w, p.Weight))),
            window is null ? [] : await catalog.GetWriteActivityAsync(cancellationToken), window);
        var foreignKeys = await catalog.GetForeignKeysAsync([.. tables.Keys.Union(load.Tables)], cancellationToken);
        tables = ReferencedKeys.AddTo(tables, existing, foreignKeys, planned.Statements.Select(p => p.Use).Distinct());
        var partials = new Dictionary<string, double?>();
        var pool = new CandidatePool(
            [.. existing.SelectMany(g => g).Select(i => i.Definition)],
            options.Reverted,
            async (table, where) =>
                await RowsAsync(sessions[0], table, where, OriginOf(planned, table), partials, cancellationToken),
            (index, table, rows) =>
                options.WriteWeight * load.CostOf(
                index, table.Rows, [.. existing[table.Name].Select(i => i.Definition)], rows / table.Rows ?? 1));
        var hints = new HashSet<string>();
        var own = await CandidatesAsync(planned, tables, pool, hints, cancellationToken);
        var byName = tables.Values.GroupBy(t => t.Name.Name).ToDictionary(g => g.Key, g => g.First());
        var costs = planned.Statements.Select(
            p => new CostTable(
            Configuration.Of(p.Plan, _ => null, byName.GetValueOrDefault, isReal: true, p.Statement.RowsPerCall), p.Weight))
            .ToList();
        if (!sessions[0].IsReal)
        {
            Estimate(planned, own, costs);
        }

        var needs = await ForeignKeysAsync(foreignKeys, load, pool, tables, costs, cancellationToken);
        var search = new IndexSearch(
            sessions, planned.Statements, costs, pool, tables, byName.GetValueOrDefault, options, progress);
        var set = await search.FindAsync(own, enough, cancellationToken);
        Found?.Invoke(search, set);
        var review = search.Review();
        // What was found is worth the few questions for names that are left.
        var chosen = await DescribeAsync(
            set, pool, review, planned.Statements, costs, needs, existing,
            sessions[0].IsReal ? search.Sizes : new Dictionary<int, long>(), options,
            search.IsCutShort ? CancellationToken.None : cancellationToken);
        return new IndexAdvice
        {
            Strategies = [.. chosen.Values.OrderBy(s => s.Rank)],
            Skipped = planned.Skipped,
            PassedOver = planned.Tables.PassedOver,
            Hints = [.. hints],
            CostBefore = planned.Statements.Select((p, s) => p.Weight * costs[s].Bare.Cost).Sum(),
            CostAfter = planned.Statements.Select((p, s) => p.Weight * set.After[s].Cost).Sum(),
            Statements = workload.Count - planned.Skipped.Count,
            Candidates = [
                .. review.Judge(chosen, search.Refused, search.LeastGain, options).Concat(pool.Reverted)
                .Select(c => c with { Target = target })],
            IsCutShort = search.IsCutShort,
            Calls = reader.Calls + search.Calls + partials.Count,
        };
    }

    // What HypoPG cannot make gets an estimate, from the plan of today.
    private static void Estimate(PlannedWorkload planned, List<IReadOnlyList<Candidate>> own, List<CostTable> costs)
    {
        for (var s = 0; s < own.Count; s++)
        {
            var statement = planned.Statements[s];
            foreach (var candidate in own[s].Where(c => !c.CanBeHypothetical))
            {
                var cost = statement.Use.Relations.Where(r => r.Table == candidate.Definition.Table)
                    .Min(r => AccessEstimate.CostWith(statement.Plan, r, candidate, planned.Tables.Advised[r.Table]));
                if (cost < costs[s].Bare.Cost)
                {
                    costs[s].Add([candidate.Id], new Configuration([candidate.Id], cost.Value, 0, IsEstimate: true));
                }
            }
        }
    }

    // What triggers do has no plan: each foreign key that writes are slow for counts as one more statement.
    private async Task<List<(ForeignKeyNeed Need, int Place)>> ForeignKeysAsync(
        IReadOnlyList<ForeignKey> foreignKeys, WriteLoad load, CandidatePool pool,
        IReadOnlyDictionary<RelationName, TableInfo> tables, List<CostTable> costs,
        CancellationToken cancellationToken)
    {
        var needs = await ForeignKeyNeed.FindAsync(catalog, foreignKeys, load, cancellationToken);
        var others = (
            await catalog.FindTablesAsync(
            [.. needs.Select(n => n.Definition.Table).Where(t => !tables.ContainsKey(t)).Distinct()], cancellationToken))
            .ToDictionary(t => t.Name);
        var found = new List<(ForeignKeyNeed, int)>();
        foreach (var need in needs)
        {
            if ((tables.GetValueOrDefault(need.Definition.Table) ?? others.GetValueOrDefault(need.Definition.Table)) is not {
                CanBeIndexed: true, IsSystem: false } table
                || await pool.GetAsync(need.Definition, table, UsagePattern.Lookup) is null)
            {
                continue;
            }

            var cost = new CostTable(new Configuration([], need.SavedCost), 1);
            foreach (var candidate in pool.All.Where(c => need.IsServedBy(c.Definition)))
            {
                cost.Add([candidate.Id], new Configuration([candidate.Id], 0, 0, IsEstimate: true));
            }

            found.Add((need, costs.Count));
            costs.Add(cost);
        }

        return found;
    }

    // For each statement the indexes that it calls for; those of one statement are the same however it is run.
    private async Task<List<IReadOnlyList<Candidate>>> CandidatesAsync(
        PlannedWorkload planned, IReadOnlyDictionary<RelationName, TableInfo> tables, CandidatePool pool, HashSet<string> hints,
        CancellationToken cancellationToken)
    {
        var (isAvailable, schema) = await catalog.GetExtensionAsync("pg_trgm", cancellationToken);
        var context = new CandidateContext
        {
            Recurring = CandidateContext.FindRecurring(planned.Statements.Select(p => (p.Use, p.Weight))),
            IsTrigramAvailable = isAvailable,
            TrigramSchema = schema,
        };
        var known = new Dictionary<StatementUse, IReadOnlyList<Candidate>>(ReferenceEqualityComparer.Instance);
        var resolved = new Dictionary<string, ResolvedDefinition>();
        var own = new List<IReadOnlyList<Candidate>>();
        foreach (var statement in planned.Statements)
        {
            if (!known.TryGetValue(statement.Use, out var mine))
            {
                known[statement.Use] = mine = await CandidatesAsync(
                    statement.Use, tables, pool, context, hints, resolved, cancellationToken);
            }

            own.Add(mine);
        }

        return own;
    }

    private async Task<IReadOnlyList<Candidate>> CandidatesAsync(
        StatementUse statement, IReadOnlyDictionary<RelationName, TableInfo> tables, CandidatePool pool, CandidateContext context,
        HashSet<string> hints,
        Dictionary<string, ResolvedDefinition> resolved, CancellationToken cancellationToken)
    {
        var mine = new List<Candidate>();
        foreach (var use in statement.Relations)
        {
            if (tables.TryGetValue(use.Table, out var table))
            {
                foreach (var proposed in CandidateGenerator.Generate(use, table, context))
                {
                    if (proposed.Requires is { } statementFirst)
                    {
                        hints.Add(
                            $"{table.Name} may gain by {QueryText.HideConstants(proposed.Definition.ToAnonymousStatement())}, "
                            + $"which the planner cannot be asked about before: {statementFirst};");
                    }
                    else if (await ResolveAsync(proposed.Definition, resolved, cancellationToken) is {
                        Distrusted: { } distrusted })
                    {
                        hints.Add(
                            $"{table.Name} gets no index that calls {distrusted}: it would run for whoever writes to the table;");
                    }
                    else if (await pool.GetAsync(
                        resolved[proposed.Definition.ToAnonymousStatement()].Definition, table, proposed.Pattern) is {
                        } candidate)
                    {
                        mine.Add(candidate);
                    }
                }
            }
        }

        return [.. mine.Distinct()];
    }

    private async Task<ResolvedDefinition> ResolveAsync(
        IndexDefinition definition, Dictionary<string, ResolvedDefinition> known, CancellationToken cancellationToken)
    {
        var key = definition.ToAnonymousStatement();
        if (!known.TryGetValue(key, out var found))
        {
            // What the candidates name with its schema, or need none for, is not asked about.
            known[key] = found = definition.Where is null && definition.Keys.All(k => k.Expression is null)
                ? new ResolvedDefinition(definition, null)
                : await catalog.ResolveAsync(definition, cancellationToken);
        }

        return found;
    }

    // How many rows a condition leaves, by the planner.
    private static async Task<double?> RowsAsync(
        IWhatIf session, TableInfo table, string where, StatementOrigin origin, Dictionary<string, double?> known,
        CancellationToken cancellationToken)
    {
        var statement = $"select from {table.Name} where {where}";
        if (!known.TryGetValue(statement, out var rows))
        {
            try
            {
                rows = (await session.ExplainAsync(
                    new WhatIfRequest(new PlanText(statement) { Origin = origin }, []), cancellationToken)).Plan.Rows;
            }
            catch (PerfMonitoringException e) when (e.ErrorId is ErrorIds.PlanFailed or ErrorIds.UntrustedCode)
            {
                // A role may read a view and not the table behind it.
                rows = null;
            }

            known[statement] = rows;
        }

        return rows;
    }

    // Whoever ran a statement on the table may read it.
    private static StatementOrigin OriginOf(PlannedWorkload planned, TableInfo table) =>
        planned.Statements.FirstOrDefault(p => p.Use.Relations.Any(r => r.Table == table.Name))?.Statement.Origin
            ?? StatementOrigin.Unknown;

    // The strategies by the candidates' ids.
    private async Task<Dictionary<int, IndexStrategy>> DescribeAsync(
        SelectedSet set, CandidatePool pool, SelectionReview review, IReadOnlyList<PlannedStatement> planned,
        List<CostTable> costs, List<(ForeignKeyNeed Need, int Place)> needs,
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
            var served = needs.Where(n => set.After[n.Place].Used.Contains(candidate.Id)).Select(n => n.Need).ToList();
            var costBefore = impacts.Sum(i => i.CostBefore * i.Weight) + served.Sum(n => n.SavedCost);
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

    // A statement that is run in several ways counts once, with the mean of their costs.
    private static List<QueryImpact> Impacts(
        Candidate candidate, SelectedSet set, IReadOnlyList<PlannedStatement> planned, List<CostTable> costs) =>
    [
        .. planned.Select(
            (p, s) =>
            (Planned: p, p.Statement, p.Weight, Before: costs[s].Bare.Cost, After: set.After[s].Cost, set.After[s].Used))
            .Where(v => v.Planned.Use.Relations.Any(r => r.Table == candidate.Definition.Table))
            .GroupBy(v => v.Statement, ReferenceEqualityComparer.Instance)
            .Where(g =>
                g.Any(v =>
                v.Used.Contains(candidate.Id)
                || (v.After > v.Before * (1 + PlanExplorer.Noise) && v.Planned.CanUse(candidate.Definition))))
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
        Candidate candidate, List<QueryImpact> impacts, List<ForeignKeyNeed> served, List<TableIndex> replaced, double saved,
        double gain, int statements,
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
            var marginal = gain > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"it adds {100 * gain:0.0#} % of the workload's cost to what those of smaller rank save")
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
            yield return $"{hurt} {(hurt == 1 ? "statement gets" : "statements get")} dearer.";
        }

        if (candidate.WriteCost > 0 && saved > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"Writes pay {100 * candidate.WriteCost / saved:0.0##} % of what these statements save to keep it up to date.");
        }

        if (safer > 0)
        {
            yield return $"{safer} {(safer == 1 ? "statement" : "statements")} may without it get a plan that runs longer "
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
