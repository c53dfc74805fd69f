using System.Diagnostics;
using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.QueryLog;

/// <summary>Adds plans to slow statements, as far as a short time allows.</summary>
internal sealed class PlanAttachment(Database target, IPlanRepository plans)
{
    // The store's head stays locked during this time, so other runs wait.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Adds the plans. Returns the statements that were not planned because of code that planning could run.</summary>
    public async Task<IReadOnlyList<UntrustedStatement>> AttachAsync(
        IReadOnlyList<Entry> entries, IProgress<string> details, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var untrusted = new List<UntrustedStatement>();
        var summaries = new List<(Entry Entry, PlanSummary Summary)>();
        foreach (var entry in entries)
        {
            if (clock.Elapsed > Limit)
            {
                details.Report($"Statement {entry.Hash[..12]} has no plan: the time for plans is over.");
                continue;
            }

            PlanSummary summary;
            try
            {
                var plan = await plans.ExplainAsync(
                    new PlanText(entry.Query) { Origin = new StatementOrigin([entry.UserName]) }, cancellationToken);
                summary = PlanSummary.Read(plan);
                entry.Plan = plan;
            }
            catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
            {
                if (e.ErrorId == ErrorIds.UntrustedCode)
                {
                    untrusted.Add(UntrustedStatement.Of(entry.Hash, entry.Pattern, e.Message));
                }

                details.Report($"Statement {entry.Hash[..12]} has no plan: {e.Message}");
                continue;
            }

            entry.IndexesUsed = JsonSerializer.Serialize(summary.Indexes);
            entry.UsedIndex = summary.Indexes.Count > 0;
            summaries.Add((entry, summary));
        }

        var rows = await GetTableRowsAsync(
            [.. summaries.SelectMany(s => s.Summary.Scans).Where(s => s.IsWhole)], cancellationToken);
        foreach (var (entry, summary) in summaries)
        {
            entry.RowsExamined = summary.EstimateRowsExamined(
                s => rows.TryGetValue((s.Schema ?? "", s.Table), out var count) ? count : null);
        }

        return untrusted;
    }

    private async Task<Dictionary<(string Schema, string Table), double>> GetTableRowsAsync(
        IReadOnlyList<PlanScan> scans, CancellationToken cancellationToken)
    {
        var tables = scans.Select(s => (Schema: s.Schema ?? "", s.Table)).Distinct().ToList();
        if (tables.Count == 0)
        {
            return [];
        }

        var found = await target.QueryAsync<TableRows>(
            Sql.Get("GetTableRows"),
            new { Schemas = tables.Select(t => t.Schema).ToArray(), Names = tables.Select(t => t.Table).ToArray() },
            cancellationToken);
        return found.ToDictionary(t => (t.Schema, t.Name), t => t.Rows);
    }

    private sealed class TableRows
    {
        public string Schema { get; init; } = "";
        public string Name { get; init; } = "";
        public double Rows { get; init; }
    }
}
