using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Shared code of the cmdlets for maintenance windows.</summary>
internal static class Schedules
{
    /// <summary>The schedule, with its state at the given time.</summary>
    public static MaintenanceSchedule At(MaintenanceSchedule schedule, IMonitoringConnection connection, DateTimeOffset now)
    {
        schedule = schedule with { Target = connection.Target };
        if (schedule.CronExpression is null)
        {
            return schedule with { IsOpen = schedule.Window == MaintenanceWindow.Immediate };
        }

        var opening = connection.MaintenanceWindows.FindOpening(schedule, now);
        return schedule with { OpensAt = opening?.OpensAt, ClosesAt = opening?.ClosesAt, IsOpen = opening?.OpensAt <= now };
    }
}
