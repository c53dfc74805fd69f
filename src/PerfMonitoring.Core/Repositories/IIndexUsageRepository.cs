using PerfMonitoring.Model;

namespace PerfMonitoring.Repositories;

/// <summary>How the indexes of the monitored database are used, now and in the store.</summary>
public interface IIndexUsageRepository
{
    /// <summary>
    /// The live figures of every index of the monitored database with its verdict, by table and name. Left out are the system's own,
    /// temporary ones, those of the store, and the indexes of partitioned tables, which hold nothing themselves.
    /// </summary>
    Task<IReadOnlyList<IndexUsageStat>> GetCurrentAsync(CancellationToken cancellationToken);
}
