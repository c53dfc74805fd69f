using PerfMonitoring.Model;

namespace PerfMonitoring.Repositories;

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
    /// <exception cref="PerfMonitoringException">StoreMissing: there is a store, but an older one. PermissionDenied, ConnectionFailed.</exception>
    Task<Guid?> StartAsync(IndexAction action, CancellationToken cancellationToken);

    /// <summary>Writes how it ended. Pass <see cref="CancellationToken.None"/>: what was done is to be told even when the work was cancelled.</summary>
    /// <param name="id">What <see cref="StartAsync"/> returned; with null nothing is written.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="failure">Why it failed, or null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">ConnectionFailed, PermissionDenied: the action stays as started.</exception>
    Task FinishAsync(Guid? id, IndexActionOutcome outcome, string? failure, CancellationToken cancellationToken);

    /// <summary>The actions that a filter lets through, the latest first.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<IndexAction> GetAsync(IndexActionFilter filter, CancellationToken cancellationToken);
}
