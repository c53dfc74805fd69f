using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>The maintenance windows of the monitored database, and the calendar of their schedules.</summary>
public interface IMaintenanceWindowRepository
{
    /// <summary>
    /// The schedule of every maintenance window, in the order of the enum; the default where none is stored or there is no store.
    /// The opening times are not set: <see cref="FindOpening"/> finds them.
    /// </summary>
    Task<IReadOnlyList<MaintenanceSchedule>> GetAsync(CancellationToken cancellationToken);

    /// <summary>Stores the schedule of one maintenance window.</summary>
    /// <exception cref="PerfMonitoringException">InvalidCronExpression; InvalidTimeZone; StoreMissing.</exception>
    Task SetAsync(MaintenanceSchedule schedule, CancellationToken cancellationToken);

    /// <summary>
    /// The current opening at a moment, else the next one; adjacent openings count as one. Null where the window never opens.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidCronExpression; InvalidTimeZone.</exception>
    WindowOpening? FindOpening(MaintenanceSchedule schedule, DateTimeOffset at);
}
