using PerfMonitoring.Common;

namespace PerfMonitoring.Audit;

/// <summary>What was done to an index.</summary>
public enum IndexActionKind
{
    /// <summary>Built from a strategy.</summary>
    Create,
    /// <summary>One that this product built was dropped again.</summary>
    Revert,
    /// <summary>One that was there before was dropped.</summary>
    Drop,
    /// <summary>One that was dropped was built again.</summary>
    Restore,
    /// <summary>An invalid one was dropped, or a bloated one was built anew.</summary>
    Repair,
}

/// <summary>How it ended.</summary>
public enum IndexActionOutcome
{
    /// <summary>It was begun and is still running, though perhaps only on the server: its own run may be gone.</summary>
    Started,
    /// <summary>Done.</summary>
    Succeeded,
    /// <summary>Not done; <see cref="IndexAction.Error"/> says why.</summary>
    Failed,
    /// <summary>Cancelled by a person, here or on the server.</summary>
    Cancelled,
}

/// <summary>One line of the audit: what was done to an index, by whom, why, and how it is undone.</summary>
public sealed record IndexAction
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>Identity, a UUIDv7; given when it is written.</summary>
    public Guid Id { get; init; }

    /// <summary>The stored strategy that it belongs to; null where there is none, or it was deleted.</summary>
    public Guid? IndexStrategyId { get; init; }

    /// <summary>What was done.</summary>
    public required IndexActionKind Action { get; init; }

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema, unquoted.</summary>
    public required string IndexName { get; init; }

    /// <summary>The statement that was run.</summary>
    public required string Statement { get; init; }

    /// <summary>The statement that undoes it, or null where nothing does.</summary>
    public string? UndoStatement { get; init; }

    /// <summary>How it ended.</summary>
    public IndexActionOutcome Outcome { get; init; }

    /// <summary>Why it was done, in a sentence; null where nobody said.</summary>
    public string? Reason { get; init; }

    /// <summary>The figures behind the reason as JSON, or null.</summary>
    public string? Evidence { get; init; }

    /// <summary>
    /// The index that is to be dropped or rebuilt, by its object identifier; null for one that is to be created, and where it is
    /// read.
    /// </summary>
    public uint? IndexOid { get; init; }

    /// <summary>Why it failed, or null.</summary>
    public string? Error { get; init; }

    /// <summary>When it was begun, by the store's clock; given when it is written.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>
    /// When it ended, by the store's clock; null while it is not known to have ended. Where its own run could not write that, it
    /// is the moment at which it was found to have ended.
    /// </summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Whether its own run could not write how it ended, and that was read off the server afterwards.</summary>
    public bool IsReconciled { get; init; }

    /// <summary>Who did it: name of the acting user; given when it is written.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>The database; given when it is read.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
