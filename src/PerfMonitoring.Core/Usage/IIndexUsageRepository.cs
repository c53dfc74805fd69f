using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>How the indexes of the monitored database are used, now and in the store.</summary>
public interface IIndexUsageRepository
{
    /// <summary>
    /// What catalog and statistics of this server say about every index of the monitored database, by table and name. Left out
    /// are the system's own, temporary ones, those of the store, and the indexes of partitioned tables, which hold nothing
    /// themselves.
    /// </summary>
    Task<UsageFacts> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// What was stored of the scans of every index since a moment, the latest first; nothing where there is no store, or no right
    /// to read it.
    /// </summary>
    Task<IReadOnlyList<StoredScans>> GetScansAsync(DateTimeOffset since, CancellationToken cancellationToken);

    /// <summary>The stored figures, by day, table and index.</summary>
    /// <param name="since">First day in UTC, or null.</param>
    /// <param name="until">Last day in UTC, or null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<IndexUsageStat> GetHistoryAsync(DateOnly? since, DateOnly? until, CancellationToken cancellationToken);

    /// <summary>
    /// Stores figures as those of today (in UTC, by the store's clock), one row for each strategy and day; a later reading of the
    /// day replaces the earlier one. All or none.
    /// </summary>
    /// <param name="stats">The figures, each with its <see cref="IndexUsageStat.IndexStrategyId"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The same with <see cref="IndexUsageStat.Id"/> and <see cref="IndexUsageStat.StatsDate"/> as they are
    /// stored.</returns>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<IReadOnlyList<IndexUsageStat>> SaveAsync(IReadOnlyList<IndexUsageStat> stats, CancellationToken cancellationToken);
}
