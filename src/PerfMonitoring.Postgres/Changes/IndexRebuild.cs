using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The rebuild of one index with REINDEX INDEX CONCURRENTLY.</summary>
internal sealed class IndexRebuild(
    ChangeContext context, TableIndex index, IndexAction? action, IndexChangeOptions options,
    IProgress<IndexChangeProgress> progress)
    : IndexChange(context, index, "Repair-Index", options, progress)
{
    private readonly string statement = index.Definition.ToReindexStatement();
    private HashSet<uint> before = [];
    private long? sizeBytes;

    public override string QualifiedName => index.Definition.QualifiedName.ToString();

    public IndexRepairResult ToResult() => new()
    {
        TableName = index.Definition.Table.ToString(),
        IndexName = index.Definition.Name,
        Statement = statement,
        State = End switch
        {
            ChangeEnd.Done => IndexRepairState.Rebuilt,
            ChangeEnd.NotNeeded => IndexRepairState.NotThere,
            ChangeEnd.Cancelled => IndexRepairState.Cancelled,
            _ => IndexRepairState.Failed,
        },
        SizeBytesBefore = index.SizeBytes,
        SizeBytes = sizeBytes,
        StartedAt = StartedAt,
        Duration = Duration,
        Retries = Retries,
        BlockedBy = BlockedBy.ToItemList(),
        Error = Error?.Message,
        LeftoverIndex = LeftoverIndex,
        Target = Context.Target.Target,
    };

    protected override Task<uint> FindTableAsync(CancellationToken cancellationToken) => Task.FromResult(index.TableOid);

    protected override async Task<bool> IsNeededAsync(CancellationToken cancellationToken)
    {
        var indexes = await Context.Catalog.GetIndexesAsync([index.TableOid], cancellationToken);
        before = [.. indexes.Select(i => i.Oid)];
        return indexes.FirstOrDefault(i => i.Oid == index.Oid) switch
        {
            null => false,
            { IsValid: true } now when now.ServerDefinition == index.ServerDefinition => true,
            _ => throw new PerfMonitoringException(
                ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                $"{QualifiedName} is another index than the one to rebuild, or invalid.",
                "Look at it again with Get-IndexUsageStat.", index),
        };
    }

    protected override IndexAction? ToAction() => action;

    protected override Task WorkAsync(BuilderGate gate, CancellationToken cancellationToken) =>
        RetryAsync(token => AttemptAsync(gate, token), cancellationToken);

    private async Task<bool> AttemptAsync(BuilderGate gate, CancellationToken cancellationToken)
    {
        // If they delayed the statement too long, the new index would have to be dropped, and the drop would wait for them again.
        await WaitForUsersAsync(gate, index.TableOid, cancellationToken);
        Session = null;
        var watch = new BuildWatch(this);
        try
        {
            await ExecuteAsync(
                gate, (connection, token) => connection.ExecuteDdlAsync(statement, isWatched: true, token),
                BuildWatch.ServerLimit(Options), watch.Look, cancellationToken);
            sizeBytes = (await FindNewAsync(cancellationToken))?.SizeBytes;
            return true;
        }
        catch (Exception e) when (Session is not null && e is OperationCanceledException or PerfMonitoringException)
        {
            Report("dropping the invalid index", []);
            await CleanUpAsync(e);

            // The new index may already have replaced the old one.
            if (await FindNewAsync(CancellationToken.None) is { } built)
            {
                sizeBytes = built.SizeBytes;
                return true;
            }

            if (watch.Explain(e, index, cancellationToken) is { } failure)
            {
                throw failure;
            }

            throw;
        }
    }

    private async Task CleanUpAsync(Exception cause)
    {
        try
        {
            await CleanUpAsync(TryCleanUpAsync);
        }
        catch (OperationCanceledException)
        {
            LeftoverIndex ??= $"{QualifiedName}_ccnew";
            throw new PerfMonitoringException(
                ErrorIds.InvalidIndexLeft, FailureKind.Busy,
                $"An invalid index beside {QualifiedName} (_ccnew or _ccold) may be left: it could not be taken away "
                    + $"within {Options.CleanUpLimit.TotalSeconds:0} s."
                    + (cause is PerfMonitoringException ? $" {cause.Message}" : ""),
                "Run Repair-Index when the table is free.", index, cause);
        }
    }

    /// <summary>Drops what the statement left behind; null if that is not known.</summary>
    private async Task<bool?> TryCleanUpAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await connection.ExecuteAsync(IndexSql.Command("TerminateBuild", Session, cancellationToken));
        foreach (var left in (await Context.Catalog.GetIndexesAsync([index.TableOid], cancellationToken)).Where(IsLeftover))
        {
            LeftoverIndex = left.Definition.QualifiedName.ToString();
            if (await Context.FindStateAsync(left.Oid, cancellationToken) is { IsBeingBuilt: true })
            {
                return null;
            }

            await connection.SetLimitsAsync(CleanUpLockTimeout, null, cancellationToken);
            await connection.ExecuteDdlAsync(
                left.Definition.ToDropStatement(concurrently: true), isWatched: false, cancellationToken);
        }

        LeftoverIndex = null;
        return true;
    }

    private async Task<TableIndex?> FindNewAsync(CancellationToken cancellationToken) =>
        (await Context.Catalog.GetIndexesAsync([index.TableOid], cancellationToken))
            .FirstOrDefault(i => i.IsValid && i.Oid != index.Oid && i.Definition.Name == index.Definition.Name);

    /// <summary>
    /// Whether an index is left over from this rebuild: the new one that is not ready, or the old one that lost its name.
    /// </summary>
    private bool IsLeftover(TableIndex other) => !other.IsValid
        && (other.Oid == index.Oid ? other.Definition.Name != index.Definition.Name
            : !before.Contains(other.Oid) && other.Definition.Name.Contains("_ccnew", StringComparison.Ordinal));
}
