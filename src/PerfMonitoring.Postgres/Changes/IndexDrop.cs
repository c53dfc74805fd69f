using System.Runtime.ExceptionServices;
using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// The drop of one index with DROP INDEX CONCURRENTLY. PostgreSQL does not support this for the index of a partitioned table; it
/// is dropped directly, with a short wait for its locks.
/// </summary>
internal sealed class IndexDrop(
    ChangeContext context, TableIndex index, IndexAction? action, IndexChangeOptions options,
    IProgress<IndexChangeProgress> progress)
    : IndexChange(context, index, "Invoke-IndexRemoval", options, progress)
{
    private readonly string statement = index.Definition.ToDropStatement(concurrently: !index.IsPartitioned);
    private bool isGone;

    public override string QualifiedName => index.Definition.QualifiedName.ToString();

    public IndexRemovalResult ToResult() => new()
    {
        TableName = index.Definition.Table.ToString(),
        IndexName = index.Definition.Name,
        Statement = statement,
        UndoStatement = index.Definition.ToCreateStatement(concurrently: !index.IsPartitioned),
        Definition = index.Definition,
        State = End switch
        {
            ChangeEnd.Done => IndexRemovalState.Removed,
            ChangeEnd.NotNeeded => isGone ? IndexRemovalState.NotThere : IndexRemovalState.Kept,
            ChangeEnd.Cancelled => IndexRemovalState.Cancelled,
            _ => IndexRemovalState.Failed,
        },
        StartedAt = StartedAt,
        Duration = Duration,
        SizeBytes = index.SizeBytes,
        Retries = Retries,
        BlockedBy = BlockedBy.ToItemList(),
        Error = Error?.Message,
        LeftoverIndex = LeftoverIndex,
        Target = Context.Target.Target,
    };

    protected override Task<uint> FindTableAsync(CancellationToken cancellationToken) => Task.FromResult(index.TableOid);

    protected override async Task<bool> IsNeededAsync(CancellationToken cancellationToken)
    {
        if (await Context.FindStateAsync(index.Oid, cancellationToken) is not { } state)
        {
            isGone = true;
            return false;
        }

        if (IsRepair && (state.IsValid || state.IsBeingBuilt))
        {
            return false;
        }

        if (state.IsBeingBuilt)
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexBeingBuilt, FailureKind.Busy, $"{QualifiedName} is being built by another session.",
                "Wait until it is done.", index);
        }

        return (await Context.Catalog.GetIndexesAsync([index.TableOid], cancellationToken))
            .Any(i => i.Oid == index.Oid && i.ServerDefinition == index.ServerDefinition)
            ? true
            : throw new PerfMonitoringException(
                ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                $"{QualifiedName} is another index than the one that was to be dropped.",
                "Look at it again with Get-IndexUsageStat.", index);
    }

    protected override IndexAction? ToAction() => action;

    protected override async Task WorkAsync(BuilderGate gate, CancellationToken cancellationToken)
    {
        try
        {
            await RetryAsync(token => AttemptAsync(gate, token), cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or PerfMonitoringException)
        {
            await CompleteAsync(e);
        }
    }

    // Somebody who dropped it may not have updated the store, and may have created it again since.
    protected override async Task<PerfMonitoringException?> MarkAsync() =>
        isGone && !await Context.Catalog.ExistsAsync(index.Definition.QualifiedName, CancellationToken.None)
            ? await StrategyMark.SetAsync(Context.Strategies, isThere: false, index.Definition) : null;

    // An invalid index that somebody else works on needs no repair.
    protected override (ChangeEnd End, PerfMonitoringException? Error) Judge(PerfMonitoringException e) =>
        IsRepair && e.ErrorId is ErrorIds.IndexChanged or ErrorIds.IndexWorkedOn
            ? (ChangeEnd.NotNeeded, null) : base.Judge(e);

    private bool IsRepair => action?.Action == IndexActionKind.Repair;

    private async Task<TimeSpan> AttemptAsync(BuilderGate gate, CancellationToken cancellationToken)
    {
        // DROP INDEX CONCURRENTLY makes the index invalid at once and then waits for these transactions. It is better to wait
        // before.
        await WaitForUsersAsync(gate, index.TableOid, cancellationToken);
        if (!index.IsValid && await Context.FindStateAsync(index.Oid, cancellationToken) is { } state
            && (state.IsValid || state.IsBeingBuilt))
        {
            // The other session has finished the drop, or works on the index again.
            throw new PerfMonitoringException(
                ErrorIds.IndexWorkedOn, FailureKind.Busy,
                $"{QualifiedName} was invalid and is {(state.IsValid ? "valid" : "being built")} by now.",
                "Look at it again with Get-IndexUsageStat.", index);
        }

        try
        {
            return await ExecuteAsync(
                gate, (connection, token) => connection.ExecuteDdlAsync(statement, isWatched: true, token),
                index.IsPartitioned ? MomentaryLockTimeout : Options.LockTimeout, Look, cancellationToken);
        }
        catch (PerfMonitoringException e)
        {
            throw Explain(e);
        }

        bool Look(IReadOnlyList<ProgressRow> rows)
        {
            Report("dropping", [.. rows.Where(r => r.ProcessId is not null).Select(r => r.ToBlocker())]);
            return true;
        }
    }

    // A half-dropped index is useless, so a started drop is completed, whatever the cause of the interruption.
    private async Task CompleteAsync(Exception cause)
    {
        if (Session is null)
        {
            ExceptionDispatchInfo.Throw(cause);
        }

        bool isDropped;
        try
        {
            isDropped = await CleanUpAsync(TryCompleteAsync);
        }
        catch (OperationCanceledException)
        {
            LeftoverIndex = QualifiedName;
            throw new PerfMonitoringException(
                ErrorIds.InvalidIndexLeft, FailureKind.Busy,
                $"{QualifiedName} is half dropped, invalid, and the drop could not be carried to its end within "
                    + $"{Options.CleanUpLimit.TotalSeconds:0} s."
                    + (cause is PerfMonitoringException ? $" {cause.Message}" : ""),
                $"Run \"{statement}\" when the table is free, or Invoke-IndexRemoval -Force again.", index, cause);
        }

        if (!isDropped)
        {
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    /// <summary>Whether the index is gone (true) or untouched (false); null if that is not known.</summary>
    private async Task<bool?> TryCompleteAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if ((await connection.QueryAsync<bool>(IndexSql.Command("TerminateDrop", Session, cancellationToken))).Any())
        {
            return null;
        }

        switch (await Context.FindStateAsync(index.Oid, cancellationToken))
        {
            case null:
                return true;
            case { IsValid: true }:
                return false;
        }

        // An index that was already invalid may be untouched. It is dropped in any case.
        Report("carrying the drop to its end", []);
        await connection.SetLimitsAsync(
            index.IsPartitioned ? MomentaryLockTimeout : CleanUpLockTimeout, null, cancellationToken);
        await connection.ExecuteDdlAsync(statement, isWatched: false, cancellationToken);
        return true;
    }

    public override PerfMonitoringException Explain(PerfMonitoringException e) =>
        (e.InnerException as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.DependentObjectsStillExist => new PerfMonitoringException(
            ErrorIds.IndexIsNeeded, FailureKind.InvalidArgument, $"{QualifiedName}: {Innermost(e)}.",
            "Change what rests on it first; -Force does not help.", index, e),
        _ => base.Explain(e),
    };
}
