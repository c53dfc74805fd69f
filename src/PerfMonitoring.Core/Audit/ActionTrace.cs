namespace PerfMonitoring.Audit;

/// <summary>
/// What the server says of an action whose end is not written: whether somebody is at work on it, and what it left.
/// </summary>
public sealed record ActionTrace
{
    /// <summary>When the server was asked, by its clock.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Whether a run of this product has the lock of builders on the table: its own run may be alive.</summary>
    public bool IsHeld { get; init; }

    /// <summary>Whether its table is the one whose lock of builders the asker holds, or a partition in the same tree.</summary>
    public bool IsOwnTable { get; init; }

    /// <summary>The session that works on it at this moment; null where it is gone or does nothing of it.</summary>
    public int? ProcessId { get; init; }

    /// <summary>The phase of its build as the server calls it, or null.</summary>
    public string? Phase { get; init; }

    /// <summary>Whether the index that has the mark of the action is valid; null where no index has it.</summary>
    public bool? IsMarked { get; init; }

    /// <summary>The index that has the action's name on its table, or null.</summary>
    public uint? NamedOid { get; init; }

    /// <summary>Whether that one is valid.</summary>
    public bool IsNamedValid { get; init; }

    /// <summary>Its size in bytes; null where it is partitioned or not there.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Whether the index that was to be dropped or rebuilt is there, under whatever name.</summary>
    public bool IsThere { get; init; }

    /// <summary>Whether that one is valid.</summary>
    public bool IsValid { get; init; }

    /// <summary>
    /// The comment by which an index is known as the work of an action. A build leaves it in the server together with the index,
    /// even where nobody is there any more to hear of its end; so an index that somebody else made under the same name is told
    /// apart.
    /// </summary>
    public static string MarkOf(Guid actionId) => $"perf_monitoring {actionId:D}";

    /// <summary>The action with its end; null while somebody may be at work on it.</summary>
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
            // Nothing undoes a rebuild.
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
