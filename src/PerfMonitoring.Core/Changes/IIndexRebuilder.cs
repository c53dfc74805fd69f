using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>Rebuilds indexes without blocking writes.</summary>
public interface IIndexRebuilder
{
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
