using PerfMonitoring.Advice;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Store;
using PerfMonitoring.Strategies;
using PerfMonitoring.Thresholds;
using PerfMonitoring.Usage;

namespace PerfMonitoring;

/// <summary>Opens connections. The one implementation is behind the private load context.</summary>
public interface IMonitoringBackend
{
    /// <summary>Connects to the monitored database and to the database of the store.</summary>
    /// <param name="monitored">The database to monitor.</param>
    /// <param name="store">The database of the store; null where it is the monitored database.</param>
    /// <param name="actingUser">The acting user for created_by and updated_by; null for the role of the store's
    /// connection.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">ConnectionFailed, AuthenticationFailed, DatabaseNotFound,
    /// ServerTooOld.</exception>
    Task<IMonitoringConnection> ConnectAsync(
        ConnectionSettings monitored, ConnectionSettings? store, string? actingUser, CancellationToken cancellationToken);

    /// <summary>Checks settings and says where they lead. Nothing is connected.</summary>
    /// <exception cref="PerfMonitoringException">InvalidConnectionString, InvalidConnectionSetting,
    /// UnsupportedConnectionSetting, ServiceNotFound, InvalidServiceFile, and the errors of certificates.</exception>
    ConnectionAddress Resolve(ConnectionSettings settings);

    /// <summary>
    /// The databases of a server whose names match, in the order of their names: those that accept connections, that are no
    /// templates, and that the role may connect to.
    /// </summary>
    /// <param name="server">The server. Its database is asked, otherwise postgres or template1.</param>
    /// <param name="patterns">PowerShell's wildcards; case makes no difference.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">As <see cref="ConnectAsync"/>; InvalidPattern.</exception>
    Task<IReadOnlyList<string>> FindDatabasesAsync(
        ConnectionSettings server, IReadOnlyList<string> patterns, CancellationToken cancellationToken);

    /// <summary>The names in libpq's connection service files, in the order of their names; empty without a file.</summary>
    /// <exception cref="PerfMonitoringException">ServiceNotFound: PGSERVICEFILE names no file; ServiceFileUnreadable.</exception>
    IReadOnlyList<string> GetServiceNames();

    /// <summary>The hosts in libpq's password file and connection service files, for completion; empty without files.</summary>
    IReadOnlyList<string> GetKnownHosts();
}

/// <summary>An open session: the monitored database, the store, and the repositories of both.</summary>
public interface IMonitoringConnection : IAsyncDisposable
{
    /// <summary>The monitored database.</summary>
    ServerTarget Target { get; }

    /// <summary>
    /// The database of the store; the same as <see cref="Target"/> where the monitored database holds the store.
    /// </summary>
    ServerTarget StoreTarget { get; }

    /// <summary>The session's role in the monitored database.</summary>
    string UserName { get; }

    /// <summary>Warnings about connections that work: no encryption, a password file that is not read.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>The databases of this server whose names match, as <see cref="IMonitoringBackend.FindDatabasesAsync"/>.</summary>
    Task<IReadOnlyList<string>> FindDatabasesAsync(IReadOnlyList<string> patterns, CancellationToken cancellationToken);

    /// <summary>The store's schema and its migrations.</summary>
    IStoreRepository Store { get; }

    /// <summary>Tables, columns and indexes of the monitored database.</summary>
    ICatalogRepository Catalog { get; }

    /// <summary>Checks of index definitions that the user writes.</summary>
    IDefinitionCheck DefinitionCheck { get; }

    /// <summary>The index strategies in the store.</summary>
    IIndexStrategyRepository Strategies { get; }

    /// <summary>Planner costs with hypothetical indexes.</summary>
    IWhatIfRepository WhatIf { get; }

    /// <summary>Planner costs with real indexes in a transaction that is rolled back; for a copy of the database.</summary>
    /// <param name="despiteOthers">Whether to build the indexes although they hinder other sessions or replicas.</param>
    IWhatIfRepository GetRealWhatIf(bool despiteOthers);

    /// <summary>
    /// Planner costs without some of the real indexes. Its sessions always open. A request that hides an index fails with
    /// IndexHidingMissing where HypoPG 1.4 is missing.
    /// </summary>
    IWhatIfRepository IndexHiding { get; }

    /// <summary>The capabilities of the server and the rights of the role.</summary>
    IPrerequisiteRepository Prerequisites { get; }

    /// <summary>The usage of the indexes, now and in the store.</summary>
    IIndexUsageRepository IndexUsage { get; }

    /// <summary>Builds, drops and rebuilds indexes.</summary>
    IIndexChanger IndexChanger { get; }

    /// <summary>The audit: all changes to the indexes.</summary>
    IIndexActionRepository Actions { get; }

    /// <summary>The maintenance windows.</summary>
    IMaintenanceWindowRepository MaintenanceWindows { get; }

    /// <summary>The thresholds of the store.</summary>
    IThresholdRepository Thresholds { get; }

    /// <summary>The metrics of thresholds.</summary>
    IMetricRepository Metrics { get; }

    /// <summary>The statements in pg_stat_statements.</summary>
    IQueryRepository Queries { get; }

    /// <summary>Plans of statements, without execution.</summary>
    IPlanRepository Plans { get; }

    /// <summary>QUERY_PERFORMANCE_LOG in the store.</summary>
    IQueryPerformanceLogRepository QueryLog { get; }
}
