using System.Globalization;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Whether a maintenance window lets a build begin.</summary>
/// <param name="Reason">Why not, as a sentence; null where it may begin.</param>
/// <param name="OpensAt">When to try again; null where it may begin, or where no opening will do.</param>
public sealed record WindowDecision(string? Reason, DateTimeOffset? OpensAt = null)
{
    /// <summary>It may begin.</summary>
    public static readonly WindowDecision Open = new((string?)null);

    /// <summary>When the window closes in which it may begin; null where it does not, or where it may not begin.</summary>
    public DateTimeOffset? ClosesAt { get; init; }

    /// <summary>Whether it may begin now.</summary>
    public bool IsOpen => Reason is null;

    /// <summary>Decides by the schedule, and by whether the build will be over before the window closes.</summary>
    /// <param name="schedule">The window's schedule.</param>
    /// <param name="findOpening">The opening that lasts at a moment, else the next; null where there is none.</param>
    /// <param name="now">Now.</param>
    /// <param name="estimate">How long the build will take; unknown holds nothing up.</param>
    public static WindowDecision Decide(
        MaintenanceSchedule schedule, Func<DateTimeOffset, WindowOpening?> findOpening, DateTimeOffset now,
        BuildEstimate estimate)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(findOpening);
        ArgumentNullException.ThrowIfNull(estimate);
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

        // It may be open for longer another time, as at a weekend; a few openings show that.
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

    /// <summary>A point in time as it stands in messages, in its own offset.</summary>
    internal static string Time(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);

    private static bool Fits(DateTimeOffset from, WindowOpening opening, BuildEstimate estimate) =>
        estimate.Duration is not { } duration || from + duration <= opening.ClosesAt;
}
