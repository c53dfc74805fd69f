using PerfMonitoring.Common;
using Npgsql;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// A store on Citus 12 or later: each schema of a monitored database lies on one node. Keys, foreign keys, partitions and
/// statements stay as they are, because a schema is never divided. The list of the monitored databases stays on the coordinator.
/// </summary>
internal sealed class CitusStore(Database store)
{
    // The first version that shards by schema.
    private const int SchemaSharding = 12;

    /// <summary>Whether the store's database has Citus with sharding by schema.</summary>
    public async Task<bool> IsThereAsync(CancellationToken cancellationToken) =>
        await store.QuerySingleOrDefaultAsync<int?>(Sql.Get("GetCitus"), null, cancellationToken) >= SchemaSharding;

    /// <summary>
    /// Makes a schema in a transaction of its own. Citus does not let a role that it does not know yet make a schema and types in
    /// one transaction.
    /// </summary>
    public Task AddSchemaAsync(string schema, CancellationToken cancellationToken) => store.InTransactionAsync(
        async (connection, transaction) =>
        {
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Get("KeepSchemaLocal")));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.InSchema(Sql.Get("AddSchema"), schema)));
            return await batch.ExecuteNonQueryAsync(cancellationToken);
        },
        cancellationToken);

    /// <summary>Moves a schema to a node, if it is not on one.</summary>
    public async Task DistributeAsync(string schema, CancellationToken cancellationToken)
    {
        var name = new { SchemaName = schema };
        if (schema == StoreSchema.Own
            || await store.QuerySingleOrDefaultAsync<bool>(Sql.Get("GetIsDistributed"), name, cancellationToken))
        {
            return;
        }

        await store.QueryAsync<string>(Sql.Get("DistributeSchema"), name, cancellationToken);
        await store.QueryAsync<string>(Sql.Get("RemoveLocalRows"), name, cancellationToken);
    }
}
