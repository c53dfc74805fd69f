using PerfMonitoring.Common;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>How the creation of an index ended.</summary>
public enum IndexCreationState
{
    /// <summary>Built, valid.</summary>
    Created,
    /// <summary>A valid index that does the same was there already; nothing was built.</summary>
    AlreadyExists,
    /// <summary>It could not be built; <see cref="IndexCreationResult.Error"/> says why.</summary>
    Failed,
    /// <summary>Somebody cancelled the statement on the server.</summary>
    Cancelled,
    /// <summary>
    /// Left for later; <see cref="IndexCreationResult.Reason"/> says why, and <see cref="IndexCreationResult.DeferredUntil"/>
    /// until when.
    /// </summary>
    Deferred,
    /// <summary>
    /// Built, and dropped again since statements got slower; <see cref="IndexCreationResult.Verification"/> says which.
    /// </summary>
    Reverted,
}

/// <summary>A session that a build waited for.</summary>
/// <param name="ProcessId">Its server process.</param>
/// <param name="UserName">Its role; null where the builder's role may not see it.</param>
/// <param name="ApplicationName">What it calls itself; null where unknown.</param>
/// <param name="State">active, idle in transaction ...; null where unknown.</param>
/// <param name="TransactionStart">When its transaction began; null where unknown.</param>
public sealed record IndexCreationBlocker(
    int ProcessId, string? UserName, string? ApplicationName, string? State, DateTimeOffset? TransactionStart)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{ProcessId} ({UserName ?? "unknown user"}{(string.IsNullOrEmpty(ApplicationName) ? "" : ", " + ApplicationName)}"
        + $"{(State is null ? "" : ", " + State)})";
}

/// <summary>What became of one strategy.</summary>
public sealed record IndexCreationResult
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>The strategy.</summary>
    public required Guid IndexStrategyId { get; init; }

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index; where an equal one was there, the name of that one.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was run, or would have been.</summary>
    public required string IndexDefinition { get; init; }

    /// <summary>How it ended.</summary>
    public required IndexCreationState State { get; init; }

    /// <summary>When it was taken in hand.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took, waits and retries included.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>
    /// How long the server built, without waits for locks and snapshots, in the try that succeeded; null where nothing was built.
    /// </summary>
    public TimeSpan? BuildTime { get; init; }

    /// <summary>Size of the index in bytes; null where there is none.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>How often it was tried again after a lock or a snapshot was not given up in time.</summary>
    public int Retries { get; init; }

    /// <summary>The sessions that it waited for.</summary>
    public IReadOnlyList<IndexCreationBlocker> Blockers { get; init => field = value.ToArray(); } = [];

    /// <summary>What was found before the build, one finding for each check; empty where it did not come so far.</summary>
    public IReadOnlyList<IndexPreflight> Preflight { get; init => field = value.ToArray(); } = [];

    /// <summary>What became of the time of the statements; null where that was not asked for, or could not be told.</summary>
    public IndexVerification? Verification { get; init; }

    /// <summary>Why it was left for later or dropped again, or null.</summary>
    public string? Reason { get; init; }

    /// <summary>When its turn comes; null where it was not left for later, or where that is unknown.</summary>
    public DateTimeOffset? DeferredUntil { get; init; }

    /// <summary>Why it was not created, or why its strategy could not be marked, or null.</summary>
    public string? Error { get; init; }

    /// <summary>The invalid index that could not be taken away, schema-qualified, or null.</summary>
    public string? LeftoverIndex { get; init; }

    /// <summary>The database.</summary>
    public required ServerTarget Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target.Identity;
}
