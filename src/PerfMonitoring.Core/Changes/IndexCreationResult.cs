using PerfMonitoring.Common;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Changes;

/// <summary>Outcome of the creation of an index.</summary>
public enum IndexCreationState : long
{
    /// <summary>Not known.</summary>
    Unknown,
    /// <summary>Built and valid.</summary>
    Created,
    /// <summary>A valid index that does the same existed; nothing was built.</summary>
    AlreadyExists,
    /// <summary>It could not be built; <see cref="IndexCreationResult.Error"/> gives the reason.</summary>
    Failed,
    /// <summary>Somebody cancelled the statement on the server.</summary>
    Cancelled,
    /// <summary>
    /// Deferred; <see cref="IndexCreationResult.Reason"/> gives the reason, and <see cref="IndexCreationResult.DeferredUntil"/>
    /// the time.
    /// </summary>
    Deferred,
    /// <summary>
    /// Built, then reverted because statements got slower; <see cref="IndexCreationResult.Verification"/> names them.
    /// </summary>
    Reverted,
}

/// <summary>Result of the creation for one strategy.</summary>
public sealed record IndexCreationResult
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>The strategy.</summary>
    public required Guid IndexStrategyId { get; init; }

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index; where an equal index existed, the name of that index.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was executed, or would be.</summary>
    public required string IndexDefinition { get; init; }

    /// <summary>The outcome.</summary>
    public required IndexCreationState State { get; init; }

    /// <summary>When work on it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Duration, waits and retries included.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>
    /// Duration of the build on the server, without waits for locks and snapshots, in the successful attempt; null where nothing
    /// was built.
    /// </summary>
    public TimeSpan? BuildTime { get; init; }

    /// <summary>Size of the index in bytes; null where there is none.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Number of retries after a lock or a snapshot was not released in time.</summary>
    public int Retries { get; init; }

    /// <summary>The sessions that it waited for.</summary>
    public ItemList<BlockingSession> BlockedBy { get; init => field = value.ToItemList(); } = [];

    /// <summary>Findings before the build, one for each check; empty where no check was made.</summary>
    public ItemList<IndexPreflight> Preflight { get; init => field = value.ToItemList(); } = [];

    /// <summary>Effect of the index on the statements; null where it was not requested or could not be determined.</summary>
    public IndexVerification? Verification { get; init; }

    /// <summary>The reason for a deferral or a revert, else <see cref="Error"/>; null where there is neither.</summary>
    public string? Reason { get => field ?? Error; init; }

    /// <summary>Time of the next attempt; null where it was not deferred, or the time is unknown.</summary>
    public DateTimeOffset? DeferredUntil { get; init; }

    /// <summary>The reason why it was not created, or why its strategy could not be marked, or null.</summary>
    public string? Error { get; init; }

    /// <summary>The invalid index that could not be dropped, with its schema, or null.</summary>
    public string? LeftoverIndex { get; init; }

    /// <summary>The database.</summary>
    public required ServerTarget Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
