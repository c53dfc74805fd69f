using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.QueryLog;

/// <summary>A row of the log before it is stored.</summary>
internal sealed class Entry
{
    public required Guid Id { get; init; }
    public required StatementCounters Interval { get; init; }
    public required string Query { get; init; }
    public required string UserName { get; init; }
    public required string Hash { get; init; }
    public required string Pattern { get; init; }
    public bool IsSlow { get; init; }
    public long RowsReturned => (long)Math.Round((double)Interval.Rows / Interval.Calls);

    // Null if there is no plan.
    public string? Plan { get; set; }
    public string? IndexesUsed { get; set; }
    public bool UsedIndex { get; set; }
    public long? RowsExamined { get; set; }
}
