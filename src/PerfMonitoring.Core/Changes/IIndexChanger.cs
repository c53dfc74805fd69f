using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Builds, drops and rebuilds indexes without blocking reads or writes.</summary>
public interface IIndexChanger
{
    /// <summary>Facts about a table and the server before a build.</summary>
    /// <param name="table">The table.</param>
    /// <param name="tablespace">The tablespace of the index; null for the database's default.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task<BuildFacts> GetBuildFactsAsync(TableInfo table, string? tablespace, CancellationToken cancellationToken);

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

    /// <summary>
    /// Drops an index with DROP INDEX CONCURRENTLY, under the lock that lets one builder at a time work in a database. First it
    /// waits for the transactions that use the table, because the statement would wait for them with the index already invalid. A
    /// drop that fails or is cancelled half-way is completed; where that also fails,
    /// <see cref="IndexRemovalResult.LeftoverIndex"/> names the index. A refusal of the server is a result with its error, not an
    /// exception.
    /// </summary>
    /// <param name="index">The index as it was judged; an index that has changed since is not dropped.</param>
    /// <param name="options">Limits; the memory for builds is ignored.</param>
    /// <param name="progress">Receives progress about every half second during waits.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <param name="action">What the audit records; null to record nothing.</param>
    /// <returns>The result, and its error, if any. After a cancellation only where the index was dropped nevertheless.</returns>
    /// <exception cref="OperationCanceledException">The operation was cancelled, and the index is unchanged.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: the operation was cancelled half-way, and the drop could not
    /// be completed.</exception>
    Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> DropAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null);

    /// <summary>
    /// Runs REINDEX INDEX CONCURRENTLY, under the lock that lets one builder at a time work in a database. On any failure the
    /// invalid index that remains (_ccnew, _ccold) is dropped; where that also fails,
    /// <see cref="IndexRepairResult.LeftoverIndex"/> names it. A refusal of the server is a result with its error, not an
    /// exception.
    /// </summary>
    /// <param name="index">The index; an index that has changed since is not touched.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Receives progress about every half second.</param>
    /// <param name="cancellationToken">Cancels the operation and cleans up.</param>
    /// <param name="action">What the audit records; null to record nothing.</param>
    /// <returns>The result, and its error, if any. After a cancellation only where the rebuild succeeded nevertheless.</returns>
    /// <exception cref="OperationCanceledException">The operation was cancelled, and the index is unchanged.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: the operation was cancelled, and the invalid index could not
    /// be dropped.</exception>
    Task<(IndexRepairResult Result, PerfMonitoringException? Error)> RebuildAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null);
}
