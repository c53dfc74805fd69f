namespace PerfMonitoring.Audit;

/// <summary>The traces of an unfinished action on the server: whether a session is working on it, and its result.</summary>
public sealed record ActionTrace
{
    /// <summary>Time of the reading, by the clock of the server.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Whether a run of this module has the builder lock of the table: the run of the action may be alive.</summary>
    public bool IsHeld { get; init; }

    /// <summary>Whether the caller holds the builder lock of the table, or of a partition in the same tree.</summary>
    public bool IsOwnTable { get; init; }

    /// <summary>The session that is working on the action; null where it is gone or does something else.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The phase of the build in the server's words, or null.</summary>
    public string? Phase { get; init; }

    /// <summary>Whether the index with the mark of the action is valid; null where no index has the mark.</summary>
    public bool? IsMarked { get; init; }

    /// <summary>The index with the name of the action on its table, or null.</summary>
    public uint? NamedOid { get; init; }

    /// <summary>Whether the index of that name is valid.</summary>
    public bool IsNamedValid { get; init; }

    /// <summary>Size of the index of that name in bytes; null where it is partitioned or missing.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Whether the index to drop or rebuild exists, under any name.</summary>
    public bool IsThere { get; init; }

    /// <summary>Whether the index to drop or rebuild is valid.</summary>
    public bool IsValid { get; init; }

    /// <summary>
    /// The comment that marks an index as the work of an action. The server stores it together with the index, even where the run
    /// can no longer receive the outcome. It distinguishes the index from one of the same name that somebody else created.
    /// </summary>
    public static string MarkOf(Guid actionId) => $"perf_monitoring {actionId:D}";

    /// <summary>The action with its outcome; null while a session may be working on it.</summary>
    public IndexAction? Judge(IndexAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        if (IsHeld || ProcessId is not null)
        {
            return null;
        }

        var failure = action switch
        {
            { Action: IndexActionKind.Create or IndexActionKind.Restore } => BuildFailure(action),
            // A rebuild cannot be undone.
            { Action: IndexActionKind.Repair, UndoStatement: null } => RebuildFailure(action),
            _ => DropFailure(action),
        };
        return action with
        {
            Outcome = failure is null ? IndexActionOutcome.Succeeded : IndexActionOutcome.Failed,
            Error = failure is null ? null : $"Its process or the server was gone before it could write how it ended. {failure}",
            FinishedAt = Now,
            IsReconciled = true,
        };
    }

    private string? BuildFailure(IndexAction action) =>
        IsMarked == true ? null
        : NamedOid is null ? $"{action.IndexName} is not on {action.TableName}."
        : IsNamedValid
            ? $"{action.IndexName} is on {action.TableName} without the mark of this action: somebody else may have made it, "
                + $"so Undo-IndexCreation leaves it alone."
            : $"{action.IndexName} on {action.TableName} was left invalid: Repair-Index drops it, and so does "
                + $"Invoke-IndexCreation before it builds it again.";

    private string? RebuildFailure(IndexAction action) =>
        NamedOid is not { } named || !IsNamedValid ? $"There is no valid {action.IndexName} on {action.TableName}."
        : named == action.IndexOid || action.IndexOid is null ? $"{action.IndexName} on {action.TableName} is as it was."
        : null;

    private string? DropFailure(IndexAction action)
    {
        var (isThere, isValid) = action.IndexOid is null ? (NamedOid is not null, IsNamedValid) : (IsThere, IsValid);
        return !isThere ? null
            : isValid ? $"{action.IndexName} on {action.TableName} is as it was."
            : $"{action.IndexName} on {action.TableName} is half dropped, and invalid: Repair-Index drops it.";
    }
}
