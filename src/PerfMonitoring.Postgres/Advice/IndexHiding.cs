using Npgsql;
using NpgsqlTypes;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>Plans without some of the real indexes.</summary>
internal sealed class IndexHidingRepository(Database target) : IWhatIfRepository
{
    public int MaximumSessions => 1;

    public async Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken) =>
        await IndexHiding.OpenAsync(target, statementTimeout, cancellationToken);
}

/// <summary>
/// Plans on one pinned connection, with indexes hidden from its planner by HypoPG 1.4. Only this backend knows about hidden
/// indexes. Without HypoPG it still plans with the existing indexes.
/// </summary>
internal sealed class IndexHiding : WhatIfSession
{
    private readonly string? schema;

    private IndexHiding(Database target, NpgsqlConnection connection, string? schema, TimeSpan statementTimeout)
        : base(target, connection, statementTimeout) => this.schema = schema;

    public override bool IsReal => true;

    public static async Task<IndexHiding> OpenAsync(
        Database target, TimeSpan statementTimeout, CancellationToken cancellationToken)
    {
        var schema = await target.QuerySingleOrDefaultAsync<string>(
            Sql.Get("GetHidingSchema"), null, cancellationToken);
        return new IndexHiding(target, await target.ConnectAsync(cancellationToken), schema, statementTimeout);
    }

    public override async ValueTask DisposeAsync()
    {
        // A pooled backend would keep hiding the indexes, because DISCARD ALL does not show them again.
        try
        {
            if (schema is not null)
            {
                await RunAsync([Unhide], CancellationToken.None);
            }
        }
        catch (Exception e) when (e is PerfMonitoringException or InvalidOperationException)
        {
            // The backend does not answer. Closing its connection ends it, and hides nothing any more.
            NpgsqlConnection.ClearPool(Connection);
        }

        await Connection.DisposeAsync();
    }

    // No setting outlasts a request.
    protected override Task PrepareAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task<string?> AskAsync(
        WhatIfRequest request, PlanCommands commands, CancellationToken cancellationToken)
    {
        if (request.Hidden.Count > 0 && schema is null)
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexHidingMissing, FailureKind.NotInstalled,
                $"{Target.Target} has no HypoPG 1.4, which hides an index from the planner.",
                "Install it on the server and run, in this database: create extension hypopg; or alter extension hypopg update.",
                Target.Target);
        }

        await using var batch = new NpgsqlBatch(Connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("begin read only"));
        if (schema is not null)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Unhide));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                $"select {Sql.Marker} pg_catalog.count(*) from pg_catalog.unnest($1) o where "
                    + $"{Identifier.Quote(schema)}.hypopg_hide_index(o)")
            {
                Parameters = {
                    new NpgsqlParameter {
                    Value = request.Hidden.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Oid } },
            });
        }

        foreach (var command in commands.Commands)
        {
            batch.BatchCommands.Add(command);
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("rollback"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (schema is not null)
        {
            await reader.NextResultAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            if (reader.GetInt64(0) != request.Hidden.Count)
            {
                throw new PerfMonitoringException(
                    ErrorIds.IndexNotFound, FailureKind.NotFound,
                    $"{Target.Target} has not all of the indexes that were to be hidden.", null, Target.Target);
            }
        }

        return await Planner.ReadAsync(reader, cancellationToken);
    }

    protected override WhatIfPlan Read(PlanNode plan, WhatIfRequest request, IReadOnlyDictionary<int, string> refused) =>
        new(plan, new Dictionary<string, int>(), refused, new Dictionary<int, long>());

    private string Unhide => $"select {Sql.Marker} {Identifier.Quote(schema!)}.hypopg_unhide_all_indexes()";
}
