using PerfMonitoring.Common;

namespace PerfMonitoring.Audit;

/// <summary>The kind of change to an index.</summary>
public enum IndexActionKind : long
{
    /// <summary>Created from a strategy.</summary>
    Create = 1,
    /// <summary>Dropped again after this module created it.</summary>
    Revert,
    /// <summary>Dropped; neither a revert nor a repair.</summary>
    Drop,
    /// <summary>Restored after a drop.</summary>
    Restore,
    /// <summary>Dropped because invalid, or rebuilt because bloated.</summary>
    Repair,
}

/// <summary>The outcome.</summary>
public enum IndexActionOutcome : long
{
    /// <summary>Started and not finished; it may be running on the server although its run is gone.</summary>
    Started,
    /// <summary>Done.</summary>
    Succeeded,
    /// <summary>Not done; <see cref="IndexAction.Error"/> gives the reason.</summary>
    Failed,
    /// <summary>Cancelled by a person, here or on the server.</summary>
    Cancelled,
}

/// <summary>One entry of the audit: the change, its author, the reason, and the statement that undoes it.</summary>
public sealed record IndexAction
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>Identity, a UUIDv7; set when the action is recorded.</summary>
    public Guid Id { get; init; }

    /// <summary>The stored strategy of the action; null where there is none, or it was deleted.</summary>
    public Guid? IndexStrategyId { get; init; }

    /// <summary>The kind of change.</summary>
    public required IndexActionKind Action { get; init; }

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    public required string TableName { get; init; }

    /// <summary>Name of the index, without schema, unquoted.</summary>
    public required string IndexName { get; init; }

    /// <summary>The executed statement.</summary>
    public required string Statement { get; init; }

    /// <summary>The statement that undoes the change, or null where none does.</summary>
    public string? UndoStatement { get; init; }

    /// <summary>The outcome.</summary>
    public IndexActionOutcome Outcome { get; init; }

    /// <summary>The reason, in one sentence; null where none was given.</summary>
    public string? Reason { get; init; }

    /// <summary>The figures behind the reason as JSON, or null.</summary>
    public string? Evidence { get; init; }

    /// <summary>
    /// Object identifier of the index to drop or rebuild; null for an index to create, and when read from the store.
    /// </summary>
    public uint? IndexOid { get; init; }

    /// <summary>The reason of the failure, or null.</summary>
    public string? Error { get; init; }

    /// <summary>Start time, by the clock of the store; set when the action is recorded.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>
    /// End time, by the clock of the store; null while no end is known. Where the run of the action could not record it, this is
    /// the time when the end was noticed.
    /// </summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>
    /// Whether the outcome follows from the state of the server because the run of the action could not record it.
    /// </summary>
    public bool IsReconciled { get; init; }

    /// <summary>Name of the acting user; set when the action is recorded.</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>The database; set when the action is read.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
