using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>QUERY_PERFORMANCE_LOG in the store.</summary>
public interface IQueryPerformanceLogRepository
{
    /// <summary>
    /// Stores the activity since the last update, in one transaction of the store. A cancelled update stores nothing, and the
    /// next one stores all of it. Of two concurrent updates, the second waits and stores the rest.
    /// </summary>
    /// <param name="details">Receives details for the user, such as plans that are not available and the reason.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing, LockTimeout, ExtensionMissing, ExtensionNotLoaded,
    /// ExtensionTooOld.</exception>
    Task<QueryPerformanceLogUpdate> UpdateAsync(IProgress<string> details, CancellationToken cancellationToken);

    /// <summary>Rows of the log, the latest first, streamed.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<QueryPerformanceEntry> GetAsync(QueryPerformanceLogFilter filter, CancellationToken cancellationToken);

    /// <summary>Queries and their costs in the log, in the order of the filter.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(SlowQueryFilter filter, CancellationToken cancellationToken);

    /// <summary>The activity of queries in each interval of a period, and their logged executions, the oldest first.</summary>
    /// <param name="hashes">Fingerprints of the queries.</param>
    /// <param name="name">Every query whose text contains this name is also included; the comparison ignores case.</param>
    /// <param name="since">Only intervals and executions that end at or after this time.</param>
    /// <param name="until">Only intervals and executions that end before this time.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<IReadOnlyList<QueryObservation>> GetObservationsAsync(
        IReadOnlyCollection<string> hashes, string name, DateTimeOffset since, DateTimeOffset until,
        CancellationToken cancellationToken);

    /// <summary>Counts what <see cref="ClearAsync"/> would delete.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<QueryPerformanceLogCleanup> CountAsync(DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes the rows that are older than a moment, for every database in the store; drops complete partitions where possible.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, LockTimeout, PermissionDenied.</exception>
    Task<QueryPerformanceLogCleanup> ClearAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
