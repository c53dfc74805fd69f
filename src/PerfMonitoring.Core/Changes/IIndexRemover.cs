using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>Drops indexes without blocking reads or writes.</summary>
public interface IIndexRemover
{
    /// <summary>
    /// Drops an index with DROP INDEX CONCURRENTLY, under the lock that lets one builder at a time work in a database. Before the
    /// index is touched it waits for the transactions that use the table, for these the statement would wait with the index
    /// already invalid. A drop that was begun and then failed or was cancelled is carried to its end; where even that fails,
    /// <see cref="IndexRemovalResult.LeftoverIndex"/> names the index. What the server refuses is a result with its error, not an
    /// exception.
    /// </summary>
    /// <param name="index">The index as it was judged; one that changed since is not dropped.</param>
    /// <param name="options">Limits; the memory for builds is not looked at.</param>
    /// <param name="progress">Is told about every half second while it waits.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <param name="action">What the audit is told; null for nothing.</param>
    /// <returns>The result, and the error behind it, if any. After a cancellation only where the index was dropped all the
    /// same.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, and the index is as it was.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: it was cancelled half-way, and the drop could not be carried
    /// to its end.</exception>
    Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RemoveAsync(
        TableIndex index, IndexBuildOptions options, IProgress<IndexCreationProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null);
}
