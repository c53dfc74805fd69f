using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>Where the figures of a <see cref="SlowQuery"/> come from.</summary>
public enum SlowQuerySource
{
    /// <summary>The cumulative counters of pg_stat_statements, since <see cref="SlowQuery.Since"/>.</summary>
    PgStatStatements,
    /// <summary>The stored log, between <see cref="SlowQuery.Since"/> and <see cref="SlowQuery.Until"/>.</summary>
    QueryPerformanceLog,
}

/// <summary>One normalised statement and what it cost, as it was seen on one server.</summary>
public sealed record SlowQuery
{
    /// <summary>The statement's text with its constants replaced ($1, $2 ...), as the server normalised it.</summary>
    public required string Query { get; init; }

    /// <summary>SHA-256 of the normalised text, 64 lower-case hexadecimal digits; the same on every server.</summary>
    public required string QueryHash { get; init; }

    /// <summary>The server's own identifier (pg_stat_statements.queryid); null for text from elsewhere.</summary>
    public long? QueryId { get; init; }

    /// <summary>How often it ran. At least 1.</summary>
    public long Calls { get; init; } = 1;

    /// <summary>Time spent executing it, in milliseconds, over all calls.</summary>
    public double TotalTimeMs { get; init; }

    /// <summary>Mean execution time in milliseconds.</summary>
    public double MeanTimeMs { get; init; }

    /// <summary>Shortest execution in milliseconds, or null where unknown.</summary>
    public double? MinTimeMs { get; init; }

    /// <summary>Longest execution in milliseconds, or null where unknown.</summary>
    public double? MaxTimeMs { get; init; }

    /// <summary>Population standard deviation of the execution time in milliseconds, or null where unknown.</summary>
    public double? StddevTimeMs { get; init; }

    /// <summary>Share of the time that all listed statements together took, 0 to 1, or null where unknown.</summary>
    public double? TimeShare { get; init; }

    /// <summary>Rows returned or affected, over all calls.</summary>
    public long Rows { get; init; }

    /// <summary>Shared blocks found in the cache, over all calls, or null where unknown.</summary>
    public long? SharedBlocksHit { get; init; }

    /// <summary>Shared blocks read from outside the cache, over all calls, or null where unknown.</summary>
    public long? SharedBlocksRead { get; init; }

    /// <summary>Temporary blocks written, over all calls, or null where unknown.</summary>
    public long? TempBlocksWritten { get; init; }

    /// <summary>Time spent reading and writing blocks, in milliseconds; null where track_io_timing is off.</summary>
    public double? BlockTimeMs { get; init; }

    /// <summary>Shared blocks hit over blocks hit and read, 0 to 1; null where no block was asked for.</summary>
    public double? CacheHitRatio =>
        SharedBlocksHit + SharedBlocksRead > 0
            ? (double)SharedBlocksHit!.Value / (SharedBlocksHit.Value + SharedBlocksRead!.Value) : null;

    /// <summary>Whether it was sent by a client rather than run inside a function; null where unknown.</summary>
    public bool? TopLevel { get; init; }

    /// <summary>The role that ran it.</summary>
    public string? UserName { get; init; }

    /// <summary>The database that it ran in.</summary>
    public string? DatabaseName { get; init; }

    /// <summary>Since when the figures count; null where the server does not say.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Until when the figures count.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Where the figures come from.</summary>
    public SlowQuerySource Source { get; init; }

    /// <summary>The server that it was seen on.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
