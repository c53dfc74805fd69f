using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Postgres.Prerequisites;

/// <summary>The facts on which the checks of the prerequisites rest.</summary>
internal sealed class PrerequisiteRepository(Database target, Database store, StoreLocator locator) : IPrerequisiteRepository
{
    public Task<ServerFacts> GetServerAsync(CancellationToken cancellationToken) =>
        SingleAsync<ServerFacts>(target, "GetServerState", cancellationToken);

    public Task<IReadOnlyList<ExtensionFacts>> GetExtensionsAsync(
        IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        target.QueryAsync<ExtensionFacts>(Sql.Get("GetExtensions"), new { Names = names.ToArray() }, cancellationToken);

    public Task<IReadOnlyList<SettingFacts>> GetSettingsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        target.QueryAsync<SettingFacts>(Sql.Get("GetSettings"), new { Names = names.ToArray() }, cancellationToken);

    public async Task<RightFacts> GetRightsAsync(CancellationToken cancellationToken) =>
        (await SingleAsync<RightsRow>(target, "GetRights", cancellationToken)).ToFacts();

    public Task<IReadOnlyList<string>> GetPowersAsync(CancellationToken cancellationToken) =>
        target.QueryAsync<string>(Sql.Get("GetPowers"), null, cancellationToken);

    public async Task<StoreRightFacts> GetStoreRightsAsync(CancellationToken cancellationToken) =>
        (await store.QueryAsync<StoreRightFacts>(
            Sql.Get("GetStoreRights"),
            new { SchemaName = await locator.TryFindAsync(cancellationToken) ?? StoreSchema.Own }, cancellationToken))[0];

    public async Task<IReadOnlyList<AccessGrant>> GetMissingGrantsAsync(
        IReadOnlyList<AccessGrant> grants, bool ofStore, CancellationToken cancellationToken)
    {
        var database = ofStore ? store : target;
        // For a list of privileges the server's has_table_privilege checks whether the role has any one; here all are needed.
        var asked = grants.SelectMany(g => g.Privileges.Split(", ").Select(p => (Grant: g, Privilege: p))).ToList();
        var missing = await database.QueryAsync<int>(
            Sql.Get("GetMissingGrants"),
            new
            {
                Kinds = asked.Select(a => EnumLabel.Of(a.Grant.Kind)).ToArray(),
                Schemas = asked.Select(a => a.Grant.Schema).ToArray(),
                Names = asked.Select(a => a.Grant.Name).ToArray(),
                Privileges = asked.Select(a => a.Privilege).ToArray(),
            },
            cancellationToken);
        return [.. missing.Select(i => asked[i]).GroupBy(a => a.Grant)
            .Select(g => g.Key with { Privileges = string.Join(", ", g.Select(a => a.Privilege)) })];
    }

    public Task<StatisticsFacts> GetStatisticsAsync(CancellationToken cancellationToken) =>
        SingleAsync<StatisticsFacts>(target, "GetStatistics", cancellationToken);

    private static async Task<T> SingleAsync<T>(Database database, string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<T>(Sql.Get(name), null, cancellationToken))[0];


    private sealed class RightsRow
    {
        public bool Inherits { get; init; }
        public bool ReadsAllStatistics { get; init; }
        public long Relations { get; init; }
        public long ReadableRelations { get; init; }
        public string[] UnreadableSchemas { get; init; } = [];
        public long Tables { get; init; }
        public long IndexableTables { get; init; }
        public string[] OtherOwners { get; init; } = [];
        public string[] ClosedSchemas { get; init; } = [];
        public string[] SuperOwners { get; init; } = [];

        public RightFacts ToFacts() => new()
        {
            Inherits = Inherits, ReadsAllStatistics = ReadsAllStatistics, Relations = Relations,
            ReadableRelations = ReadableRelations,
            UnreadableSchemas = UnreadableSchemas, Tables = Tables, IndexableTables = IndexableTables, OtherOwners = OtherOwners,
            ClosedSchemas = ClosedSchemas, SuperOwners = SuperOwners,
        };
    }
}
