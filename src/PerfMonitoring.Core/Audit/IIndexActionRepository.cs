using PerfMonitoring.Common;

namespace PerfMonitoring.Audit;

/// <summary>The lock that lets one builder at a time work on a table, as its holder knows it.</summary>
/// <param name="TableOid">The table; a partition stands for its whole tree.</param>
/// <param name="ProcessId">The session of the monitored database that holds it.</param>
public sealed record BuilderLock(uint TableOid, int ProcessId);

/// <summary>Which actions are wanted; what is null is not asked.</summary>
public sealed record IndexActionFilter
{
    /// <summary>The strategies that they belong to.</summary>
    public IReadOnlyCollection<Guid>? StrategyIds { get; init; }

    /// <summary>The table, schema-qualified and quoted where it must be, exact.</summary>
    public string? TableName { get; init; }

    /// <summary>Name of the index without schema, unquoted, exact.</summary>
    public string? IndexName { get; init; }

    /// <summary>What was done.</summary>
    public IReadOnlyCollection<IndexActionKind>? Actions { get; init; }

    /// <summary>How it ended.</summary>
    public IReadOnlyCollection<IndexActionOutcome>? Outcomes { get; init; }

    /// <summary>Begun at or after this.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Begun before this.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>The audit of what was done to the indexes of the monitored database.</summary>
public interface IIndexActionRepository
{
    /// <summary>Writes that something is begun: before its statement is run, so that nothing that was done is missing.</summary>
    /// <param name="action">What; its id, times, outcome and user are given here.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Its id; null where there is no store: then nothing is written.</returns>
    /// <exception cref="PerfMonitoringException">StoreMissing: there is a store, but an older one. PermissionDenied,
    /// ConnectionFailed.</exception>
    Task<Guid?> StartAsync(IndexAction action, CancellationToken cancellationToken);

    /// <summary>Writes which session of the monitored database works on it from now on: before its statement is run.</summary>
    /// <param name="id">What <see cref="StartAsync"/> returned; with null nothing is written.</param>
    /// <param name="processId">The session's process.</param>
    /// <param name="backendStart">When that began.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task SetSessionAsync(Guid? id, int processId, DateTimeOffset backendStart, CancellationToken cancellationToken);

    /// <summary>
    /// Writes how it ended. Pass <see cref="CancellationToken.None"/>: what was done is to be told even when the work was
    /// cancelled.
    /// </summary>
    /// <param name="id">What <see cref="StartAsync"/> returned; with null nothing is written.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="failure">Why it failed, or null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">ConnectionFailed, PermissionDenied: the action stays as started.</exception>
    Task FinishAsync(Guid? id, IndexActionOutcome outcome, string? failure, CancellationToken cancellationToken);

    /// <summary>
    /// Writes how actions ended whose own run could not, for its process or the server was gone: that is read off the server.
    /// What somebody is still at work on is left alone. Does nothing where there is no store.
    /// </summary>
    /// <param name="held">The lock of builders that the caller holds, or null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The actions on the table of that lock which a session of the server still works on, though their own run is
    /// gone.</returns>
    Task<IReadOnlyList<(IndexAction Action, ActionTrace Trace)>> ReconcileAsync(
        BuilderLock? held, CancellationToken cancellationToken);

    /// <summary>
    /// The actions that a filter lets through, the latest first. One whose end was not written by its own run, and whose process
    /// is gone, is shown as the server says that it ended.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<IndexAction> GetAsync(IndexActionFilter filter, CancellationToken cancellationToken);
}
