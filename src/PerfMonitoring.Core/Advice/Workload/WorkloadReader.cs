using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>A workload with its plans.</summary>
/// <param name="Statements">One entry for each variant of a statement; those of one statement are adjacent.</param>
/// <param name="Tables">The tables that the statements read or write.</param>
/// <param name="Skipped">Statements without a plan.</param>
internal sealed record PlannedWorkload(
    IReadOnlyList<PlannedStatement> Statements, WorkloadTables Tables, IReadOnlyList<SkippedStatement> Skipped);

/// <summary>Plans each statement: its generic plan, and the plans with typical values of its parameters.</summary>
/// <param name="catalog">The tables.</param>
/// <param name="sessions">The planner; statements are planned concurrently.</param>
/// <param name="progress">Receives progress; may be null.</param>
internal sealed class WorkloadReader(
    ICatalogRepository catalog, IReadOnlyList<IWhatIf> sessions, IProgress<AdvisorProgress>? progress)
{
    private int calls;

    /// <summary>Number of planner calls so far.</summary>
    public int Calls => calls;

    /// <summary>Reads the workload.</summary>
    public async Task<PlannedWorkload> ReadAsync(IReadOnlyList<WorkloadStatement> workload, CancellationToken cancellationToken)
    {
        var plans = new PlanNode?[workload.Count];
        var skipped = new SkippedStatement?[workload.Count];
        await ForEachAsync(workload.Count, async (session, i) =>
        {
            progress?.Report(new AdvisorProgress("Reading plans", 100 * i / workload.Count, Calls));
            try
            {
                plans[i] = await ExplainAsync(session, workload[i].ToPlanText(workload[i].Text), true, cancellationToken);
            }
            catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
            {
                skipped[i] = new SkippedStatement(workload[i].QueryHash, e.Message, IsUtility: e.ErrorId == ErrorIds.NotPlannable)
                {
                    Untrusted = e.ErrorId == ErrorIds.UntrustedCode
                        ? UntrustedStatement.Of(workload[i].QueryHash, QueryText.Normalize(workload[i].Text), e.Message) : null,
                };
            }
        });

        var tables = await WorkloadTables.FindAsync(catalog, plans.OfType<PlanNode>(), cancellationToken);
        var parameters = new StatementParameters(catalog);
        var planned = new IReadOnlyList<PlannedStatement>[workload.Count];
        await ForEachAsync(workload.Count, async (session, i) =>
            planned[i] = plans[i] is { } plan
                ? await VariantsAsync(session, workload[i], plan, parameters, tables, cancellationToken) : []);
        return new PlannedWorkload([.. planned.SelectMany(p => p)], tables, [.. skipped.OfType<SkippedStatement>()]);
    }

    private async Task<IReadOnlyList<PlannedStatement>> VariantsAsync(
        IWhatIf session, WorkloadStatement statement, PlanNode generic, StatementParameters parameters, WorkloadTables tables,
        CancellationToken cancellationToken)
    {
        var united = tables.Unite(generic);
        var use = PlanReader.Read(united, statement.Text);
        IReadOnlyList<TableWrite> writes = [.. Writes(united, statement.Text)];
        var variants = await parameters.VariantsAsync(statement, united, tables, cancellationToken);
        var plans = new List<PlanNode>();
        try
        {
            foreach (var variant in variants)
            {
                plans.Add(
                    variant.Text is { Arguments: null } text && text.Text == statement.Text
                    ? generic : await ExplainAsync(session, variant.Text, false, cancellationToken));
            }
        }
        catch (PerfMonitoringException e) when (e.Kind is FailureKind.ServerError or FailureKind.InvalidArgument)
        {
            // Where a type does not accept the values of its column, the generic plan stays.
            return [new PlannedStatement(
                statement, statement.ToPlanText(statement.Text), statement.Weight, generic, use, writes)];
        }

        return [.. StatementParameters.Weigh(variants, plans, statement.RowsPerCall)
            .Select((v, i) => new PlannedStatement(statement, v.Text, statement.Weight * v.Share, plans[i], use, writes))
            .Where(p => p.Weight > 0 || variants.Count == 1)];
    }

    private static IEnumerable<TableWrite> Writes(PlanNode plan, string text) => plan.All()
        .Where(n => n is { NodeType: "ModifyTable", Operation: not null, RelationName: not null })
        .Select(n => new TableWrite(
            new RelationName(n.Schema, n.RelationName!), n.Operation!, n.Children.Sum(c => c.Rows),
            n.Operation == "Update" ? UpdatedColumns.Of(text) : null));

    private async Task<PlanNode> ExplainAsync(IWhatIf session, PlanText text, bool verbose, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref calls);
        return (await session.ExplainAsync(new WhatIfRequest(text, []) { Verbose = verbose }, cancellationToken)).Plan;
    }

    private Task ForEachAsync(int count, Func<IWhatIf, int, Task> action) =>
        SideBySide.ForEachAsync(sessions, Enumerable.Range(0, count), action);
}
