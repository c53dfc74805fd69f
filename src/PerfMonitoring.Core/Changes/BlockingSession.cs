using PerfMonitoring.Common;

namespace PerfMonitoring.Changes;

/// <summary>A session that a change of an index waited for.</summary>
/// <param name="ProcessId">Process id on the server.</param>
/// <param name="UserName">Role of the session; null where the builder's role may not see it.</param>
/// <param name="ApplicationName">Application name; null where unknown.</param>
/// <param name="State">active, idle in transaction ...; null where unknown.</param>
/// <param name="TransactionStart">Start of the transaction; null where unknown.</param>
public sealed record BlockingSession(
    int ProcessId, string? UserName, string? ApplicationName, string? State, DateTimeOffset? TransactionStart)
{
    /// <summary>A session of which nothing is known.</summary>
    public BlockingSession()
        : this(0, null, null, null, null)
    {
    }

    /// <inheritdoc/>
    public override string ToString() => VisibleText.Line(
        $"{ProcessId} ({UserName ?? "unknown user"}{(string.IsNullOrEmpty(ApplicationName) ? "" : ", " + ApplicationName)}"
        + $"{(State is null ? "" : ", " + State)})");
}
