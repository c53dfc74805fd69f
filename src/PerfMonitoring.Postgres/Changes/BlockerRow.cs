using PerfMonitoring.Changes;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>A session that something waits for, as the server lists it.</summary>
internal class BlockerRow
{
    public int? ProcessId { get; init; }
    public string? UserName { get; init; }
    public string? ApplicationName { get; init; }
    public string? State { get; init; }
    public DateTimeOffset? TransactionStart { get; init; }

    public BlockingSession ToBlocker() => new(ProcessId ?? 0, UserName, ApplicationName, State, TransactionStart);
}
