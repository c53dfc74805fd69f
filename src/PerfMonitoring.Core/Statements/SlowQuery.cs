using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>Source of the figures of a <see cref="SlowQuery"/>.</summary>
public enum SlowQuerySource : long
{
    /// <summary>The cumulative counters of pg_stat_statements, since <see cref="SlowQuery.Since"/>.</summary>
    PgStatStatements = 1,
    /// <summary>The stored log, between <see cref="SlowQuery.Since"/> and <see cref="SlowQuery.Until"/>.</summary>
    QueryPerformanceLog,
}

/// <summary>One query and its costs on one server.</summary>
public sealed record SlowQuery
{
    /// <summary>The calls, the total time and the beginning of the query.</summary>
    public override string ToString() => ShortText.Of(
        string.Create(CultureInfo.CurrentCulture, $"{Calls:N0} calls, {TotalTimeMs:N1} ms: {ShortText.OfQuery(Query)}"));

    /// <summary>The query: the statement with its constants replaced ($1, $2 ...), as the server stores it.</summary>
    public required string Query { get; init; }

    /// <summary>SHA-256 of the normal form, 64 lower-case hexadecimal digits; the same on every server.</summary>
    public required string QueryHash { get; init; }

    /// <summary>
    /// The server's identifier (pg_stat_statements.queryid); null where the text has another source, and where the server counts
    /// the query under several (lists of different lengths).
    /// </summary>
    public long? QueryId { get; init; }

    /// <summary>Number of executions; at least 1.</summary>
    public long Calls { get; init; } = 1;

    /// <summary>Execution time of all calls, in milliseconds.</summary>
    public double TotalTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Mean execution time in milliseconds.</summary>
    public double MeanTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Shortest execution in milliseconds, or null where unknown.</summary>
    public double? MinTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Longest execution in milliseconds, or null where unknown.</summary>
    public double? MaxTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Population standard deviation of the execution time in milliseconds, or null where unknown.</summary>
    public double? StddevTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Share of the execution time of all listed queries, 0 to 1, or null where unknown.</summary>
    public double? TimeShare { get; init => field = Figure.Round(value); }

    /// <summary>Rows returned or affected, over all calls.</summary>
    public long Rows { get; init; }

    /// <summary>Shared blocks found in the cache, over all calls, or null where unknown.</summary>
    public long? SharedBlocksHit { get; init; }

    /// <summary>Shared blocks read from outside the cache, over all calls, or null where unknown.</summary>
    public long? SharedBlocksRead { get; init; }

    /// <summary>Temporary blocks written, over all calls, or null where unknown.</summary>
    public long? TempBlocksWritten { get; init; }

    /// <summary>Time spent reading and writing blocks, in milliseconds; null where track_io_timing is off.</summary>
    public double? BlockTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>Shared blocks hit divided by shared blocks hit and read, 0 to 1; null where no block was requested.</summary>
    public double? CacheHitRatio =>
        SharedBlocksHit + SharedBlocksRead > 0
            ? Figure.Round((double)SharedBlocksHit!.Value / (SharedBlocksHit.Value + SharedBlocksRead!.Value)) : null;

    /// <summary>Whether a client sent it; false where it ran inside a function; null where unknown or both.</summary>
    public bool? TopLevel { get; init; }

    /// <summary>The role that ran it; null where several did, or where it is unknown.</summary>
    public string? UserName { get; init; }

    /// <summary>The roles that ran it; empty where unknown.</summary>
    public ItemList<string> UserNames
    {
        get => field.Count > 0 || UserName is not { Length: > 0 } user ? field : [user];
        init => field = value.ToItemList();
    } = [];

    /// <summary>The database that it ran in.</summary>
    public string? DatabaseName { get; init; }

    /// <summary>Start of the period of the figures; null where the server does not tell.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>End of the period of the figures.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Source of the figures.</summary>
    public SlowQuerySource Source { get; init; }

    /// <summary>The server that the figures come from.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
