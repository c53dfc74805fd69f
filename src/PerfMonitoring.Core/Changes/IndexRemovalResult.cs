using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>How the removal of an index ended.</summary>
public enum IndexRemovalState
{
    /// <summary>Dropped.</summary>
    Removed,
    /// <summary>Somebody else had dropped it by then; nothing was done.</summary>
    NotThere,
    /// <summary>It was invalid, and somebody else made it valid or works on it by now; nothing was done.</summary>
    Kept,
    /// <summary>It could not be dropped; <see cref="IndexRemovalResult.Error"/> says why.</summary>
    Failed,
    /// <summary>Somebody cancelled the statement on the server.</summary>
    Cancelled,
}

/// <summary>What became of an index that was to be dropped, and what brings it back.</summary>
public sealed record IndexRemovalResult
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema, unquoted.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was run, or would have been.</summary>
    public required string Statement { get; init; }

    /// <summary>The statement that makes the index again.</summary>
    public required string UndoStatement { get; init; }

    /// <summary>The index, taken apart: what <see cref="UndoStatement"/> is made of.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>How it ended.</summary>
    public required IndexRemovalState State { get; init; }

    /// <summary>Why it was dropped.</summary>
    public IReadOnlyList<string> Reasons { get; init => field = value.ToArray(); } = [];

    /// <summary>Which known queries get dearer without it, as it was estimated before; null where that was not asked.</summary>
    public DropImpact? Impact { get; init; }

    /// <summary>When it was taken in hand.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>How long it took, waits and retries included.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Size of the index in bytes before.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>How often it was tried again after a wait was too long.</summary>
    public int Retries { get; init; }

    /// <summary>The sessions that it waited for.</summary>
    public IReadOnlyList<IndexCreationBlocker> Blockers { get; init => field = value.ToArray(); } = [];

    /// <summary>Why it was not dropped, or why the store could not be told, or null.</summary>
    public string? Error { get; init; }

    /// <summary>The index that was left half-dropped, invalid, schema-qualified; or null.</summary>
    public string? LeftoverIndex { get; init; }

    /// <summary>The database.</summary>
    public required ServerTarget Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target.Identity;
}
