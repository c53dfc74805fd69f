using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>The thresholds of the store. They apply to every database of the store.</summary>
public interface IThresholdRepository
{
    /// <summary>All thresholds, by metric and table; removed ones only on request.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<IReadOnlyList<PerformanceThreshold>> GetAsync(bool includeInactive, CancellationToken cancellationToken);

    /// <summary>Stores a threshold whose limits are valid; returns it as stored.</summary>
    /// <exception cref="PerfMonitoringException">ThresholdExists: the metric and table already have an active threshold;
    /// StoreMissing.</exception>
    Task<PerformanceThreshold> AddAsync(PerformanceThreshold threshold, CancellationToken cancellationToken);

    /// <summary>Changes limits, unit and alert of a threshold by its id; returns it as stored.</summary>
    /// <exception cref="PerfMonitoringException">ThresholdNotFound: no active threshold has that id.</exception>
    Task<PerformanceThreshold> UpdateAsync(PerformanceThreshold threshold, CancellationToken cancellationToken);

    /// <summary>Marks a threshold as removed; the row stays.</summary>
    /// <exception cref="PerfMonitoringException">ThresholdNotFound: no active threshold has that id.</exception>
    Task RemoveAsync(Guid id, CancellationToken cancellationToken);
}
