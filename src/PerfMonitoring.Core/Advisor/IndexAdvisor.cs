using System.Globalization;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Queries;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Advisor;

/// <summary>
/// Decides which indexes a workload needs: plans, what the plans want of each table, candidates, what-if costs, a choice under a budget.
/// </summary>
/// <param name="catalog">The tables.</param>
/// <param name="whatIf">The planner.</param>
/// <param name="names">Gives names to the chosen indexes.</param>
/// <param name="target">The database that the strategies are for.</param>
public sealed class IndexAdvisor(ICatalogRepository catalog, IWhatIfRepository whatIf, IndexNames names, ServerTarget target)
{
    private static readonly TimeSpan PlanningLimit = TimeSpan.FromSeconds(30);

    /// <summary>Advises. Nothing is stored, nothing is made, nothing is executed but EXPLAIN.</summary>
    /// <exception cref="PerfMonitoringException">HypoPgMissing, or what the server says.</exception>
    public async Task<Advice> AdviseAsync(
        IReadOnlyList<WorkloadStatement> workload, AdvisorOptions options, IProgress<AdvisorProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(workload);
        ArgumentNullException.ThrowIfNull(options);
        await using var session = await whatIf.OpenAsync(PlanningLimit, cancellationToken);
        var (planned, skipped) = await PlanAsync(session, WorkloadStatement.Collapse(workload), progress, cancellationToken);
        var (tables, passedOver) = await FindTablesAsync(planned, cancellationToken);
        var existing = (await catalog.GetIndexesAsync([.. tables.Values.Select(t => t.Oid)], cancellationToken))
            .Where(i => i.IsValid).Select(i => i.Definition).ToList();
        var load = await LoadAsync(planned, cancellationToken);
        var partials = new Dictionary<string, double>();
        var candidates = new Dictionary<string, Candidate>();
        var own = new List<IReadOnlyList<Candidate>>();
        foreach (var statement in planned)
        {
            var mine = new List<Candidate>();
            foreach (var use in statement.Use.Relations)
            {
                if (!tables.TryGetValue(use.Table, out var table))
                {
                    continue;
                }

                foreach (var proposed in CandidateGenerator.Generate(use, table))
                {
                    var key = proposed.Definition.ToAnonymousStatement();
                    if (!candidates.TryGetValue(key, out var candidate))
                    {
                        if (existing.Exists(e => Redundancy.Covers(e, proposed.Definition)))
                        {
                            continue;
                        }

                        var rows = proposed.Definition.Where is { } where ? await RowsAsync(session, table, where, partials, cancellationToken) : null;
                        if (IndexSize.Estimate(proposed.Definition, table, rows) is not { } size)
                        {
                            continue;
                        }

                        candidates[key] = candidate = new Candidate
                        {
                            Id = candidates.Count + 1,
                            Definition = proposed.Definition,
                            SizeBytes = size,
                            DescentCost = WriteCost.OfDescent(table.Rows),
                            WriteCost = options.WriteWeight * load.CostOf(
                                proposed.Definition, table.Rows, [.. existing.Where(e => e.Table == table.Name)], rows / table.Rows ?? 1),
                            Pattern = proposed.Pattern,
                        };
                    }

                    mine.Add(candidate);
                }
            }

            own.Add([.. mine.Distinct()]);
        }

        bool IsRelevant(int s, Candidate candidate) => planned[s].CanUse(candidate.Definition);
        var model = new WhatIfCostModel(session, [.. planned.Select(p => p.Statement.Text)], IsRelevant);
        var selection = new IndexSelection(model, [.. planned.Select(p => p.Statement.Weight)], options, progress);
        var set = await selection.SelectAsync(own, IsRelevant, cancellationToken);
        return new Advice
        {
            Strategies = await DescribeAsync(set, planned, options, cancellationToken),
            Skipped = skipped,
            PassedOver = passedOver,
            CostBefore = set.Before.Select((c, s) => c.Cost * planned[s].Statement.Weight).Sum(),
            CostAfter = set.After.Select((c, s) => c.Cost * planned[s].Statement.Weight).Sum(),
            Statements = planned.Count,
            Candidates = candidates.Count,
            Calls = model.Calls + planned.Count + partials.Count,
        };
    }

