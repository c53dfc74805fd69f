using PerfMonitoring.Audit;

namespace PerfMonitoring.Changes;

/// <summary>Options of a change of an index; a drop and a rebuild ignore those of a build.</summary>
public sealed record IndexChangeOptions
{
    /// <summary>Limit of the wait for the lock on the table, before the build. Zero waits without limit.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Limit of each wait of a build for other transactions: for those that have written to the table, and for those whose
    /// snapshot is older than the index. When the limit passes, the work so far is lost. Zero waits without limit.
    /// </summary>
    public TimeSpan SnapshotTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Most retries after a wait took too long.</summary>
    public int MaximumRetry { get; init; } = 3;

    /// <summary>Pause before the first retry; it doubles each time, with jitter, up to a minute.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>maintenance_work_mem of the build in PostgreSQL's notation (512MB), or null for the server's setting.</summary>
    public string? MaintenanceWorkMem { get; init; }

    /// <summary>
    /// The most builders of this module that work in a database at the same time, this one included; two never work on the same
    /// table.
    /// </summary>
    public int ThrottleLimit { get; init; } = 1;

    /// <summary>The time at which an unfinished build is ended, cleaned up and deferred; null for never.</summary>
    public DateTimeOffset? EndAt { get; init; }

    /// <summary>The clock for <see cref="EndAt"/>.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// Kind of the action in the audit. An index is restored as it was, even beside an equal index of another name.
    /// </summary>
    public IndexActionKind Action { get; init; } = IndexActionKind.Create;

    /// <summary>Limit of the time for dropping an invalid index: the user is waiting at the prompt.</summary>
    public TimeSpan CleanUpLimit { get; init; } = TimeSpan.FromSeconds(30);
}
