using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>
/// Decides which indexes a workload needs: plans, uses of each table by the plans, candidates, what-if costs, selection within a
/// budget.
/// </summary>
/// <param name="catalog">The tables.</param>
/// <param name="whatIf">The planner.</param>
/// <param name="names">Names the chosen indexes.</param>
/// <param name="target">The database that the strategies are for.</param>
internal sealed class IndexAdvisor(ICatalogRepository catalog, IWhatIfRepository whatIf, IndexNames names, ServerTarget target)
{
    private static readonly TimeSpan PlanningLimit = TimeSpan.FromSeconds(30);

    /// <summary>Receives the search and its result, for a benchmark; null where nobody asks.</summary>
    public Action<IndexSearch, SelectedSet>? Found { get; init; }

    /// <summary>Gives advice. Nothing is stored or created, and only EXPLAIN is executed.</summary>
    /// <param name="workload">The statements.</param>
    /// <param name="options">Budget and limits.</param>
    /// <param name="progress">Receives progress; may be null.</param>
    /// <param name="cancellationToken">Cancels the operation while plans are read; later it ends the search: the advice is then
    /// the best configuration so far (<see cref="IndexAdvice.IsCutShort"/>).</param>
    /// <exception cref="PerfMonitoringException">HypoPgMissing, or an error of the server.</exception>
    /// <exception cref="OperationCanceledException">The operation was cancelled before there was a configuration.</exception>
    public async Task<IndexAdvice> AdviseAsync(
        IReadOnlyList<WorkloadStatement> workload, AdvisorOptions options, IProgress<AdvisorProgress>? progress,
        CancellationToken cancellationToken)
    {
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
        options = options.For(tables.Values.Sum(t => (double)t.Pages) * PlannerDefaults.PageBytes);
        var foreignKeys = await catalog.GetForeignKeysAsync([.. tables.Keys.Union(load.Tables)], cancellationToken);
        tables = ReferencedKeys.AddTo(tables, existing, foreignKeys, planned.Statements.Select(p => p.Use).Distinct());
        tables = await new ExpressionTypes(catalog).AddToAsync(
            tables, planned.Statements.Select(p => p.Use).Distinct(), cancellationToken);
        var conditions = new ConditionRows(sessions[0], planned);
        var pool = new CandidatePool(
            [.. existing.SelectMany(g => g).Select(i => i.Definition)],
            options.Reverted,
            (index, table) => ExpressionStatistics.AddValuesAsync(catalog, index, table, cancellationToken),
            (table, where) => conditions.EstimateAsync(table, where, cancellationToken),
            (index, table, rows) =>
                options.WriteWeight * load.CostOf(
                    index, table.Rows, [.. existing[table.Name].Select(i => i.Definition)], rows / table.Rows ?? 1));
        var collector = new CandidateCollector(catalog, tables, pool);
        var own = await collector.CollectAsync(planned, cancellationToken);
        var byName = tables.Values.GroupBy(t => t.Name.Name).ToDictionary(g => g.Key, g => g.First());
        var costs = planned.Statements.Select(
            p => new CostTable(
                Configuration.Of(p.Plan, _ => null, byName.GetValueOrDefault, isReal: true, p.RowsPerCall), p.Weight))
            .ToList();
        IReadOnlyDictionary<int, string> refused = new Dictionary<int, string>();
        if (!sessions[0].IsReal)
        {
            refused = await ExpressionTypes.FindRefusedAsync(sessions[0], pool.All, cancellationToken);
            AccessEstimate.AddTo(planned, own, existing, refused, costs);
        }

        var needs = await collector.AddForeignKeysAsync(foreignKeys, load, costs, cancellationToken);
        var search = new IndexSearch(
            sessions, planned.Statements, costs, pool, tables, byName.GetValueOrDefault, options, progress);
        var set = await search.FindAsync(own, enough, cancellationToken);
        Found?.Invoke(search, set);
        refused = search.Refused.Concat(refused).ToDictionary();
        var review = search.Review();
        // After a cancellation the names are still found: the result is worth the few remaining queries.
        var chosen = await new StrategyWriter(catalog, names, target).WriteAsync(
            set, pool, review, planned.Statements, costs, needs, existing,
            sessions[0].IsReal ? search.Sizes : new Dictionary<int, long>(), options,
            search.IsCutShort ? CancellationToken.None : cancellationToken);
        // The variants of a statement may be refused one by one.
        IReadOnlyList<SkippedStatement> skipped = [.. planned.Skipped.Concat(search.Skipped).DistinctBy(s => s.QueryHash)];
        return new IndexAdvice
        {
            Strategies = [.. chosen.Values.OrderBy(s => s.Rank)],
            Skipped = skipped,
            PassedOver = planned.Tables.PassedOver,
            LostExpressions = LostExpressions(planned, set),
            // A foreign key without an index explains a slow write, and gets its index.
            Misjudged = [.. planned.Misjudged.Where(m => !needs.Any(n => m.Written.Contains(n.Need.Referenced)))
                .OrderByDescending(m => m.Weight * m.MeanTimeMs)],
            Hints = [.. collector.Hints, .. ExpressionTypes.Hints(refused, pool.All)],
            CostBefore = planned.Statements.Select((p, s) => p.Weight * costs[s].Bare.Cost).Sum(),
            CostAfter = planned.Statements.Select((p, s) => p.Weight * set.After[s].Cost).Sum(),
            Statements = workload.Count - skipped.Count,
            Candidates = [
                .. review.Judge(chosen, refused, options).Concat(pool.Reverted)
                .Select(c => c with { Target = target })],
            IsCutShort = search.IsCutShort,
            Calls = reader.Calls + search.Calls + conditions.Calls,
        };
    }

    private static List<LostExpression> LostExpressions(PlannedWorkload planned, SelectedSet set)
    {
        var costs = planned.Statements.Select((p, s) => (Planned: p, Cost: p.Weight * set.After[s].Cost)).ToList();
        var all = costs.Sum(c => c.Cost);
        return [.. costs.GroupBy(c => c.Planned.Statement, ReferenceEqualityComparer.Instance)
            .Select(g => (g.First().Planned, Cost: g.Sum(c => c.Cost)))
            .Where(c => c.Cost >= Tuning.Evidence.Notable * all)
            .OrderByDescending(c => c.Cost)
            .SelectMany(c => c.Planned.Use.Relations
                .Where(r => r.HasLostConstants && planned.Tables.Advised.ContainsKey(r.Table)).Select(r => r.Table).Distinct()
                .Select(t => new LostExpression(
                    c.Planned.Statement.QueryHash, c.Planned.Statement.Pattern, t.ToString())))];
    }
}
