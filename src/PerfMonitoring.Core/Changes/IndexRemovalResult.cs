using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>Outcome of the removal of an index.</summary>
public enum IndexRemovalState : long
{
    /// <summary>Not known.</summary>
    Unknown,
    /// <summary>Dropped.</summary>
    Removed,
    /// <summary>Somebody else had already dropped it; nothing was done.</summary>
    NotThere,
    /// <summary>It was invalid, but somebody else made it valid or is working on it; nothing was done.</summary>
    Kept,
    /// <summary>It could not be dropped; <see cref="IndexRemovalResult.Error"/> gives the reason.</summary>
    Failed,
    /// <summary>Somebody cancelled the statement on the server.</summary>
    Cancelled,
}

/// <summary>Result of the removal of an index, and the statement that restores it.</summary>
public sealed record IndexRemovalResult
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema, unquoted.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was executed, or would be.</summary>
    public required string Statement { get; init; }

    /// <summary>The statement that restores the index.</summary>
    public required string UndoStatement { get; init; }

    /// <summary>The parsed definition of the index, for <see cref="UndoStatement"/>.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>The outcome.</summary>
    public required IndexRemovalState State { get; init; }

    /// <summary>The reasons for the drop.</summary>
    public ItemList<string> Reasons { get; init => field = value.ToItemList(); } = [];

    /// <summary>The reason why it was not dropped, else the first reason for the drop; null where there is neither.</summary>
    public string? Reason => Error ?? (Reasons.Count > 0 ? Reasons[0] : null);

    /// <summary>
    /// The known queries that cost more without it, as estimated before the drop; null where that was not requested.
    /// </summary>
    public DropImpact? Impact { get; init; }

    /// <summary>When work on it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Duration, waits and retries included.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Size of the index in bytes before the drop.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Number of retries after a wait took too long.</summary>
    public int Retries { get; init; }

    /// <summary>The sessions that it waited for.</summary>
    public ItemList<BlockingSession> BlockedBy { get; init => field = value.ToItemList(); } = [];

    /// <summary>The reason why it was not dropped, or why the store could not be updated, or null.</summary>
    public string? Error { get; init; }

    /// <summary>The invalid index that an incomplete drop left, with its schema; or null.</summary>
    public string? LeftoverIndex { get; init; }

    /// <summary>The database.</summary>
    public required ServerTarget Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
