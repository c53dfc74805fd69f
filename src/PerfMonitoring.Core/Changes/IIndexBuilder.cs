using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>How an index is built.</summary>
public sealed record IndexBuildOptions
{
    /// <summary>How long to wait for the lock on the table, before anything is built. Zero waits for ever.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long each wait of a build for other transactions may last: for those that have written to the table, and for those
    /// whose snapshot is older than the index. What was built by then is lost when it is over. Zero waits for ever.
    /// </summary>
    public TimeSpan SnapshotTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often it is tried again after a wait was too long.</summary>
    public int MaximumRetry { get; init; } = 3;

    /// <summary>The pause before the first new try; it doubles each time, with jitter, up to a minute.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>maintenance_work_mem of the build as PostgreSQL writes it (512MB), or null for the server's setting.</summary>
    public string? MaintenanceWorkMem { get; init; }

    /// <summary>
    /// How many builders of this product may be at work in a database when it begins, itself counted; two are never on one table.
    /// </summary>
    public int ThrottleLimit { get; init; } = 1;

    /// <summary>When a build that is not done is ended, cleaned up and left for later; null for never.</summary>
    public DateTimeOffset? EndAt { get; init; }

    /// <summary>The clock that <see cref="EndAt"/> goes by.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// What the audit calls it. One that is restored is built as it was, also beside an index of another name that does the same.
    /// </summary>
    public IndexActionKind Action { get; init; } = IndexActionKind.Create;

    /// <summary>How long the dropping of an invalid index may take, for somebody waits at the prompt.</summary>
    public TimeSpan CleanUpLimit { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Builds indexes without blocking writes.</summary>
public interface IIndexBuilder
{
    /// <summary>What the server says of a table, and of its own state, before a build.</summary>
    /// <param name="table">The table.</param>
    /// <param name="tablespace">The tablespace of the index; null for the database's default.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<BuildFacts> GetFactsAsync(TableInfo table, string? tablespace, CancellationToken cancellationToken);

    /// <summary>
    /// Builds the index of a strategy with CREATE INDEX CONCURRENTLY, one at a time per table. Whatever goes wrong, the invalid
    /// index is taken away again; where even that fails, <see cref="IndexCreationResult.LeftoverIndex"/> names it. What the
    /// server refuses is a result with its error, not an exception; what was ended by <see cref="IndexBuildOptions.EndAt"/> is
    /// Deferred.
    /// </summary>
    /// <param name="strategy">What to build. Its target is not looked at: ask <see cref="ServerTarget.IsSameDatabaseAs"/>
    /// before.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Is told about every second.</param>
    /// <param name="cancellationToken">Cancels the build and cleans up.</param>
    /// <returns>The result, and the error behind it, if any.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, and nothing is left.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: it was cancelled, and the invalid index could not be taken
    /// away.</exception>
    Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(
        IndexStrategy strategy, IndexBuildOptions options, IProgress<IndexCreationProgress> progress,
        CancellationToken cancellationToken);
}
