using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Runs REINDEX INDEX CONCURRENTLY, with the lock, the checks and the audit.</summary>
internal sealed class IndexRebuilder(Database target, ICatalogRepository catalog, IIndexActionRepository actions)
    : IIndexRebuilder
{
    public async Task<(IndexRepairResult Result, PerfMonitoringException? Error)> RebuildAsync(
        TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken,
        IndexAction? action = null)
    {
        var rebuild = new IndexRebuild(target, index, options, progress);
        try
        {
            await using var gate = await BuilderGate.EnterAsync(target, actions, rebuild, index.TableOid, cancellationToken);
            var untold = await RebuildAsync(gate, rebuild, action, cancellationToken);
            return (rebuild.ToResult(untold), untold);
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            rebuild.State = e.ErrorId == rebuild.CancelledId ? IndexRepairState.Cancelled : IndexRepairState.Failed;
            return (rebuild.ToResult(e), e);
        }
    }

    private async Task<PerfMonitoringException?> RebuildAsync(
        BuilderGate gate, IndexRebuild rebuild, IndexAction? action, CancellationToken cancellationToken)
    {
        // The wait may have changed the facts, so they are checked again.
        var before = await catalog.GetIndexesAsync([rebuild.Index.TableOid], cancellationToken);
        if (before.FirstOrDefault(i => i.Oid == rebuild.Index.Oid) is not { } now)
        {
            rebuild.State = IndexRepairState.NotThere;
            return null;
        }

        if (!now.IsValid || now.ServerDefinition != rebuild.Index.ServerDefinition)
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                $"{rebuild.QualifiedName} is another index than the one to rebuild, or invalid.",
                "Look at it again with Get-IndexUsageStat.", rebuild.Index);
        }

        rebuild.Before = [.. before.Select(i => i.Oid)];
        var untold = await rebuild.RecordAsync(
            actions, action, () => rebuild.RetryAsync(token => AttemptAsync(gate, rebuild, token), cancellationToken),
            cancellationToken);
        rebuild.State = IndexRepairState.Rebuilt;
        return untold;
    }

    private async Task<bool> AttemptAsync(BuilderGate gate, IndexRebuild rebuild, CancellationToken cancellationToken)
    {
        // If they delayed the statement too long, the new index would have to be dropped, and the drop would wait for them again.
        await rebuild.WaitForUsersAsync(gate, rebuild.Index.TableOid, cancellationToken);
        rebuild.Session = null;
        var watch = new BuildWatch(rebuild);
        try
        {
            await rebuild.ExecuteAsync(
                gate, (connection, token) => connection.ExecuteDdlAsync(rebuild.Statement, isWatched: true, token),
                BuildWatch.ServerLimit(rebuild.Options), watch.Look, cancellationToken);
            rebuild.SizeBytes = (await FindNewAsync(rebuild, cancellationToken))?.SizeBytes;
            return true;
        }
        catch (Exception e) when (rebuild.Session is not null && e is OperationCanceledException or PerfMonitoringException)
        {
            rebuild.Report("dropping the invalid index", []);
            await CleanUpAsync(rebuild, e);

            // The new index may already have replaced the old one.
            if (await FindNewAsync(rebuild, CancellationToken.None) is { } built)
            {
                rebuild.SizeBytes = built.SizeBytes;
                return true;
            }

            if (watch.Explain(e, rebuild.Index, cancellationToken) is { } failure)
            {
                throw failure;
            }

            throw;
        }
    }

    private async Task CleanUpAsync(IndexRebuild rebuild, Exception cause)
    {
        try
        {
            await rebuild.CleanUpAsync((connection, token) => TryCleanUpAsync(connection, rebuild, token));
        }
        catch (OperationCanceledException)
        {
            rebuild.LeftoverIndex ??= $"{rebuild.QualifiedName}_ccnew";
            throw new PerfMonitoringException(
                ErrorIds.InvalidIndexLeft, FailureKind.Busy,
                $"An invalid index beside {rebuild.QualifiedName} (_ccnew or _ccold) may be left: it could not be taken away "
                    + $"within {rebuild.Options.CleanUpLimit.TotalSeconds:0} s."
                    + (cause is PerfMonitoringException ? $" {cause.Message}" : ""),
                "Run Repair-Index when the table is free.", rebuild.Index, cause);
        }
    }

    /// <summary>Drops what the statement left behind; null if that is not known.</summary>
    private async Task<bool?> TryCleanUpAsync(
        NpgsqlConnection connection, IndexRebuild rebuild, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(IndexSql.Command("TerminateBuild", rebuild.Session, cancellationToken));
        foreach (var left in (await catalog.GetIndexesAsync([rebuild.Index.TableOid], cancellationToken))
            .Where(rebuild.IsLeftover))
        {
            rebuild.LeftoverIndex = left.Definition.QualifiedName.ToString();
            var (_, isBeingBuilt) = await connection.QuerySingleOrDefaultAsync<(bool IsValid, bool IsBeingBuilt)>(
                IndexSql.Command("GetIndexState", new { Oid = (long)left.Oid }, cancellationToken));
            if (isBeingBuilt)
            {
                return null;
            }

            await connection.SetLimitsAsync(IndexChange.CleanUpLockTimeout, null, cancellationToken);
            await connection.ExecuteDdlAsync(
                left.Definition.ToDropStatement(concurrently: true), isWatched: false, cancellationToken);
        }

        rebuild.LeftoverIndex = null;
        return true;
    }

    private async Task<TableIndex?> FindNewAsync(IndexRebuild rebuild, CancellationToken cancellationToken) =>
        (await catalog.GetIndexesAsync([rebuild.Index.TableOid], cancellationToken))
            .FirstOrDefault(i => i.IsValid && i.Oid != rebuild.Index.Oid && i.Definition.Name == rebuild.Index.Definition.Name);

    /// <summary>The rebuild of one index.</summary>
    private sealed class IndexRebuild(
        Database target, TableIndex index, IndexChangeOptions options, IProgress<IndexChangeProgress> progress)
        : IndexChange(target, index, "Repair-Index", options, progress)
    {
        public TableIndex Index => index;
        public string Statement { get; } = index.Definition.ToReindexStatement();
        public override string QualifiedName => index.Definition.QualifiedName.ToString();
        public IndexRepairState State { get; set; }
        public HashSet<uint> Before { get; set; } = [];
        public long? SizeBytes { get; set; }

        /// <summary>
        /// Whether an index is left over from this rebuild: the new one that is not ready, or the old one that lost its name.
        /// </summary>
        public bool IsLeftover(TableIndex other) => !other.IsValid
            && (other.Oid == index.Oid ? other.Definition.Name != index.Definition.Name
                : !Before.Contains(other.Oid) && other.Definition.Name.Contains("_ccnew", StringComparison.Ordinal));

        public IndexRepairResult ToResult(PerfMonitoringException? error) => new()
        {
            TableName = index.Definition.Table.ToString(),
            IndexName = index.Definition.Name,
            Statement = Statement,
            State = State,
            SizeBytesBefore = index.SizeBytes,
            SizeBytes = SizeBytes,
            StartedAt = StartedAt,
            Duration = Duration,
            Retries = Retries,
            BlockedBy = BlockedBy,
            Error = error?.Message,
            LeftoverIndex = LeftoverIndex,
            Target = Database.Target,
        };
    }
}
