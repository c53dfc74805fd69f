using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>The maintenance windows of the monitored database, and the calendar that they are read by.</summary>
public interface IMaintenanceWindowRepository
{
    /// <summary>
    /// The schedule of every window, in the order of the enum; the default where none is stored or there is no store. When it
    /// opens is not filled in: ask <see cref="FindOpening"/>.
    /// </summary>
    Task<IReadOnlyList<MaintenanceSchedule>> GetAsync(CancellationToken cancellationToken);

    /// <summary>Stores the schedule of one window.</summary>
    /// <exception cref="PerfMonitoringException">InvalidCronExpression; InvalidTimeZone; StoreMissing.</exception>
    Task SetAsync(MaintenanceSchedule schedule, CancellationToken cancellationToken);

    /// <summary>
    /// The opening that lasts at that moment, else the next one; openings that touch are one. Null where it never opens.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidCronExpression; InvalidTimeZone.</exception>
    WindowOpening? FindOpening(MaintenanceSchedule schedule, DateTimeOffset at);
}
