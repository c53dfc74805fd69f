using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Store;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// Brings a store to the layout of this version: the list of monitored databases where the store is for many, the schema of this
/// database, and what an earlier version kept in one schema for all databases.
/// </summary>
internal sealed class StoreUpgrade(
    Database target, Database store, StoreLocator locator, StoreScripts scripts, StoreRegistration registration, bool all)
{
    // The last migration whose rows name their database.
    private const string LastForMany = "0007_maintenance_window.sql";

    /// <summary>The migrations that <see cref="RunAsync"/> would apply.</summary>
    public async Task<IReadOnlyList<StoreMigration>> PlanAsync()
    {
        var hasOwn = await locator.IsTrustedAsync(StoreSchema.Own, CancellationToken.None);
        if (hasOwn && await IsForManyAsync(StoreSchema.Own))
        {
            return [
                .. await scripts.GetPendingAsync(MigrationScripts.Data, StoreSchema.Own),
                .. locator.IsShared ? await scripts.GetPendingAsync(MigrationScripts.Registry, StoreSchema.Own) : []];
        }

        return
        [
            .. locator.IsShared ? await scripts.GetPendingAsync(MigrationScripts.Registry, StoreSchema.Own) : [],
            .. await PendingAsync(locator.IsShared ? (await FindAsync()).Schema : StoreSchema.Own),
            .. await OthersAsync(),
        ];

        async Task<IReadOnlyList<StoreMigration>> PendingAsync(string schema) =>
            [.. (await scripts.GetPendingAsync(MigrationScripts.Data, schema)).Select(m => m with { Target = target.Target })];

        async Task<IReadOnlyList<StoreMigration>> OthersAsync()
        {
            var pending = new List<StoreMigration>();
            foreach (var schema in await OtherSchemasAsync())
            {
                pending.AddRange(await scripts.GetPendingAsync(MigrationScripts.Data, schema));
            }

            return pending;
        }
    }

    /// <summary>The schemas that <see cref="RunAsync"/> would make.</summary>
    public async Task<IReadOnlyList<string>> GetMissingSchemasAsync()
    {
        if (await IsForManyAsync(StoreSchema.Own))
        {
            return [];
        }

        string[] needed = locator.IsShared ? [StoreSchema.Own, (await FindAsync()).Schema] : [StoreSchema.Own];
        var missing = new List<string>();
        foreach (var schema in needed)
        {
            if (!await scripts.HasSchemaAsync(schema))
            {
                missing.Add(schema);
            }
        }

        return missing;
    }

    /// <summary>Upgrades. The transaction holds the lock of upgrades.</summary>
    public async Task<IReadOnlyList<StoreMigration>> RunAsync()
    {
        var applied = new List<StoreMigration>();
        if (await locator.IsTrustedAsync(StoreSchema.Own, CancellationToken.None)
            && await IsForManyAsync(StoreSchema.Own))
        {
            await SplitAsync(applied);
        }

        if (!locator.IsShared)
        {
            applied.AddRange(await MigrateAsync(StoreSchema.Own));
        }
        else
        {
            applied.AddRange(await scripts.MigrateAsync(MigrationScripts.Registry, StoreSchema.Own));
            var (schema, match) = await FindAsync();
            if (match.Entry is not null)
            {
                await locator.IsTrustedAsync(schema, CancellationToken.None);
            }

            await RegisterAsync(
                schema, target.Target.SystemIdentifier, target.Target.DatabaseOid, match.Entry?.Copy ?? match.Copy,
                target.Target.Database);
            await scripts.ExecuteAsync(
                "SaveSighting", Sighting(schema, target.Target, await locator.GetInstanceAsync(CancellationToken.None)));
            applied.AddRange(await MigrateAsync(schema));
        }

        foreach (var schema in await OtherSchemasAsync())
        {
            await locator.IsTrustedAsync(schema, CancellationToken.None);
            applied.AddRange(await scripts.MigrateAsync(MigrationScripts.Data, schema));
        }

        return applied;
    }

    /// <summary>The parameters of SaveSighting.sql.</summary>
    public static object Sighting(string schema, ServerTarget target, ServerInstance instance) => new
    {
        SchemaName = schema,
        target.HostName,
        target.Port,
        Address = StoreEntryMatch.AddressOf(target),
        ServerStartedAt = (DateTime?)instance.StartedAt.UtcDateTime,
        instance.Timeline,
    };

    private async Task<IReadOnlyList<StoreMigration>> MigrateAsync(string schema) =>
        [.. (await scripts.MigrateAsync(MigrationScripts.Data, schema)).Select(m => m with { Target = target.Target })];

    private async Task<bool> IsForManyAsync(string schema) =>
        await scripts.HasTableAsync(schema, MigrationScripts.Data.Journal)
        && (await scripts.GetPendingAsync(MigrationScripts.Data, schema))
            .Any(m => string.CompareOrdinal(m.Name, LastForMany) > 0)
        && await scripts.HasTableAsync(schema, "monitored_database");

    private async Task<(string Schema, StoreEntryMatch Match)> FindAsync()
    {
        var entries = await EntriesAsync(locator.Filter(onlyOwn: true));
        var match = StoreEntryMatch.Of(
            target.Target, await locator.GetInstanceAsync(CancellationToken.None), entries, registration.Identity);
        if (match.Entry is { } entry)
        {
            return (entry.SchemaName, match);
        }

        return (await FreeNameAsync(attempt => StoreSchema.NameOf(target.Target, match.Copy, attempt)), match);
    }

    private async Task<IReadOnlyList<StoreEntry>> EntriesAsync(object filter) =>
        await scripts.HasTableAsync(StoreSchema.Own, MigrationScripts.Registry.Journal)
            ? [.. (await scripts.QueryAsync<StoreLocator.Row>("GetRegisteredDatabases", filter))
                .Select(r => r.ToEntry(store.Target))]
            : [];

    private async Task<IEnumerable<string>> OtherSchemasAsync() =>
        all ? (await EntriesAsync(locator.Filter(onlyOwn: false))).Select(e => e.SchemaName) : [];

    // The digits of two databases may be the same.
    private async Task<string> FreeNameAsync(Func<int, string> name)
    {
        var taken = (await EntriesAsync(locator.Filter(onlyOwn: false))).Select(e => e.SchemaName).ToHashSet();
        return Enumerable.Range(0, int.MaxValue).Select(name).First(n => !taken.Contains(n));
    }

    private Task<int> RegisterAsync(string schema, long? systemIdentifier, uint? oid, int copy, string database) =>
        scripts.ExecuteAsync(
            "RegisterDatabase",
            new
            {
                SchemaName = schema,
                SystemIdentifier = systemIdentifier,
                DatabaseOid = (long?)oid,
                Copy = copy,
                DatabaseName = database,
                GroupName = registration.Group,
                Tags = registration.Tags?.ToArray(),
            });

    // An earlier version kept the rows of all databases in one schema. In a store for many the schema goes to the database with
    // the most rows, and the others get schemas of their own.
    private async Task SplitAsync(List<StoreMigration> applied)
    {
        var from = StoreSchema.Own;
        applied.AddRange(await scripts.MigrateAsync(MigrationScripts.Data, from, LastForMany));
        var databases = (await scripts.QueryAsync<EarlierRow>("GetEarlierDatabases", null)).ToList();
        var heirs = locator.IsShared ? databases.Take(1).ToList() : databases.FindAll(IsTarget);
        var others = databases.Except(heirs).ToList();
        if (locator.IsShared)
        {
            from = heirs.Count == 0 ? StoreSchema.NameOf(target.Target) : NameOf(heirs[0]);
            await scripts.RunAsync($"alter {Sql.Marker} schema {StoreSchema.Own} rename to {from}");
        }

        if (locator.IsShared || others.Count > 0)
        {
            applied.AddRange(await scripts.MigrateAsync(MigrationScripts.Registry, StoreSchema.Own));
        }

        foreach (var other in others)
        {
            var schema = NameOf(other);
            await RegisterEarlierAsync(schema, other);
            await scripts.MigrateAsync(MigrationScripts.Data, schema, LastForMany);
            await scripts.QueryAsync<string>("AddPartitions", new { other.Id }, schema, from);
            await scripts.ExecuteAsync("MoveDatabase", new { other.Id }, schema, from);
            await scripts.ExecuteAsync("RemoveDatabase", new { other.Id }, schema, from);
            await GrantAsync(await scripts.QueryAsync<string>("CopyGrants", new { SchemaName = schema, From = from }));
            applied.AddRange(await scripts.MigrateAsync(MigrationScripts.Data, schema));
        }

        if (locator.IsShared)
        {
            if (heirs.Count > 0)
            {
                await RegisterEarlierAsync(from, heirs[0]);
            }
            else
            {
                await RegisterAsync(from, target.Target.SystemIdentifier, target.Target.DatabaseOid, 0, target.Target.Database);
            }

            applied.AddRange(await scripts.MigrateAsync(MigrationScripts.Data, from));
        }

        if (locator.IsShared || others.Count > 0)
        {
            await GrantAsync(await scripts.QueryAsync<string>("GrantRegistry", new { SchemaName = from }));
        }
    }

    private static string NameOf(EarlierRow row) =>
        StoreSchema.NameOf(row.DatabaseName, $"{row.ServerIdentity}/{row.DatabaseName}");

    // A row that has an address instead of an identity is of this database if it has its name: the store is in the database.
    private bool IsTarget(EarlierRow row) =>
        row.DatabaseName == target.Target.Database
        && (row.SystemIdentifier is null || row.SystemIdentifier == target.Target.SystemIdentifier);

    private async Task RegisterEarlierAsync(string schema, EarlierRow row)
    {
        await RegisterAsync(schema, row.SystemIdentifier, null, 0, row.DatabaseName);
        await scripts.ExecuteAsync(
            "SaveSighting",
            new
            {
                SchemaName = schema,
                row.HostName,
                row.Port,
                Address = StoreEntryMatch.AddressOf(
                    new ServerTarget { HostName = row.HostName, Port = row.Port, Database = row.DatabaseName }),
                ServerStartedAt = (DateTime?)null,
                Timeline = (int?)null,
            });
    }

    private async Task GrantAsync(IReadOnlyList<string> statements)
    {
        foreach (var statement in statements)
        {
            await scripts.RunAsync(statement);
        }
    }

    /// <summary>A row of monitored_database in the layout for many.</summary>
    private sealed class EarlierRow
    {
        public Guid Id { get; init; }
        public string ServerIdentity { get; init; } = "";
        public string DatabaseName { get; init; } = "";
        public string HostName { get; init; } = "";
        public int Port { get; init; }

        public long? SystemIdentifier =>
            long.TryParse(ServerIdentity, NumberStyles.Integer, CultureInfo.InvariantCulture, out var id) ? id : null;
    }
}
