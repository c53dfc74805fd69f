using Npgsql;
using PerfMonitoring.Advisor;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Catalog;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Queries;

namespace PerfMonitoring.Postgres.Advisor;

/// <summary>
/// Hypothetical indexes on one pinned connection. They live in the memory of its backend only, and are gone at the end, whatever
/// ended it.
/// </summary>
internal sealed class HypoPg : IWhatIf
{
    private readonly Database target;
    private readonly NpgsqlConnection connection;
    private readonly string schema;

    private HypoPg(Database target, NpgsqlConnection connection, string schema)
    {
        this.target = target;
        this.connection = connection;
        this.schema = Identifier.Quote(schema);
    }

    /// <summary>Null where the extension is not in the database.</summary>
    public static async Task<HypoPg?> TryOpenAsync(Database target, TimeSpan statementTimeout, CancellationToken cancellationToken)
    {
        var schema = await target.QuerySingleOrDefaultAsync<string>(
            Sql.Get(typeof(CatalogRepository), "GetHypoPgSchema", target.Target.ServerVersionNumber), null, cancellationToken);
        if (schema is null)
        {
            return null;
        }

        var session = new HypoPg(target, await target.ConnectAsync(cancellationToken), schema);
        try
        {
            // Real object identifiers would be taken from the catalog's counter; hypothetical ones need none.
            await session.RunAsync(
                [
                    $"set statement_timeout = {(long)statementTimeout.TotalMilliseconds}",
                    "set plan_cache_mode = force_generic_plan",
                    $"select {Sql.Marker} {session.schema}.hypopg_reset()",
                    "set hypopg.use_real_oids = off",
                    // Planning may call functions of the user's to fold constants: they shall not write.
                    "set default_transaction_read_only = on",
                ],
                cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public Task<uint> CreateAsync(IndexDefinition definition, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var command = new NpgsqlCommand($"select {Sql.Marker} h.indexrelid from {schema}.hypopg_create_index($1) h", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = definition.ToAnonymousStatement() });
            return (uint)(await command.ExecuteScalarAsync(cancellationToken))!;
        },
        cancellationToken);

    public Task DropAsync(uint id, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var command = new NpgsqlCommand($"select {Sql.Marker} {schema}.hypopg_drop_index($1)", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = id, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            return await command.ExecuteScalarAsync(cancellationToken);
        },
        cancellationToken);

    public async Task<string> ExplainAsync(string statement, CancellationToken cancellationToken)
    {
        var text = PlannableText.TryMake(statement, out var parameters) ?? throw PlanRepository.NotPlannable();
        try
        {
            await using var batch = new NpgsqlBatch(connection);
            if (parameters == 0)
            {
                // A command of a batch is one statement to the server, whatever the text says.
                batch.BatchCommands.Add(new NpgsqlBatchCommand("explain (format json, verbose) " + text));
            }
            else
            {
                // Within one batch, since the settings that carry the text and the plan last for a transaction. It is prepared anew each
                // time: a plan that is kept does not notice hypothetical indexes that come and go.
                var prepare = new NpgsqlBatchCommand(PlanSql("PrepareExplain"));
                prepare.Parameters.Add(new NpgsqlParameter("Statement", text));
                prepare.Parameters.Add(new NpgsqlParameter("Arguments", $"({string.Join(',', Enumerable.Repeat("null", parameters))})"));
                batch.BatchCommands.Add(prepare);
                batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanSql("Explain")));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanSql("GetPlan")));
            }

            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            string? plan = null;
            do
            {
                while (await reader.ReadAsync(cancellationToken))
                {
                    plan = reader.GetString(0);
                }
            }
            while (await reader.NextResultAsync(cancellationToken));

            return plan!;
        }
        catch (PostgresException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw PlanRepository.NotPlanned(e, target.Target);
        }
        catch (Exception e) when (Failures.TryTranslate(e, target.Target.ToString(), cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Given back to the pool the backend would keep its hypothetical indexes: DISCARD ALL does not know of them.
        try
        {
            await RunAsync([$"select {Sql.Marker} {schema}.hypopg_reset()"], CancellationToken.None);
        }
        catch (Exception e) when (e is Model.PerfMonitoringException or InvalidOperationException)
        {
            // The backend cannot be asked any more; it ends with its connection, and so does what it remembers.
            NpgsqlConnection.ClearPool(connection);
        }

        await connection.DisposeAsync();
    }

    private string PlanSql(string name) => Sql.Get(typeof(PlanRepository), name, target.Target.ServerVersionNumber);

    private Task<bool> RunAsync(IEnumerable<string> statements, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var batch = new NpgsqlBatch(connection);
            foreach (var statement in statements)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            }

            await batch.ExecuteNonQueryAsync(cancellationToken);
            return true;
        },
        cancellationToken);
}
