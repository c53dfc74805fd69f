namespace PerfMonitoring.Statements;

/// <summary>The key of a row of pg_stat_statements.</summary>
/// <param name="QueryId">queryid.</param>
/// <param name="DatabaseOid">dbid.</param>
/// <param name="UserOid">userid.</param>
/// <param name="TopLevel">toplevel; true where the server does not tell.</param>
public readonly record struct StatementKey(long QueryId, uint DatabaseOid, uint UserOid, bool TopLevel);

/// <summary>The counters of one statement: cumulative as on the server, or their growth in an interval.</summary>
public sealed record StatementCounters
{
    /// <summary>The key of the counters.</summary>
    public required StatementKey Key { get; init; }

    /// <summary>Executions.</summary>
    public long Calls { get; init; }

    /// <summary>Execution time in milliseconds.</summary>
    public double TotalTimeMs { get; init; }

    /// <summary>
    /// Sum of the squares of the execution times, in square milliseconds: calls * (mean² + deviation²). The deviation in an
    /// interval follows from the difference of two readings. Null where a reading did not have it.
    /// </summary>
    public double? SquaredTime { get; init; }

    /// <summary>Rows returned or affected.</summary>
    public long Rows { get; init; }

    /// <summary>Shared blocks found in the cache.</summary>
    public long SharedBlocksHit { get; init; }

    /// <summary>Shared blocks read from outside the cache.</summary>
    public long SharedBlocksRead { get; init; }

    /// <summary>Temporary blocks written.</summary>
    public long TempBlocksWritten { get; init; }

    /// <summary>Time spent reading and writing blocks, in milliseconds; null where it is not measured.</summary>
    public double? BlockTimeMs { get; init; }

    /// <summary>Start of the counting; null where the server does not tell.</summary>
    public DateTimeOffset? Since { get; init; }
}

/// <summary>The state of pg_stat_statements at one reading.</summary>
public sealed record StatementsState
{
    /// <summary>Time of the reading, by the clock of the monitored server.</summary>
    public DateTimeOffset TakenAt { get; init; }

    /// <summary>Time when all counters were reset; null where the server does not tell.</summary>
    public DateTimeOffset? StatsReset { get; init; }

    /// <summary>How often the server evicted entries because its table was full; null where it does not tell.</summary>
    public long? Deallocations { get; init; }
}

/// <summary>The difference between two readings of the counters.</summary>
internal sealed record StatisticsDelta
{
    /// <summary>
    /// The activity of each statement that ran; <see cref="StatementCounters.Since"/> is the start of its interval.
    /// </summary>
    public required IReadOnlyList<StatementCounters> Intervals { get; init; }

    /// <summary>Statements whose counters changed: new, changed or gone.</summary>
    public required IReadOnlyList<StatementKey> Changed { get; init; }

    /// <summary>Number of statements that are gone or whose counters restarted: a part of their activity is unknown.</summary>
    public int Gaps { get; init; }

    /// <summary>Whether all counters were reset.</summary>
    public bool WasReset { get; init; }

    /// <summary>
    /// The difference of two readings. Restarted counters count from their restart: nothing is negative, and nothing is counted
    /// twice. Without an earlier reading, everything since the counters began is the difference.
    /// </summary>
    /// <param name="before">The state of the last reading; null for the first reading.</param>
    /// <param name="last">The counters of the last reading.</param>
    /// <param name="now">The state of this reading.</param>
    /// <param name="current">The counters of this reading.</param>
    public static StatisticsDelta Between(
        StatementsState? before, IReadOnlyCollection<StatementCounters> last, StatementsState now,
        IReadOnlyCollection<StatementCounters> current)
    {
        ArgumentNullException.ThrowIfNull(last);
        ArgumentNullException.ThrowIfNull(now);
        ArgumentNullException.ThrowIfNull(current);
        var wasReset = before?.StatsReset is { } reset && now.StatsReset is { } resetNow && reset != resetNow;
        var remaining = last.ToDictionary(s => s.Key);
        var intervals = new List<StatementCounters>();
        var changed = new List<StatementKey>();
        var restarted = 0;
        foreach (var counters in current)
        {
            if (!remaining.Remove(counters.Key, out var old))
            {
                changed.Add(counters.Key);
                intervals.Add(counters with { Since = counters.Since ?? before?.TakenAt ?? now.StatsReset });
            }
            else if (wasReset || HasRestarted(old, counters))
            {
                restarted++;
                changed.Add(counters.Key);
                intervals.Add(counters with { Since = counters.Since ?? (wasReset ? now.StatsReset : before?.TakenAt) });
            }
            else if (counters != old)
            {
                changed.Add(counters.Key);
                intervals.Add(Subtract(counters, old, before?.TakenAt));
            }
        }

        changed.AddRange(remaining.Keys);
        intervals.RemoveAll(i => i.Calls <= 0);
        return new StatisticsDelta {
            Intervals = intervals, Changed = changed, Gaps = restarted + remaining.Count, WasReset = wasReset };
    }

    private static bool HasRestarted(StatementCounters old, StatementCounters now) =>
        now.Calls < old.Calls || now.TotalTimeMs < old.TotalTimeMs || now.Rows < old.Rows
            || now.SharedBlocksHit < old.SharedBlocksHit
        || now.SharedBlocksRead < old.SharedBlocksRead || now.TempBlocksWritten < old.TempBlocksWritten
        || (old.Since is not null && now.Since is not null && old.Since != now.Since);

    private static StatementCounters Subtract(StatementCounters now, StatementCounters old, DateTimeOffset? since) => now with
    {
        Calls = now.Calls - old.Calls,
        TotalTimeMs = now.TotalTimeMs - old.TotalTimeMs,
        SquaredTime = now.SquaredTime >= old.SquaredTime ? now.SquaredTime - old.SquaredTime : null,
        Rows = now.Rows - old.Rows,
        SharedBlocksHit = now.SharedBlocksHit - old.SharedBlocksHit,
        SharedBlocksRead = now.SharedBlocksRead - old.SharedBlocksRead,
        TempBlocksWritten = now.TempBlocksWritten - old.TempBlocksWritten,
        BlockTimeMs = now.BlockTimeMs >= old.BlockTimeMs ? now.BlockTimeMs - old.BlockTimeMs : null,
        Since = since,
    };
}
