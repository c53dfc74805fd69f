using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Postgres.Prerequisites;

/// <summary>The facts that prerequisites are judged by.</summary>
internal sealed class PrerequisiteRepository(Database target, Database store) : IPrerequisiteRepository
{
    public Task<ServerFacts> GetServerAsync(CancellationToken cancellationToken) =>
        SingleAsync<ServerFacts>(target, "GetServer", cancellationToken);

    public Task<IReadOnlyList<ExtensionFacts>> GetExtensionsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        target.QueryAsync<ExtensionFacts>(Text(target, "GetExtensions"), new { Names = names.ToArray() }, cancellationToken);

    public Task<IReadOnlyList<SettingFacts>> GetSettingsAsync(IReadOnlyList<string> names, CancellationToken cancellationToken) =>
        target.QueryAsync<SettingFacts>(Text(target, "GetSettings"), new { Names = names.ToArray() }, cancellationToken);

    public Task<RightFacts> GetRightsAsync(CancellationToken cancellationToken) =>
        SingleAsync<RightFacts>(target, "GetRights", cancellationToken);

    public Task<IReadOnlyList<string>> GetPowersAsync(CancellationToken cancellationToken) =>
        target.QueryAsync<string>(Text(target, "GetPowers"), null, cancellationToken);

    public Task<StoreRightFacts> GetStoreRightsAsync(CancellationToken cancellationToken) =>
        SingleAsync<StoreRightFacts>(store, "GetStoreRights", cancellationToken);

    public Task<StatisticsFacts> GetStatisticsAsync(CancellationToken cancellationToken) =>
        SingleAsync<StatisticsFacts>(target, "GetStatistics", cancellationToken);

    private static async Task<T> SingleAsync<T>(Database database, string name, CancellationToken cancellationToken) =>
        (await database.QueryAsync<T>(Text(database, name), null, cancellationToken))[0];

    private static string Text(Database database, string name) =>
        Sql.Get(typeof(PrerequisiteRepository), name, database.Target.ServerVersionNumber);
}
