using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>What the cmdlets of maintenance windows share.</summary>
internal static class Schedules
{
    /// <summary>The schedule with what it says of this moment.</summary>
    public static MaintenanceSchedule At(MaintenanceSchedule schedule, IMonitoringConnection connection, DateTimeOffset now)
    {
        if (schedule.CronExpression is null)
        {
            return schedule with { IsOpen = schedule.Window == MaintenanceWindow.Immediate };
        }

        var opening = connection.MaintenanceWindows.FindOpening(schedule, now);
        return schedule with { OpensAt = opening?.OpensAt, ClosesAt = opening?.ClosesAt, IsOpen = opening?.OpensAt <= now };
    }
}
