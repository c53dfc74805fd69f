using PerfMonitoring.Advice;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Advice;
using PerfMonitoring.Postgres.Audit;
using PerfMonitoring.Postgres.Changes;
using PerfMonitoring.Postgres.Indexes;
using PerfMonitoring.Postgres.Plans;
using PerfMonitoring.Postgres.Prerequisites;
using PerfMonitoring.Postgres.QueryLog;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Statements;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Postgres.Strategies;
using PerfMonitoring.Postgres.Thresholds;
using PerfMonitoring.Postgres.Usage;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Statements;
using PerfMonitoring.Store;
using PerfMonitoring.Strategies;
using PerfMonitoring.Thresholds;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Postgres;

/// <summary>One session: two databases (often the same one) and the repositories over them.</summary>
internal sealed class PostgresConnection(Database target, Database store, string? actingUser) : IMonitoringConnection
{
    // Everything that reads or writes the store goes through this.
    private readonly Database guarded = store.AsStore(StoreTrust.CheckAsync);
    private ActingUser? acting;
    private MonitoredDatabase? monitored;

    public ServerTarget Target => target.Target;

    public ServerTarget StoreTarget => store.Target;

    public string UserName => target.UserName;

    public IReadOnlyList<string> Warnings { get; } = [.. target.Warnings.Concat(store.Warnings).Distinct()];

    public IStoreRepository Store => new StoreRepository(guarded);

    public ICatalogRepository Catalog { get; } = new CatalogRepository(target);

    public IDefinitionCheck DefinitionCheck { get; } = new DefinitionCheck(target);

    public IPrerequisiteRepository Prerequisites { get; } = new PrerequisiteRepository(target, store);

    public IIndexUsageRepository IndexUsage => new IndexUsageRepository(target, guarded, MonitoredDatabase, Catalog);

    public IWhatIfRepository WhatIf { get; } = new HypoPgRepository(target);

    public IWhatIfRepository GetRealWhatIf(bool despiteOthers) => new BuiltIndexesRepository(target, despiteOthers);

    public IWhatIfRepository IndexHiding { get; } = new IndexHidingRepository(target);

    public IIndexStrategyRepository Strategies => new IndexStrategyRepository(guarded, Target, MonitoredDatabase, ActingUser);
    public IThresholdRepository Thresholds => new ThresholdRepository(guarded, ActingUser);

    public IMetricRepository Metrics => new MetricRepository(target, guarded, MonitoredDatabase);

    public IIndexChanger IndexChanger => new IndexChanger(new ChangeContext(target, Catalog, Strategies, Actions));

    public IIndexActionRepository Actions => new IndexActionRepository(target, guarded, MonitoredDatabase, ActingUser);

    public IMaintenanceWindowRepository MaintenanceWindows =>
        new MaintenanceWindowRepository(guarded, MonitoredDatabase, ActingUser);

    public IQueryRepository Queries { get; } = new QueryRepository(target);

    public IPlanRepository Plans { get; } = new PlanRepository(target);

    public IQueryPerformanceLogRepository QueryLog =>
        new QueryPerformanceLogRepository(target, guarded, MonitoredDatabase, Plans);

    // The store's own tables are asked through this, so that who acts is written the same everywhere.
    internal ActingUser ActingUser => acting ??= new(guarded, actingUser);

    internal MonitoredDatabase MonitoredDatabase => monitored ??= new(guarded, target.Target);

    public async ValueTask DisposeAsync()
    {
        await target.DisposeAsync();
        if (!ReferenceEquals(target, store))
        {
            await store.DisposeAsync();
        }
    }
}
