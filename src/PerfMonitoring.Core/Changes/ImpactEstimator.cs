using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

/// <summary>
/// Estimates, before an index is dropped, which known queries would cost more. The queries of pg_stat_statements and of the log
/// whose plan uses the index are planned again with the index hidden. Only EXPLAIN runs. The queries are read once, and the plans
/// are current.
/// </summary>
/// <param name="connection">The session.</param>
internal sealed class ImpactEstimator(IMonitoringConnection connection)
{
    /// <summary>Most queries from each source, those with the longest total time.</summary>
    private const int MaximumQueries = 1000;

    private static readonly TimeSpan PlanningLimit = TimeSpan.FromSeconds(2);

    private Workload? known;

    /// <summary>
    /// The costs of the queries without an index. A failure to find them is part of the result, except for a lost connection,
    /// which throws.
    /// </summary>
    /// <param name="index">The existing index.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<DropImpact> EstimateAsync(TableIndex index, CancellationToken cancellationToken)
    {
        if (index.IsPartitioned)
        {
            return new DropImpact {
                Unknown = "Plans name the indexes of the partitions, and not that of the partitioned table." };
        }

        try
        {
            await using var session = await connection.IndexHiding.OpenAsync(PlanningLimit, cancellationToken);
            known ??= await ReadAsync(session, cancellationToken);
            return known.Unknown is not null
                ? new DropImpact { Unknown = known.Unknown } : await EstimateAsync(session, known, index, cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            return new DropImpact { Unknown = e.Message };
        }
    }

    private static async Task<DropImpact> EstimateAsync(
        IWhatIf session, Workload known, TableIndex index, CancellationToken cancellationToken)
    {
        var failed = new HashSet<string>();
        var users = new List<(PlannedStatement Statement, double Now, double? Without)>();
        // All variants of a query count, because the mean of some variants would be wrong.
        foreach (var ways in known.Statements.Where(s => Reads(s.Plan, index)).GroupBy(s => s.Statement.QueryHash))
        {
            try
            {
                var plans = new List<(PlannedStatement Way, PlanNode Plan)>();
                foreach (var way in ways)
                {
                    plans.Add((way, (await session.ExplainAsync(
                        new WhatIfRequest(way.Text, []) { Verbose = true }, cancellationToken)).Plan));
                }

                if (!plans.Exists(p => Uses(p.Plan, index, isBelowTable: false)))
                {
                    continue;
                }

                foreach (var (way, plan) in plans)
                {
                    users.Add((way, plan.TotalCost, await WithoutAsync(session, way, index, cancellationToken)));
                }
            }
            catch (PerfMonitoringException e) when (e.Kind is not (FailureKind.ConnectionFailed or FailureKind.NotInstalled))
            {
                failed.Add(ways.Key);
            }
        }

        return new DropImpact
        {
            KnownQueries = known.Count,
            UnplannedQueries = known.Unplanned + failed.Count,
            Untrusted = known.Untrusted.ToItemList(),
            Queries =
            [
                .. users.Where(u => !failed.Contains(u.Statement.Statement.QueryHash))
                    .GroupBy(u => u.Statement.Statement.QueryHash).Select(ways =>
                {
                    var weight = ways.Sum(w => w.Statement.Weight);
                    var first = ways.First().Statement.Statement;
                    return new QueryDropImpact(
                        first.QueryHash, first.Pattern, first.Weight, Mean(w => w.Now),
                        ways.Any(w => w.Without is null) ? null : Mean(w => w.Without!.Value));

                    double Mean(Func<(PlannedStatement Statement, double Now, double? Without), double> cost) =>
                        weight > 0 ? ways.Sum(w => cost(w) * w.Statement.Weight) / weight : ways.Average(cost);
                }).OrderByDescending(q => (q.CostWithout - q.CostNow ?? q.CostNow) * Math.Max(1, q.Calls)),
            ],
        };
    }

    private static async Task<double?> WithoutAsync(
        IWhatIf session, PlannedStatement way, TableIndex index, CancellationToken cancellationToken)
    {
        try
        {
            return (await session.ExplainAsync(
                new WhatIfRequest(way.Text, []) { Hidden = [index.Oid] }, cancellationToken)).Plan.TotalCost;
        }
        catch (PerfMonitoringException e) when (e.Kind == FailureKind.NotInstalled)
        {
            // It is still known that the query uses the index.
            return null;
        }
    }

    // Some of these plans name no schema, so a table of that name in another schema counts, too.
    private static bool Reads(PlanNode plan, TableIndex index) =>
        plan.All().Any(n => n.RelationName == index.Definition.Table.Name);

    // Another schema may have an index of the same name. A bitmap index scan names no table; the heap scan above it does.
    private static bool Uses(PlanNode node, TableIndex index, bool isBelowTable)
    {
        var isTable = node.RelationName is null
            ? isBelowTable : new RelationName(node.Schema, node.RelationName) == index.Definition.Table;
        return (isTable && node.IndexName == index.Definition.Name) || node.Children.Any(c => Uses(c, index, isTable));
    }

    private async Task<Workload> ReadAsync(IWhatIf session, CancellationToken cancellationToken)
    {
        var filter = new SlowQueryFilter { Top = MaximumQueries };
        var queries = new List<SlowQuery>();
        var hidden = 0L;
        string? missing = null;
        try
        {
            await AddAsync(connection.Queries.GetSlowQueriesAsync(filter, null, cancellationToken));
            hidden = await connection.Queries.CountHiddenAsync(filter, cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            missing = e.Message;
        }

        try
        {
            await AddAsync(
                connection.QueryLog.GetSlowQueriesAsync(
                    filter with { Since = DateTimeOffset.UtcNow - DropVerdict.DefaultWindow }, cancellationToken));
        }
        catch (PerfMonitoringException e) when (missing is not null && e.Kind != FailureKind.ConnectionFailed)
        {
            return new Workload([], 0, 0, [], $"{missing} {e.Message}");
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            // The counters of the server are enough.
        }

        // A query in both sources counts once, with the calls in the server's counters.
        var workload = queries.DistinctBy(q => q.QueryHash).Select(WorkloadStatement.From).ToList();
        var planned = await new WorkloadReader(connection.Catalog, [session], null).ReadAsync(workload, cancellationToken);
        return new Workload(
            planned.Statements, workload.Count - planned.Skipped.Count, hidden + planned.Skipped.Count(s => !s.IsUtility),
            [.. planned.Skipped.Select(s => s.Untrusted).OfType<UntrustedStatement>()],
            workload.Count == 0 ? missing ?? "no query was recorded yet." : null);

        async Task AddAsync(IAsyncEnumerable<SlowQuery> source)
        {
            await foreach (var query in source)
            {
                queries.Add(query);
            }
        }
    }

    private sealed record Workload(
        IReadOnlyList<PlannedStatement> Statements, int Count, long Unplanned, IReadOnlyList<UntrustedStatement> Untrusted,
        string? Unknown);
}
