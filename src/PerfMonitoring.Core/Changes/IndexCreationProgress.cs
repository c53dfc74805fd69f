namespace PerfMonitoring.Changes;

/// <summary>Where the creation of an index stands.</summary>
public sealed record IndexCreationProgress
{
    /// <summary>What goes on, in words; while building, the server's name of the phase (pg_stat_progress_create_index).</summary>
    public required string Phase { get; init; }

    /// <summary>Share of this phase that is done, 0 to 100; null where unknown.</summary>
    public double? Percent { get; init; }

    /// <summary>How long this phase will last yet; null where unknown.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>The sessions that it waits for at this moment.</summary>
    public IReadOnlyList<IndexCreationBlocker> Blockers { get; init; } = [];

    /// <summary>How often it was tried again so far.</summary>
    public int Retries { get; init; }

    /// <summary>
    /// Share of a phase: by tuples where their number is known, else by blocks. A total of 0 says that the phase does not count
    /// in that unit; the server's total can be too low.
    /// </summary>
    public static double? PercentOf(long? tuplesDone, long? tuplesTotal, long? blocksDone, long? blocksTotal) =>
        tuplesTotal > 0 && tuplesDone is { } tuples ? Math.Min(100, 100.0 * tuples / tuplesTotal.Value)
        : blocksTotal > 0 && blocksDone is { } blocks ? Math.Min(100, 100.0 * blocks / blocksTotal.Value)
        : null;

    /// <summary>
    /// What a phase will take yet, as fast as it went so far; null in its first two seconds or percent, where that says nothing.
    /// </summary>
    public static TimeSpan? RemainingOf(TimeSpan elapsed, double? percent) =>
        percent >= 1 && elapsed >= TimeSpan.FromSeconds(2) ? elapsed * ((100 - percent.Value) / percent.Value) : null;
}
