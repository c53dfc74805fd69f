using Cronos;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The open times of a schedule, from its cron expression. Cronos handles daylight saving time.</summary>
internal static class CronWindow
{
    // A window that opens again before it closes may stay open without end. This limit is longer than any build.
    private static readonly TimeSpan MaximumOpen = TimeSpan.FromDays(8);

    public static WindowOpening? Find(MaintenanceSchedule schedule, DateTimeOffset at)
    {
        var cron = Parse(schedule.CronExpression ?? throw new ArgumentException("It has no schedule.", nameof(schedule)));
        var zone = Zone(schedule.TimeZone);
        var lasting = cron.GetOccurrences(at - schedule.Duration, at, zone, fromInclusive: false, toInclusive: true)
            .Cast<DateTimeOffset?>().FirstOrDefault();
        if ((lasting ?? cron.GetNextOccurrence(at, zone)) is not { } opens)
        {
            return null;
        }

        var last = opens;
        while (last - opens < MaximumOpen && cron.GetNextOccurrence(last, zone) is { } next && next <= last + schedule.Duration)
        {
            last = next;
        }

        return new WindowOpening(opens, TimeZoneInfo.ConvertTime(last + schedule.Duration, zone));
    }

    public static CronExpression Parse(string text)
    {
        try
        {
            return CronExpression.Parse(text, CronFormat.Standard);
        }
        catch (CronFormatException e)
        {
            throw new PerfMonitoringException(
                ErrorIds.InvalidCronExpression, FailureKind.InvalidArgument,
                $"-CronExpression '{text}' cannot be read: {e.Message}",
                "Write minute, hour, day of month, month and day of week: '0 1 * * MON-FRI' opens at 01:00 on working days.",
                text, e);
        }
    }

    public static TimeZoneInfo Zone(string name)
    {
        try
        {
            return TimeZoneInfo.FindSystemTimeZoneById(name);
        }
        catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException)
        {
            throw new PerfMonitoringException(
                ErrorIds.InvalidTimeZone, FailureKind.InvalidArgument, $"-TimeZone '{name}' is not known to this machine.",
                "Use an IANA name such as Europe/Berlin or UTC; on Linux the package tzdata holds them.", name, e);
        }
    }
}
