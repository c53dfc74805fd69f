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
internal sealed class PostgresConnection : IMonitoringConnection
{
    private readonly Database target;
    private readonly Database store;
    private readonly string? actingUser;
    private readonly StoreLocator locator;

    // Everything that reads or writes the store's tables goes through this.
    private readonly Database guarded;
    private ActingUser? acting;

    public PostgresConnection(Database target, Database store, string? actingUser)
    {
        (this.target, this.store, this.actingUser) = (target, store, actingUser);
        locator = new StoreLocator(target, store);
        guarded = store.AsStore(locator.FindAsync);
        Warnings = [.. target.Warnings.Concat(store.Warnings).Distinct()];
        Catalog = new CatalogRepository(target);
        DefinitionCheck = new DefinitionCheck(target);
        Prerequisites = new PrerequisiteRepository(target, store, locator);
        WhatIf = new HypoPgRepository(target);
        IndexHiding = new IndexHidingRepository(target);
        Queries = new QueryRepository(target);
        Plans = new PlanRepository(target);
    }

    public ServerTarget Target => target.Target;

    public ServerTarget StoreTarget => store.Target;

    public string UserName => target.UserName;

    public IReadOnlyList<string> Warnings { get; }

    public Task<IReadOnlyList<string>> FindDatabasesAsync(IReadOnlyList<string> patterns, CancellationToken cancellationToken) =>
        DatabaseFinder.FindAsync(target, patterns, cancellationToken);

    public IStoreRepository Store => new StoreRepository(target, store, guarded, locator);

    public ICatalogRepository Catalog { get; }

    public IDefinitionCheck DefinitionCheck { get; }

    public IPrerequisiteRepository Prerequisites { get; }

    public IIndexUsageRepository IndexUsage => new IndexUsageRepository(target, guarded, Catalog);

    public IWhatIfRepository WhatIf { get; }

    public IWhatIfRepository GetRealWhatIf(bool despiteOthers) => new BuiltIndexesRepository(target, despiteOthers);

    public IWhatIfRepository IndexHiding { get; }

    public IIndexStrategyRepository Strategies => new IndexStrategyRepository(guarded, Target, ActingUser);
    public IThresholdRepository Thresholds => new ThresholdRepository(guarded, ActingUser);

    public IMetricRepository Metrics => new MetricRepository(target, guarded);

    public IIndexChanger IndexChanger => new IndexChanger(new ChangeContext(target, Catalog, Strategies, Actions));

    public IIndexActionRepository Actions => new IndexActionRepository(target, guarded, Store, ActingUser);

    public IMaintenanceWindowRepository MaintenanceWindows =>
        new MaintenanceWindowRepository(guarded, ActingUser);

    public IQueryRepository Queries { get; }

    public IPlanRepository Plans { get; }

    public IQueryPerformanceLogRepository QueryLog =>
        new QueryPerformanceLogRepository(target, guarded, Store, Plans);

    // The store's own tables are asked through this, so that who acts is written the same everywhere.
    internal ActingUser ActingUser => acting ??= new(guarded, actingUser);

    public async ValueTask DisposeAsync()
    {
        await target.DisposeAsync();
        if (!ReferenceEquals(target, store))
        {
            await store.DisposeAsync();
        }
    }
}
