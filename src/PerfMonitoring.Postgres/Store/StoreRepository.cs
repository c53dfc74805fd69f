using PerfMonitoring.Common;
using Npgsql;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Store;

namespace PerfMonitoring.Postgres.Store;

/// <summary>The store's schemas: the one of this database and, in a store for many, the list of all.</summary>
/// <param name="target">The monitored database.</param>
/// <param name="store">The database of the store.</param>
/// <param name="guarded">The same as the store of the session, which looks its schema up again after an upgrade.</param>
/// <param name="locator">Finds the schema.</param>
internal sealed class StoreRepository(Database target, Database store, Database guarded, StoreLocator locator) : IStoreRepository
{
    private static readonly TimeSpan LockPollInterval = TimeSpan.FromMilliseconds(200);

    private readonly CitusStore citusStore = new(store);

    public async Task<bool> IsReadyAsync(CancellationToken cancellationToken) =>
        (await GetPendingAsync(new(), all: false, cancellationToken)).Count == 0;

    public async Task<IReadOnlyList<StoreMigration>> GetPendingAsync(
        StoreRegistration registration, bool all, CancellationToken cancellationToken) =>
        await store.InTransactionAsync(
            (connection, transaction) => Upgrade(connection, transaction, registration, all, cancellationToken).PlanAsync(),
            cancellationToken);

    public async Task<IReadOnlyList<StoreMigration>> UpgradeAsync(
        StoreRegistration registration, bool all, CancellationToken cancellationToken)
    {
        var citus = await citusStore.IsThereAsync(cancellationToken);
        while (true)
        {
            if (citus)
            {
                await AddSchemasAsync(registration, cancellationToken);
            }

            var applied = await store.InTransactionAsync(
                async (connection, transaction) => await TryLockAsync(connection, transaction, cancellationToken)
                    ? await Upgrade(connection, transaction, registration, all, cancellationToken).RunAsync() : null,
                cancellationToken);
            if (applied is not null)
            {
                guarded.ForgetStore();
                foreach (var schema in citus ? await DistributableAsync(all, cancellationToken) : [])
                {
                    await citusStore.DistributeAsync(schema, cancellationToken);
                }

                return applied;
            }

            // The second of two upgrades waits and then has nothing to do.
            await Task.Delay(LockPollInterval, cancellationToken);
        }
    }

    public Task<string?> FindSchemaAsync(CancellationToken cancellationToken) => locator.FindAsync(cancellationToken);

    public async Task<string?> GetNoteAsync(CancellationToken cancellationToken) =>
        locator.IsShared ? (await locator.MatchAsync(StoreEntryIdentity.Auto, cancellationToken)).Note : null;

    public async Task SaveSightingAsync(CancellationToken cancellationToken)
    {
        if (locator.IsShared
            && (await locator.MatchAsync(StoreEntryIdentity.Auto, cancellationToken)).Entry is { } entry)
        {
            await store.ExecuteAsync(
                Sql.InSchema(Sql.Get("SaveSighting"), StoreSchema.Own),
                StoreUpgrade.Sighting(entry.SchemaName, target.Target, await locator.GetInstanceAsync(cancellationToken)),
                cancellationToken);
        }
    }

    public Task<IReadOnlyList<StoreEntry>> GetEntriesAsync(CancellationToken cancellationToken) =>
        locator.GetEntriesAsync(onlyOwn: false, cancellationToken);

    // The schemas that the upgrade needs, each in a transaction of its own.
    private async Task AddSchemasAsync(StoreRegistration registration, CancellationToken cancellationToken)
    {
        var missing = await store.InTransactionAsync(
            (connection, transaction) =>
                Upgrade(connection, transaction, registration, all: false, cancellationToken).GetMissingSchemasAsync(),
            cancellationToken);
        foreach (var schema in missing)
        {
            await citusStore.AddSchemaAsync(schema, cancellationToken);
        }
    }

    private async Task<IEnumerable<string>> DistributableAsync(bool all, CancellationToken cancellationToken) =>
        all ? (await GetEntriesAsync(cancellationToken)).Select(e => e.SchemaName)
            : await locator.TryFindAsync(cancellationToken) is { } own ? [own] : [];

    private StoreUpgrade Upgrade(
        NpgsqlConnection connection, NpgsqlTransaction transaction, StoreRegistration registration, bool all,
        CancellationToken cancellationToken) =>
        new(target, store, locator, new StoreScripts(store, connection, transaction, cancellationToken), registration, all);

    private static async Task<bool> TryLockAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Sql.Get("TryLockStore"), connection, transaction);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
