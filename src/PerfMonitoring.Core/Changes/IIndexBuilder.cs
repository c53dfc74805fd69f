using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Options of a build.</summary>
public sealed record IndexChangeOptions
{
    /// <summary>Limit of the wait for the lock on the table, before the build. Zero waits without limit.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Limit of each wait of a build for other transactions: for those that have written to the table, and for those whose
    /// snapshot is older than the index. When the limit passes, the work so far is lost. Zero waits without limit.
    /// </summary>
    public TimeSpan SnapshotTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Most retries after a wait took too long.</summary>
    public int MaximumRetry { get; init; } = 3;

    /// <summary>Pause before the first retry; it doubles each time, with jitter, up to a minute.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>maintenance_work_mem of the build in PostgreSQL's notation (512MB), or null for the server's setting.</summary>
    public string? MaintenanceWorkMem { get; init; }

    /// <summary>
    /// The most builders of this module that work in a database at the same time, this one included; two never work on the same
    /// table.
    /// </summary>
    public int ThrottleLimit { get; init; } = 1;

    /// <summary>The time at which an unfinished build is ended, cleaned up and deferred; null for never.</summary>
    public DateTimeOffset? EndAt { get; init; }

    /// <summary>The clock for <see cref="EndAt"/>.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// Kind of the action in the audit. An index is restored as it was, even beside an equal index of another name.
    /// </summary>
    public IndexActionKind Action { get; init; } = IndexActionKind.Create;

    /// <summary>Limit of the time for dropping an invalid index: the user is waiting at the prompt.</summary>
    public TimeSpan CleanUpLimit { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Builds indexes without blocking writes.</summary>
public interface IIndexBuilder
{
    /// <summary>Facts about a table and the server before a build.</summary>
    /// <param name="table">The table.</param>
    /// <param name="tablespace">The tablespace of the index; null for the database's default.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task<BuildFacts> GetFactsAsync(TableInfo table, string? tablespace, CancellationToken cancellationToken);

    /// <summary>
    /// Builds the index of a strategy with CREATE INDEX CONCURRENTLY, one at a time for each table. On any failure the invalid
    /// index is dropped; where that also fails, <see cref="IndexCreationResult.LeftoverIndex"/> names it. A refusal of the server
    /// is a result with its error, not an exception. A build that <see cref="IndexChangeOptions.EndAt"/> ended is Deferred.
    /// </summary>
    /// <param name="strategy">The strategy. Its target is not checked: the caller checks
    /// <see cref="ServerTarget.IsSameDatabaseAs"/> first.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Receives progress about every second.</param>
    /// <param name="cancellationToken">Cancels the build and cleans up.</param>
    /// <returns>The result, and its error, if any.</returns>
    /// <exception cref="OperationCanceledException">The operation was cancelled, and nothing is left.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: the operation was cancelled, and the invalid index could not
    /// be dropped.</exception>
    Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(
        IndexStrategy strategy, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken);
}
