using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>The usage of the indexes of the monitored database, now and in the store.</summary>
public interface IIndexUsageRepository
{
    /// <summary>
    /// The catalog and statistics of this server for every index of the monitored database, by table and name. Left out are
    /// indexes of the system, temporary ones, those of the store, and the indexes of partitioned tables, which have no storage.
    /// </summary>
    Task<UsageFacts> ReadAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The stored scans of every index since a moment, the latest first; empty where there is no store, or no right to read it.
    /// </summary>
    Task<IReadOnlyList<StoredScans>> GetScansAsync(DateTimeOffset since, CancellationToken cancellationToken);

    /// <summary>The stored figures, by day, table and index.</summary>
    /// <param name="since">First day in UTC, or null.</param>
    /// <param name="until">Last day in UTC, or null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    IAsyncEnumerable<IndexUsageStat> GetHistoryAsync(DateOnly? since, DateOnly? until, CancellationToken cancellationToken);

    /// <summary>
    /// Stores figures for today (in UTC, by the store's clock), one row for each strategy and day; a later reading on the same
    /// day replaces the earlier one. All or none.
    /// </summary>
    /// <param name="stats">The figures, each with its <see cref="IndexUsageStat.IndexStrategyId"/>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The same figures with <see cref="IndexUsageStat.Id"/> and <see cref="IndexUsageStat.StatsDate"/> as
    /// stored.</returns>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<IReadOnlyList<IndexUsageStat>> SaveAsync(IReadOnlyList<IndexUsageStat> stats, CancellationToken cancellationToken);
}
