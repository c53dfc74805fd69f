using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>The log of queries in the store.</summary>
public interface IQueryPerformanceLogRepository
{
    /// <summary>
    /// Stores what happened since the last time, in one transaction of the store: all of it or, when it is stopped, nothing, and
    /// the next run has it. Of two at once the second waits and stores what is left.
    /// </summary>
    /// <param name="details">Told what a user may want to know: plans that could not be had, and why.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing, LockTimeout, ExtensionMissing, ExtensionNotLoaded,
    /// ExtensionTooOld.</exception>
    Task<QueryPerformanceLogUpdate> UpdateAsync(IProgress<string> details, CancellationToken cancellationToken);

    /// <summary>Rows of the log, the latest first, as they arrive.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<QueryPerformanceEntry> GetAsync(QueryPerformanceLogFilter filter, CancellationToken cancellationToken);

    /// <summary>Statements and what they cost according to the log, in the order asked for.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(SlowQueryFilter filter, CancellationToken cancellationToken);

    /// <summary>What statements did in each interval of a range of time, and their logged executions, the oldest first.</summary>
    /// <param name="hashes">Fingerprints of statements that are asked for.</param>
    /// <param name="name">Besides them every statement whose text has this, in any case.</param>
    /// <param name="since">Ended at or after this.</param>
    /// <param name="until">Ended before this.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<IReadOnlyList<QueryObservation>> GetObservationsAsync(
        IReadOnlyCollection<string> hashes, string name, DateTimeOffset since, DateTimeOffset until,
        CancellationToken cancellationToken);

    /// <summary>What <see cref="ClearAsync"/> would remove.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<QueryPerformanceLogCleanup> CountAsync(DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the rows that are older than a moment, of every database in the store: whole partitions where it can.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, LockTimeout, PermissionDenied.</exception>
    Task<QueryPerformanceLogCleanup> ClearAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
