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

/// <summary>Opens connections. There is one implementation, behind the private load context.</summary>
public interface IMonitoringBackend
{
    /// <summary>Connects to the monitored database, and to the store's where that is another one.</summary>
    /// <param name="monitored">The database to watch.</param>
    /// <param name="store">The database of the store; null when it is the monitored one.</param>
    /// <param name="actingUser">Who acts, for created_by and updated_by; null for the role of the store's connection.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">ConnectionFailed, AuthenticationFailed, DatabaseNotFound,
    /// ServerTooOld.</exception>
    Task<IMonitoringConnection> ConnectAsync(
        ConnectionSettings monitored, ConnectionSettings? store, string? actingUser, CancellationToken cancellationToken);
}

/// <summary>An open session: the monitored database, the store, and everything that can be asked of them.</summary>
public interface IMonitoringConnection : IAsyncDisposable
{
    /// <summary>The monitored database.</summary>
    ServerTarget Target { get; }

    /// <summary>The store's database; the same as <see cref="Target"/> unless it lives elsewhere.</summary>
    ServerTarget StoreTarget { get; }

    /// <summary>The role that the monitored database knows this session by.</summary>
    string UserName { get; }

    /// <summary>
    /// What the user has to know about the connections, though they work: no encryption, a password file that is not read.
    /// </summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>The store's schema: its migrations.</summary>
    IStoreRepository Store { get; }

    /// <summary>Tables, columns and indexes of the monitored database.</summary>
    ICatalogRepository Catalog { get; }

    /// <summary>Checks of definitions that a person wrote.</summary>
    IDefinitionCheck DefinitionCheck { get; }

    /// <summary>The index strategies in the store.</summary>
    IIndexStrategyRepository Strategies { get; }

    /// <summary>The planner's costs with indexes that are not there.</summary>
    IWhatIfRepository WhatIf { get; }

    /// <summary>The same with real indexes in a transaction that is rolled back: for a copy of the database.</summary>
    /// <param name="despiteOthers">Whether to build them though other sessions or replicas are there that they hinder.</param>
    IWhatIfRepository GetRealWhatIf(bool despiteOthers);

    /// <summary>
    /// The planner's costs without some of the real indexes. Its sessions open in any case; a request that hides an index fails
    /// with IndexHidingMissing where HypoPG 1.4 is not there.
    /// </summary>
    IWhatIfRepository IndexHiding { get; }

    /// <summary>What the server offers and what the role may do.</summary>
    IPrerequisiteRepository Prerequisites { get; }

    /// <summary>How the indexes are used, now and in the store.</summary>
    IIndexUsageRepository IndexUsage { get; }

    /// <summary>Builds indexes.</summary>
    IIndexBuilder IndexBuilder { get; }

    /// <summary>What was done to the indexes: the audit.</summary>
    IIndexActionRepository Actions { get; }

    /// <summary>When indexes may be built.</summary>
    IMaintenanceWindowRepository MaintenanceWindows { get; }

    /// <summary>Drops indexes.</summary>
    IIndexRemover IndexRemover { get; }

    /// <summary>Builds indexes anew.</summary>
    IIndexRebuilder IndexRebuilder { get; }

    /// <summary>The thresholds of the store.</summary>
    IThresholdRepository Thresholds { get; }

    /// <summary>What thresholds are measured by.</summary>
    IMetricRepository Metrics { get; }

    /// <summary>The statements that pg_stat_statements knows.</summary>
    IQueryRepository Queries { get; }

    /// <summary>Plans of statements, without running them.</summary>
    IPlanRepository Plans { get; }

    /// <summary>The log of queries in the store.</summary>
    IQueryPerformanceLogRepository QueryLog { get; }
}
