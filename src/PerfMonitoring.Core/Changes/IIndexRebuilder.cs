using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>Builds indexes anew without blocking writes.</summary>
public interface IIndexRebuilder
{
    /// <summary>
    /// Runs REINDEX INDEX CONCURRENTLY, under the lock that lets one builder at a time work in a database. Whatever goes wrong,
    /// the invalid index that it leaves (_ccnew, _ccold) is taken away again; where even that fails,
    /// <see cref="IndexRepairResult.LeftoverIndex"/> names it. What the server refuses is a result with its error, not an
    /// exception.
    /// </summary>
    /// <param name="index">The index; one that changed since is not touched.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Is told about every half second.</param>
    /// <param name="cancellationToken">Cancels and cleans up.</param>
    /// <param name="action">What the audit is told; null for nothing.</param>
    /// <returns>The result, and the error behind it, if any. After a cancellation only where it was built all the same.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, and the index is as it was.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: it was cancelled, and the invalid index could not be taken
    /// away.</exception>
    Task<(IndexRepairResult Result, PerfMonitoringException? Error)> RebuildAsync(
        TableIndex index, IndexBuildOptions options, IProgress<IndexCreationProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null);
}
