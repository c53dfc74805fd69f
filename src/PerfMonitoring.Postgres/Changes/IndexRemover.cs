using System.Runtime.ExceptionServices;
using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// Runs DROP INDEX CONCURRENTLY, with the lock, the checks and the audit. PostgreSQL does not support this for the index of a
/// partitioned table; it is dropped directly, with a short wait for its locks.
/// </summary>
internal sealed class IndexRemover(Database target, ICatalogRepository catalog, IIndexActionRepository actions) : IIndexRemover
{
    public async Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RemoveAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null)
    {
        var drop = new IndexDrop(target, index, options, progress);
        try
        {
            await using var gate = await BuilderGate.EnterAsync(target, actions, drop, index.TableOid, cancellationToken);
            var untold = await RemoveAsync(gate, drop, action, cancellationToken);
            return (drop.ToResult(untold), untold);
        }
        catch (PerfMonitoringException e)
            when (e.ErrorId is ErrorIds.IndexChanged or ErrorIds.IndexWorkedOn && action?.Action == IndexActionKind.Repair)
        {
            drop.State = IndexRemovalState.Kept;
            return (drop.ToResult(null), null);
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            drop.State = e.ErrorId == drop.CancelledId ? IndexRemovalState.Cancelled : IndexRemovalState.Failed;
            return (drop.ToResult(e), e);
        }
    }

    private async Task<PerfMonitoringException?> RemoveAsync(
        BuilderGate gate, IndexDrop drop, IndexAction? action, CancellationToken cancellationToken)
    {
        // The wait may have changed the facts, so they are checked again.
        if (await FindStateAsync(drop, cancellationToken) is not { } state)
        {
            drop.State = IndexRemovalState.NotThere;
            return null;
        }

        if (action?.Action == IndexActionKind.Repair && (state.IsValid || state.IsBeingBuilt))
        {
            drop.State = IndexRemovalState.Kept;
            return null;
        }

        if (state.IsBeingBuilt)
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexBeingBuilt, FailureKind.Busy, $"{drop.QualifiedName} is being built by another session.",
                "Wait until it is done.", drop.Index);
        }

        if ((await catalog.GetIndexesAsync([drop.Index.TableOid], cancellationToken))
            .FirstOrDefault(i => i.Oid == drop.Index.Oid) is not { } now
            || now.ServerDefinition != drop.Index.ServerDefinition)
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                $"{drop.QualifiedName} is another index than the one that was to be dropped.",
                "Look at it again with Get-IndexUsageStat.", drop.Index);
        }

        var untold = await drop.RecordAsync(
            actions,
            action,
            async () =>
            {
                try
                {
                    await drop.RetryAsync(token => AttemptAsync(gate, drop, token), cancellationToken);
                }
                catch (Exception e) when (e is OperationCanceledException or PerfMonitoringException)
                {
                    await CompleteAsync(drop, e);
                }
            },
            cancellationToken);
        drop.State = IndexRemovalState.Removed;
        return untold;
    }

    private async Task<TimeSpan> AttemptAsync(BuilderGate gate, IndexDrop drop, CancellationToken cancellationToken)
    {
        // DROP INDEX CONCURRENTLY makes the index invalid at once and then waits for these transactions. It is better to wait
        // before.
        await drop.WaitForUsersAsync(gate, drop.Index.TableOid, cancellationToken);
        if (!drop.Index.IsValid && await FindStateAsync(drop, cancellationToken) is { } state
            && (state.IsValid || state.IsBeingBuilt))
        {
            // The other session has finished the drop, or works on the index again.
            throw new PerfMonitoringException(
                ErrorIds.IndexWorkedOn, FailureKind.Busy,
                $"{drop.QualifiedName} was invalid and is {(state.IsValid ? "valid" : "being built")} by now.",
                "Look at it again with Get-IndexUsageStat.", drop.Index);
        }

        try
        {
            return await drop.ExecuteAsync(
                gate, (connection, token) => connection.ExecuteDdlAsync(drop.Statement, isWatched: true, token),
                drop.Index.IsPartitioned ? IndexChange.MomentaryLockTimeout : drop.Options.LockTimeout, Look, cancellationToken);
        }
        catch (PerfMonitoringException e)
        {
            throw drop.Explain(e);
        }

        bool Look(IReadOnlyList<ProgressRow> rows)
        {
            drop.Report("dropping", [.. rows.Where(r => r.ProcessId is not null).Select(r => r.ToBlocker())]);
            return true;
        }
    }

    // A half-dropped index is useless, so a started drop is completed, whatever the cause of the interruption.
    private async Task CompleteAsync(IndexDrop drop, Exception cause)
    {
        if (drop.Session is null)
        {
            ExceptionDispatchInfo.Throw(cause);
        }

        bool isGone;
        try
        {
            isGone = await drop.CleanUpAsync((connection, token) => TryCompleteAsync(connection, drop, token));
        }
        catch (OperationCanceledException)
        {
            drop.LeftoverIndex = drop.QualifiedName;
            throw new PerfMonitoringException(
                ErrorIds.InvalidIndexLeft, FailureKind.Busy,
                $"{drop.QualifiedName} is half dropped, invalid, and the drop could not be carried to its end within "
                    + $"{drop.Options.CleanUpLimit.TotalSeconds:0} s."
                    + (cause is PerfMonitoringException ? $" {cause.Message}" : ""),
                $"Run \"{drop.Statement}\" when the table is free, or Invoke-IndexRemoval -Force again.", drop.Index, cause);
        }

        if (!isGone)
        {
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    /// <summary>Whether the index is gone (true) or untouched (false); null if that is not known.</summary>
    private async Task<bool?> TryCompleteAsync(NpgsqlConnection connection, IndexDrop drop, CancellationToken cancellationToken)
    {
        if ((await connection.QueryAsync<bool>(IndexSql.Command("TerminateDrop", drop.Session, cancellationToken))).Any())
        {
            return null;
        }

        switch (await FindStateAsync(drop, cancellationToken))
        {
            case null:
                return true;
            case { IsValid: true }:
                return false;
        }

        // An index that was already invalid may be untouched. It is dropped in any case.
        drop.Report("carrying the drop to its end", []);
        await connection.SetLimitsAsync(
            drop.Index.IsPartitioned ? IndexChange.MomentaryLockTimeout : IndexChange.CleanUpLockTimeout, null,
            cancellationToken);
        await connection.ExecuteDdlAsync(drop.Statement, isWatched: false, cancellationToken);
        return true;
    }

    private Task<StateRow?> FindStateAsync(IndexDrop drop, CancellationToken cancellationToken) =>
        target.QuerySingleOrDefaultAsync<StateRow>(
            Sql.Get("GetIndexState"), new { Oid = (long)drop.Index.Oid }, cancellationToken);

    /// <summary>The drop of one index.</summary>
    private sealed class IndexDrop(
        Database target, TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress)
        : IndexChange(target, index, "Invoke-IndexRemoval", options, progress)
    {
        public TableIndex Index => index;
        public string Statement { get; } = index.Definition.ToDropStatement(concurrently: !index.IsPartitioned);
        public override string QualifiedName => index.Definition.QualifiedName.ToString();
        public IndexRemovalState State { get; set; }

        public IndexRemovalResult ToResult(PerfMonitoringException? error) => new()
        {
            TableName = index.Definition.Table.ToString(),
            IndexName = index.Definition.Name,
            Statement = Statement,
            UndoStatement = index.Definition.ToCreateStatement(concurrently: !index.IsPartitioned),
            Definition = index.Definition,
            State = State,
            StartedAt = StartedAt,
            Duration = Duration,
            SizeBytes = index.SizeBytes,
            Retries = Retries,
            BlockedBy = BlockedBy,
            Error = error?.Message,
            LeftoverIndex = LeftoverIndex,
            Target = Database.Target,
        };

        public override PerfMonitoringException Explain(PerfMonitoringException e) =>
            (e.InnerException as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.DependentObjectsStillExist => new PerfMonitoringException(
                ErrorIds.IndexIsNeeded, FailureKind.InvalidArgument, $"{QualifiedName}: {Innermost(e)}.",
                "Change what rests on it first; -Force does not help.", index, e),
            _ => base.Explain(e),
        };
    }

    private sealed class StateRow
    {
        public bool IsValid { get; init; }
        public bool IsBeingBuilt { get; init; }
    }
}