    private static async Task<(List<PlannedStatement> Planned, List<SkippedStatement> Skipped)> PlanAsync(
        IWhatIf session, IEnumerable<WorkloadStatement> workload, IProgress<AdvisorProgress>? progress, CancellationToken cancellationToken)
    {
        var planned = new List<PlannedStatement>();
        var skipped = new List<SkippedStatement>();
        foreach (var statement in workload)
        {
            progress?.Report(new AdvisorProgress("Reading plans", 0, planned.Count));
            try
            {
                var plan = (await session.ExplainAsync(new WhatIfRequest(new PlanText(statement.Text), []) { Verbose = true }, cancellationToken)).Plan;
                planned.Add(new PlannedStatement(statement, PlanReader.Read(plan), [.. Writes(plan, statement.Text)]));
            }
            catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
            {
                skipped.Add(new SkippedStatement(statement.QueryHash, e.Message, IsUtility: e.ErrorId == "NotPlannable"));
            }
        }

        return (planned, skipped);
    }

    private async Task<(Dictionary<RelationName, TableInfo> Tables, List<PassedOverTable> PassedOver)> FindTablesAsync(
        List<PlannedStatement> planned, CancellationToken cancellationToken)
    {
        var wanted = planned.SelectMany(p => p.Use.Relations).Select(r => r.Table).Distinct().ToList();
        var tables = new Dictionary<RelationName, TableInfo>();
        var passedOver = new List<PassedOverTable>();
        foreach (var table in await catalog.FindTablesAsync(wanted, cancellationToken))
        {
            if (WhyNot(table) is { } reason)
            {
                passedOver.Add(new PassedOverTable(table.Name.ToString(), reason));
            }
            else if (table.CanBeIndexed && table.Name.Schema != "perf_monitoring")
            {
                tables.Add(table.Name, table);
            }
        }

        return (tables, passedOver);
    }

    // Catalogs and the store pass without a word: nobody expects an index there.
    private static string? WhyNot(TableInfo table) => table switch
    {
        { IsTemporary: true } => "it is temporary.",
        { Kind: RelationKind.PartitionedTable } => "it is partitioned.",
        { IsPartition: true } => "it is a partition, and its siblings would need the same index.",
        { Kind: RelationKind.ForeignTable } => "it is a foreign table: its indexes are made where its rows are.",
        _ => null,
    };

    private static IEnumerable<TableWrite> Writes(PlanNode plan, string text) => plan.All()
        .Where(n => n is { NodeType: "ModifyTable", Operation: not null, RelationName: not null })
        .Select(n => new TableWrite(
            new RelationName(n.Schema, n.RelationName!), n.Operation!, n.Children.Sum(c => c.Rows), n.Operation == "Update" ? UpdatedColumns.Of(text) : null));

    private async Task<WriteLoad> LoadAsync(List<PlannedStatement> planned, CancellationToken cancellationToken)
    {
        var window = planned.Max(p => p.Statement.Window);
        return new WriteLoad(
            planned.SelectMany(p => p.Writes.Select(w => (w, p.Statement.Weight))),
            window is null ? [] : await catalog.GetWriteActivityAsync(cancellationToken), window);
    }

    // How many rows a condition leaves, by the planner.
    private static async Task<double?> RowsAsync(
        IWhatIf session, TableInfo table, string where, Dictionary<string, double> known, CancellationToken cancellationToken)
    {
        var statement = $"select from {table.Name} where {where}";
        if (!known.TryGetValue(statement, out var rows))
        {
            known[statement] = rows = (await session.ExplainAsync(new WhatIfRequest(new PlanText(statement), []), cancellationToken)).Plan.Rows;
        }

        return rows;
    }

