using Npgsql;
using PerfMonitoring.Advisor;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Catalog;
using PerfMonitoring.Postgres.Connections;

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

    public int Calls { get; private set; }

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
                    $"select {session.schema}.hypopg_reset()",
                    "set hypopg.use_real_oids = off",
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
            await using var command = new NpgsqlCommand($"select h.indexrelid from {schema}.hypopg_create_index($1) h", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = definition.ToAnonymousStatement() });
            return (uint)(await command.ExecuteScalarAsync(cancellationToken))!;
        },
        cancellationToken);

    public Task DropAsync(uint id, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            await using var command = new NpgsqlCommand($"select {schema}.hypopg_drop_index($1)", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = id, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            return await command.ExecuteScalarAsync(cancellationToken);
        },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        // Given back to the pool the backend would keep its hypothetical indexes: DISCARD ALL does not know of them.
        try
        {
            await RunAsync([$"select {schema}.hypopg_reset()"], CancellationToken.None);
        }
        catch (Exception e) when (e is Model.PerfMonitoringException or InvalidOperationException)
        {
            // The backend cannot be asked any more; it ends with its connection, and so does what it remembers.
            NpgsqlConnection.ClearPool(connection);
        }

        await connection.DisposeAsync();
    }

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
