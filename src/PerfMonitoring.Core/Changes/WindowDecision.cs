using System.Globalization;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Whether a maintenance window allows a build to start.</summary>
/// <param name="Reason">The reason against a start, as one sentence; null where the build may start.</param>
/// <param name="OpensAt">Time of the next attempt; null where the build may start, or no opening fits.</param>
internal sealed record WindowDecision(string? Reason, DateTimeOffset? OpensAt = null)
{
    /// <summary>The build may start.</summary>
    public static readonly WindowDecision Open = new((string?)null);

    /// <summary>End of the current opening; null where it has no end, or the build may not start.</summary>
    public DateTimeOffset? ClosesAt { get; init; }

    /// <summary>Whether the build may start now.</summary>
    public bool IsOpen => Reason is null;

    /// <summary>Decides by the schedule, and by whether the build would end before the window closes.</summary>
    /// <param name="schedule">The schedule of the maintenance window.</param>
    /// <param name="findOpening">Finds the current opening at a moment, else the next; null where there is none.</param>
    /// <param name="now">The present time.</param>
    /// <param name="estimate">Expected duration of the build; an unknown duration always fits.</param>
    public static WindowDecision Decide(
        MaintenanceSchedule schedule, Func<DateTimeOffset, WindowOpening?> findOpening, DateTimeOffset now,
        BuildEstimate estimate)
    {
        if (schedule.Window == MaintenanceWindow.Immediate)
        {
            return Open;
        }

        if (schedule.CronExpression is null)
        {
            return new WindowDecision(
                $"The maintenance window {schedule.Window} has no schedule yet: Set-MaintenanceWindow gives it one.");
        }

        if (findOpening(now) is not { } opening)
        {
            return new WindowDecision($"The maintenance window {schedule.Window} ({schedule.CronExpression}) never opens.");
        }

        var isOpen = opening.OpensAt <= now;
        if (Fits(opening.OpensAt > now ? opening.OpensAt : now, opening, estimate))
        {
            return isOpen
                ? Open with { ClosesAt = opening.ClosesAt }
                : new WindowDecision(
                    $"The maintenance window {schedule.Window} opens at {Time(opening.OpensAt)}.", opening.OpensAt);
        }

        // A later opening may be longer, for example on a weekend; a few openings are enough to find out.
        var why = isOpen
            ? $"The maintenance window {schedule.Window} closes at {Time(opening.ClosesAt)}, and the build is expected to "
                + $"take {estimate}."
            : $"The maintenance window {schedule.Window} is open from {Time(opening.OpensAt)} to {Time(opening.ClosesAt)}, "
                + $"and the build is expected to take {estimate}.";
        for (var i = 0; i < 8 && findOpening(opening.ClosesAt) is { } next; i++)
        {
            if (Fits(next.OpensAt, next, estimate))
            {
                return new WindowDecision(why, next.OpensAt);
            }

            opening = next;
        }

        return new WindowDecision(why + " No opening is long enough: lengthen it with Set-MaintenanceWindow, or use -Force.");
    }

    /// <summary>A point in time for messages, in its time zone.</summary>
    internal static string Time(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);

    private static bool Fits(DateTimeOffset from, WindowOpening opening, BuildEstimate estimate) =>
        estimate.Duration is not { } duration || from + duration <= opening.ClosesAt;
}
