using PerfMonitoring.Model;

namespace PerfMonitoring.Repositories;

/// <summary>The log of queries in the store.</summary>
public interface IQueryPerformanceLogRepository
{
    /// <summary>
    /// Stores what happened since the last time, in one transaction of the store: all of it or, when it is stopped, nothing, and the next
    /// run has it. Of two at once the second waits and stores what is left.
    /// </summary>
    /// <param name="details">Told what a user may want to know: plans that could not be had, and why.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing, LockTimeout, ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld.</exception>
    Task<QueryPerformanceLogUpdate> UpdateAsync(IProgress<string> details, CancellationToken cancellationToken);

    /// <summary>Rows of the log, the latest first, as they arrive.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<QueryPerformanceEntry> GetAsync(QueryPerformanceLogFilter filter, CancellationToken cancellationToken);

    /// <summary>Statements and what they cost according to the log, in the order asked for.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(SlowQueryFilter filter, CancellationToken cancellationToken);

    /// <summary>What <see cref="ClearAsync"/> would remove.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<QueryPerformanceLogCleanup> CountAsync(DateTimeOffset before, CancellationToken cancellationToken);

    /// <summary>Removes the rows that are older than a moment, of every database in the store: whole partitions where it can.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, LockTimeout, PermissionDenied.</exception>
    Task<QueryPerformanceLogCleanup> ClearAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