    private async Task<IReadOnlyList<IndexStrategy>> DescribeAsync(
        SelectedSet set, List<PlannedStatement> planned, AdvisorOptions options, CancellationToken cancellationToken)
    {
        var strategies = new List<IndexStrategy>();
        foreach (var candidate in set.Chosen)
        {
            var impacts = planned.Select((p, s) => (p.Statement, Before: set.Before[s].Cost, After: set.After[s], CanUse: p.CanUse(candidate.Definition)))
                .Where(i => i.After.Used.Contains(candidate.Id) || (i.CanUse && i.After.Cost > i.Before * 1.0005))
                .Select(i => new QueryImpact
                {
                    QueryHash = i.Statement.QueryHash,
                    Query = i.Statement.Pattern,
                    Weight = i.Statement.Weight,
                    CostBefore = i.Before,
                    CostAfter = i.After.Cost,
                    MeanTimeMs = i.Statement.MeanTimeMs,
                })
                .OrderByDescending(i => (i.CostBefore - i.CostAfter) * i.Weight)
                .ToList();
            var unnamed = candidate.Definition;
            var named = unnamed with
            {
                Name = IndexDefinition.SuggestName(
                    unnamed.Table.Name, unnamed.Keys.Concat(unnamed.Include.Select(IndexKey.OnColumn)), unnamed.Where is not null),
            };
            named = named with { Name = await names.FindFreeAsync(named, cancellationToken) };
            var costBefore = impacts.Sum(i => i.CostBefore * i.Weight);
            var costAfter = impacts.Sum(i => i.CostAfter * i.Weight);
            strategies.Add(new IndexStrategy
            {
                Definition = named,
                UsagePattern = candidate.Pattern,
                MaintenanceWindow = options.MaintenanceWindow,
                CostBefore = costBefore,
                CostAfter = costAfter,
                SizeBytes = candidate.SizeBytes,
                WriteCost = candidate.WriteCost,
                Impacts = impacts,
                Rank = strategies.Count + 1,
                Evidence = EvidenceSource.WhatIf,
                Reason = Reason(candidate, impacts, costBefore, costAfter, planned.Count),
                Target = target,
            });
        }

        return strategies;
    }

    private static string Reason(Candidate candidate, List<QueryImpact> impacts, double before, double after, int statements)
    {
        var purpose = candidate.Pattern switch
        {
            UsagePattern.Join => "finds the rows that a join asks for",
            UsagePattern.RangeScan => "finds ranges of rows",
            UsagePattern.Sort => "gives the rows in the order that is asked for",
            UsagePattern.Analytics => "answers without reading the table",
            _ => "finds the rows asked for",
        };
        var saved = before > 0 ? 1 - (after / before) : 0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Used by {impacts.Count} of {statements} statements, whose planner's cost falls by {100 * saved:0.0} % with the whole set: it {purpose}.");
    }

    private sealed record PlannedStatement(WorkloadStatement Statement, StatementUse Use, IReadOnlyList<TableWrite> Writes)
    {
        // An index serves a use by its first key, or by holding every column that is read.
        public bool CanUse(IndexDefinition index) => Use.Relations.Any(r => r.Table == index.Table && (Mentions(r, index.Keys[0]) || Holds(index, r)));

        private static bool Mentions(RelationUse use, IndexKey key) =>
            use.Predicates.Concat(use.Alternatives.SelectMany(a => a)).Any(p => p.Key.Column == key.Column && p.Key.Expression == key.Expression)
            || use.Orders.Concat(use.Groups).Any(o => o.Any(k => k.Column == key.Column && k.Expression == key.Expression));

        private static bool Holds(IndexDefinition index, RelationUse use) =>
            use.Columns is not null && use.Columns.IsSubsetOf(index.Keys.Select(k => k.Column ?? "").Concat(index.Include));
    }
}
