namespace PerfMonitoring.Changes;

/// <summary>Progress of the creation of an index.</summary>
public sealed record IndexChangeProgress
{
    /// <summary>
    /// Present activity as text; during a build, the server's name of the phase (pg_stat_progress_create_index).
    /// </summary>
    public required string Phase { get; init; }

    /// <summary>Completed share of this phase, 0 to 100; null where unknown.</summary>
    public double? Percent { get; init; }

    /// <summary>Estimated time left in this phase; null where unknown.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>The sessions that the build is waiting for.</summary>
    public IReadOnlyList<BlockingSession> BlockedBy { get; init; } = [];

    /// <summary>Number of retries so far.</summary>
    public int Retries { get; init; }

    /// <summary>
    /// Completed share of a phase in percent: by tuples where their number is known, else by blocks. A total of 0 means that the
    /// phase does not count in that unit; the server's total can be too low.
    /// </summary>
    public static double? PercentOf(long? tuplesDone, long? tuplesTotal, long? blocksDone, long? blocksTotal) =>
        tuplesTotal > 0 && tuplesDone is { } tuples ? Math.Min(100, 100.0 * tuples / tuplesTotal.Value)
        : blocksTotal > 0 && blocksDone is { } blocks ? Math.Min(100, 100.0 * blocks / blocksTotal.Value)
        : null;

    /// <summary>
    /// Estimated time left in a phase at the present rate; null in its first two seconds or percent, where the rate is not
    /// reliable.
    /// </summary>
    public static TimeSpan? RemainingOf(TimeSpan elapsed, double? percent) =>
        percent >= 1 && elapsed >= TimeSpan.FromSeconds(2) ? elapsed * ((100 - percent.Value) / percent.Value) : null;
}
