using PerfMonitoring.Common;

namespace PerfMonitoring.Audit;

/// <summary>The lock that lets one builder at a time work on a table.</summary>
/// <param name="TableOid">The table; a partition stands for its complete tree.</param>
/// <param name="ProcessId">The session of the monitored database that holds the lock.</param>
public sealed record BuilderLock(uint TableOid, int ProcessId);

/// <summary>Selects actions; a null property does not restrict.</summary>
public sealed record IndexActionFilter
{
    /// <summary>The strategies of the actions.</summary>
    public IReadOnlyCollection<Guid>? StrategyIds { get; init; }

    /// <summary>The table, with its schema, quoted where necessary; exact match.</summary>
    public string? TableName { get; init; }

    /// <summary>Name of the index without schema, unquoted; exact match.</summary>
    public string? IndexName { get; init; }

    /// <summary>The kinds of action.</summary>
    public IReadOnlyCollection<IndexActionKind>? Actions { get; init; }

    /// <summary>The outcomes.</summary>
    public IReadOnlyCollection<IndexActionOutcome>? Outcomes { get; init; }

    /// <summary>Started at or after this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Started before this time.</summary>
    public DateTimeOffset? Until { get; init; }
}

/// <summary>The audit of all changes to the indexes of the monitored database.</summary>
public interface IIndexActionRepository
{
    /// <summary>Records the start of an action, before its statement runs, so that no change is missing.</summary>
    /// <param name="action">The action; this method sets its id, times, outcome and user.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The id; null where there is no store: then nothing is written.</returns>
    /// <exception cref="PerfMonitoringException">StoreMissing: the store has an older version. PermissionDenied,
    /// ConnectionFailed.</exception>
    Task<Guid?> StartAsync(IndexAction action, CancellationToken cancellationToken);

    /// <summary>Records the session of the monitored database that works on the action, before its statement runs.</summary>
    /// <param name="id">The result of <see cref="StartAsync"/>; with null nothing is written.</param>
    /// <param name="processId">The process id of the session.</param>
    /// <param name="backendStart">Start time of the session.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task SetSessionAsync(Guid? id, int processId, DateTimeOffset backendStart, CancellationToken cancellationToken);

    /// <summary>
    /// Records the outcome. Pass <see cref="CancellationToken.None"/>: the outcome must be recorded even after cancellation.
    /// </summary>
    /// <param name="id">The result of <see cref="StartAsync"/>; with null nothing is written.</param>
    /// <param name="outcome">The outcome.</param>
    /// <param name="failure">The reason of the failure, or null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">ConnectionFailed, PermissionDenied: the action stays as started.</exception>
    Task FinishAsync(Guid? id, IndexActionOutcome outcome, string? failure, CancellationToken cancellationToken);

    /// <summary>
    /// Records the outcomes of actions whose run could not, because its process or the server ended. The outcomes follow from the
    /// state of the server. Actions in progress stay unchanged. Does nothing where there is no store.
    /// </summary>
    /// <param name="held">The builder lock that the caller holds, or null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The actions on the table of that lock that a session of the server is still working on although their run is
    /// gone.</returns>
    Task<IReadOnlyList<(IndexAction Action, ActionTrace Trace)>> ReconcileAsync(
        BuilderLock? held, CancellationToken cancellationToken);

    /// <summary>
    /// The actions that match a filter, the latest first. An action whose run did not record the outcome, and whose process is
    /// gone, has the outcome that follows from the state of the server.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<IndexAction> GetAsync(IndexActionFilter filter, CancellationToken cancellationToken);
}
