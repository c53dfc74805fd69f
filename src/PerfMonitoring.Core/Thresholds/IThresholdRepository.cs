using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>The thresholds of the store. They hold for every database that the store serves.</summary>
public interface IThresholdRepository
{
    /// <summary>All thresholds, by metric and table; removed ones only when asked for.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<IReadOnlyList<PerformanceThreshold>> GetAsync(bool includeInactive, CancellationToken cancellationToken);

    /// <summary>Stores a threshold whose limits are valid; returns it as stored.</summary>
    /// <exception cref="PerfMonitoringException">ThresholdExists: there is an active one of that metric and table;
    /// StoreMissing.</exception>
    Task<PerformanceThreshold> AddAsync(PerformanceThreshold threshold, CancellationToken cancellationToken);

    /// <summary>Changes limits, unit and alert of a threshold by its id; returns it as stored.</summary>
    /// <exception cref="PerfMonitoringException">ThresholdNotFound: there is no active one of that id.</exception>
    Task<PerformanceThreshold> UpdateAsync(PerformanceThreshold threshold, CancellationToken cancellationToken);

    /// <summary>Marks a threshold as removed; the row stays.</summary>
    /// <exception cref="PerfMonitoringException">ThresholdNotFound: there is no active one of that id.</exception>
    Task RemoveAsync(Guid id, CancellationToken cancellationToken);
}
