using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>Drops indexes without blocking reads or writes.</summary>
public interface IIndexRemover
{
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
    Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RemoveAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null);
}
