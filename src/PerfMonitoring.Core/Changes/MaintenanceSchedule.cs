using PerfMonitoring.Common;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>The schedule of a maintenance window in a database.</summary>
public sealed record MaintenanceSchedule
{
    /// <summary>The window and when it opens.</summary>
    public override string ToString() => ShortText.Of(
        $"{Window}: {(CronExpression is null ? "no schedule" : $"{CronExpression} ({TimeZone}) for {Duration}")}");

    /// <summary>The maintenance window.</summary>
    public required MaintenanceWindow Window { get; init; }

    /// <summary>
    /// Opening times, as a cron expression of five fields; null where there is no schedule: Immediate is always open, Scheduled
    /// is closed until it has a schedule.
    /// </summary>
    public string? CronExpression { get; init; }

    /// <summary>Duration of each opening.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The IANA name of the time zone of the expression.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>Whether nothing is stored, so the default applies.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Start of the current or next opening; null where the window never opens or is always open.</summary>
    public DateTimeOffset? OpensAt { get; init; }

    /// <summary>End of that opening; null where it has no end.</summary>
    public DateTimeOffset? ClosesAt { get; init; }

    /// <summary>Whether the window was open when this was read.</summary>
    public bool IsOpen { get; init; }

    /// <summary>The database whose indexes are built in it; null where it is not read from one.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}

/// <summary>One opening of a maintenance window.</summary>
/// <param name="OpensAt">Start of the opening, in the time zone of the window.</param>
/// <param name="ClosesAt">End of the opening.</param>
public sealed record WindowOpening(DateTimeOffset OpensAt, DateTimeOffset ClosesAt);
