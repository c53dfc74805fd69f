using System.Collections.Concurrent;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Store;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// Finds the schema of a monitored database: perf_monitoring in the database itself, or, in a store for many, the schema that its
/// entry names.
/// </summary>
/// <param name="target">The monitored database.</param>
/// <param name="store">The database of the store.</param>
internal sealed class StoreLocator(Database target, Database store)
{
    // The check runs once a session.
    private readonly ConcurrentDictionary<string, bool> trusted = new();
    private ServerInstance? instance;

    /// <summary>Whether the store is in another database, and so for many.</summary>
    public bool IsShared { get; } = !store.Target.IsSameDatabaseAs(target.Target);

    /// <summary>The schema, after a check that it is trusted; null if there is no store at all.</summary>
    /// <exception cref="PerfMonitoringException">
    /// StoreNotTrusted. StoreMissing if a store for many does not know this database, or has the layout of an earlier version:
    /// whoever gave a store wants the audit to be kept there.
    /// </exception>
    public async Task<string?> FindAsync(CancellationToken cancellationToken)
    {
        var (schema, note) = await SearchAsync(cancellationToken);
        return schema is null && IsShared && await HasAsync(
            StoreSchema.Own, [MigrationScripts.Registry.Journal, MigrationScripts.Data.Journal], cancellationToken)
            ? throw Failures.StoreMissing(store.Target.ToString(), note) : schema;
    }

    /// <summary>The schema, after a check that it is trusted; null if there is none for this database.</summary>
    /// <exception cref="PerfMonitoringException">StoreNotTrusted.</exception>
    public async Task<string?> TryFindAsync(CancellationToken cancellationToken) =>
        (await SearchAsync(cancellationToken)).Schema;

    /// <summary>Whether a schema is there and trusted.</summary>
    /// <exception cref="PerfMonitoringException">StoreNotTrusted.</exception>
    public async Task<bool> IsTrustedAsync(string schema, CancellationToken cancellationToken) =>
        trusted.GetValueOrDefault(schema) || (trusted[schema] = await StoreTrust.CheckAsync(store, schema, cancellationToken));

    /// <summary>The entry of the database in a store for many.</summary>
    public async Task<StoreEntryMatch> MatchAsync(StoreEntryIdentity judgement, CancellationToken cancellationToken) =>
        StoreEntryMatch.Of(
            target.Target, await GetInstanceAsync(cancellationToken), await GetEntriesAsync(onlyOwn: true, cancellationToken),
            judgement);

    /// <summary>The list of the monitored databases; empty if there is none.</summary>
    /// <param name="onlyOwn">Whether only entries are needed that may be this database's.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<IReadOnlyList<StoreEntry>> GetEntriesAsync(bool onlyOwn, CancellationToken cancellationToken)
    {
        if (!await HasAsync(StoreSchema.Own, [MigrationScripts.Registry.Journal], cancellationToken)
            || !await IsTrustedAsync(StoreSchema.Own, cancellationToken))
        {
            return [];
        }

        var rows = await store.QueryAsync<Row>(
            Sql.InSchema(Sql.Get("GetRegisteredDatabases"), StoreSchema.Own), Filter(onlyOwn), cancellationToken);
        return [.. rows.Select(r => r.ToEntry(store.Target))];
    }

    /// <summary>The parameters of GetRegisteredDatabases.sql.</summary>
    public object Filter(bool onlyOwn) => new
    {
        SystemIdentifier = onlyOwn ? target.Target.SystemIdentifier : null,
        DatabaseName = onlyOwn ? target.Target.Database : null,
        DatabaseOid = (long)target.Target.DatabaseOid,
    };

    /// <summary>The server of the monitored database.</summary>
    public async Task<ServerInstance> GetInstanceAsync(CancellationToken cancellationToken)
    {
        if (instance is null)
        {
            var row = await target.QuerySingleOrDefaultAsync<InstanceRow>(
                Sql.Get("GetServerInstance"), null, cancellationToken);
            instance = new(row!.StartedAt, row.IsInRecovery, row.Timeline);
        }

        return instance;
    }

    private async Task<(string? Schema, string? Note)> SearchAsync(CancellationToken cancellationToken)
    {
        if (!IsShared)
        {
            return (await HasAsync(StoreSchema.Own, [MigrationScripts.Data.Journal], cancellationToken)
                && await IsTrustedAsync(StoreSchema.Own, cancellationToken) ? StoreSchema.Own : null, null);
        }

        var match = await MatchAsync(StoreEntryIdentity.Auto, cancellationToken);
        return (match.Entry is { } entry && await IsTrustedAsync(entry.SchemaName, cancellationToken)
            ? entry.SchemaName : null, match.Note);
    }

    private async Task<bool> HasAsync(string schema, string[] tables, CancellationToken cancellationToken) =>
        (await store.QueryAsync<string>(
            Sql.Get("GetStoreTables"), new { SchemaName = schema, Tables = tables }, cancellationToken)).Count > 0;

    /// <summary>A row of GetRegisteredDatabases.sql.</summary>
    internal sealed class Row
    {
        public string SchemaName { get; init; } = "";
        public long? SystemIdentifier { get; init; }
        public long? DatabaseOid { get; init; }
        public int Copy { get; init; }
        public string DatabaseName { get; init; } = "";
        public string? GroupName { get; init; }
        public string[] Tags { get; init; } = [];
        public DateTimeOffset RegisteredAt { get; init; }
        public string? HostName { get; init; }
        public int? Port { get; init; }
        public string[]? Addresses { get; init; }
        public DateTimeOffset? ServerStartedAt { get; init; }
        public int? Timeline { get; init; }
        public DateTimeOffset? SeenAt { get; init; }

        public StoreEntry ToEntry(ServerTarget store) => new()
        {
            SchemaName = SchemaName,
            SystemIdentifier = SystemIdentifier,
            DatabaseOid = (uint?)DatabaseOid,
            Copy = Copy,
            Database = DatabaseName,
            Group = GroupName,
            Tags = Tags,
            RegisteredAt = RegisteredAt,
            HostName = HostName,
            Port = Port,
            Addresses = Addresses ?? [],
            ServerStartedAt = ServerStartedAt,
            Timeline = Timeline,
            SeenAt = SeenAt,
            Store = store,
        };
    }

    private sealed class InstanceRow
    {
        public DateTimeOffset StartedAt { get; init; }
        public bool IsInRecovery { get; init; }
        public int? Timeline { get; init; }
    }
}
