using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>When indexes of a maintenance window may be built in a database.</summary>
public sealed record MaintenanceSchedule
{
    /// <summary>The window.</summary>
    public required MaintenanceWindow Window { get; init; }

    /// <summary>
    /// When it opens, as a cron expression of five fields; null for what has no schedule: Immediate is always open, Scheduled
    /// never before it gets one.
    /// </summary>
    public string? CronExpression { get; init; }

    /// <summary>How long it stays open each time.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>The IANA name of the time zone in which the expression is read.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>Whether nothing is stored and the default holds.</summary>
    public bool IsDefault { get; init; }

    /// <summary>When it opens next, or opened where it is open; null where it never does, or is always open.</summary>
    public DateTimeOffset? OpensAt { get; init; }

    /// <summary>When it closes after that; null where it never does.</summary>
    public DateTimeOffset? ClosesAt { get; init; }

    /// <summary>Whether it was open when this was read.</summary>
    public bool IsOpen { get; init; }
}

/// <summary>One time that a maintenance window is open.</summary>
/// <param name="OpensAt">When it opens, in the window's time zone.</param>
/// <param name="ClosesAt">When it closes.</param>
public sealed record WindowOpening(DateTimeOffset OpensAt, DateTimeOffset ClosesAt);
