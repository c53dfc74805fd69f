using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

/// <summary>An index to drop, in its present state.</summary>
/// <param name="Index">The index in the catalog.</param>
/// <param name="Usage">Its figures and the verdict.</param>
internal sealed record IndexRemoval(TableIndex Index, IndexUsageStat Usage)
{
    /// <summary>Whether it remains from a failed build or drop; such an index was never used.</summary>
    public bool IsRepair { get; init; }

    private const string Invalid = "It is invalid, and nobody builds it: the rest of a build or a drop that failed.";

    /// <summary>The reason for reverting an index that this module created; null for any other index.</summary>
    public string? RevertReason { get; init; }

    /// <summary>The known queries that cost more without it; null where that was not requested.</summary>
    public DropImpact? Impact { get; init; }

    /// <summary>The measurements before and after its build, for the audit; null where there are none.</summary>
    public JsonElement? Verification { get; init; }

    /// <summary>The DROP INDEX statement; PostgreSQL cannot drop an index of a partitioned table concurrently.</summary>
    public string Statement => Index.Definition.ToDropStatement(concurrently: !Index.IsPartitioned);

    /// <summary>A warning before the drop, as sentences; null where the drop hinders nobody.</summary>
    public string? Warning => Index.IsPartitioned
        ? $"PostgreSQL does not drop the index of a partitioned table concurrently. Dropping {Usage.IndexName} locks "
            + $"{Usage.TableName} and its partitions for a moment, "
            + "and readers and writers that come while it waits for that lock wait behind it, two seconds at most for each try."
        : null;

    /// <summary>
    /// Judges an index again: the facts may have changed since the pipeline began, and each drop changes the verdicts on the
    /// other indexes.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="indexOid">The index.</param>
    /// <param name="scope">The servers and the period for its usage.</param>
    /// <param name="force">Whether to drop it although that is not recommended.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>The removal; null where somebody else has dropped the index.</returns>
    /// <exception cref="PerfMonitoringException">IndexIsNeeded: a constraint, the replica identity or the index of a partitioned
    /// table depends on it; NotRecommendedForDrop.</exception>
    public static async Task<IndexRemoval?> PrepareAsync(
        IMonitoringConnection connection, uint indexOid, UsageScope scope, bool force, CancellationToken cancellationToken)
    {
        var usage = (await PartitionedIndexes.ReadAllAsync(connection, scope, cancellationToken))
            .FirstOrDefault(s => s.IndexOid == indexOid);
        var index = usage is null
            ? null
            : (await connection.Catalog.GetIndexesAsync([usage.TableOid!.Value], cancellationToken))
                .FirstOrDefault(i => i.Oid == indexOid);
        if (usage is null || index is null)
        {
            return null;
        }

        return Refuse(index, usage, force) is { } refusal
            ? throw refusal
            : new IndexRemoval(index.IsPartitioned ? index with { SizeBytes = usage.IndexSizeBytes ?? 0 } : index, usage);
    }

    /// <summary>
    /// The invalid indexes that nobody is building: remains of a failed CREATE INDEX CONCURRENTLY, of REINDEX CONCURRENTLY
    /// (_ccnew, _ccold) or of a drop. Writes maintain them, and no query may use them.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<IReadOnlyList<IndexRemoval>> FindInvalidAsync(
        IMonitoringConnection connection, CancellationToken cancellationToken)
    {
        var invalid = (await UsageReader.GetAsync(connection, new(), cancellationToken))
            .Where(s => s is { IsValid: false, IsBeingBuilt: false }).ToList();
        var indexes = invalid.Count == 0
            ? []
            : await connection.Catalog.GetIndexesAsync([.. invalid.Select(s => s.TableOid!.Value).Distinct()], cancellationToken);
        return
        [
            .. from usage in invalid
               join index in indexes on usage.IndexOid equals index.Oid
               where Refuse(index, usage, force: true) is null
               select new IndexRemoval(index, usage) { IsRepair = true },
        ];
    }

    /// <summary>The error that forbids the drop, or null where it is allowed.</summary>
    /// <param name="index">The index in the catalog.</param>
    /// <param name="usage">Its figures and the verdict.</param>
    /// <param name="force">Whether to drop it although that is not recommended.</param>
    public static PerfMonitoringException? Refuse(TableIndex index, IndexUsageStat usage, bool force)
    {
        var name = $"{index.Definition.Name} on {usage.TableName}";
        if (index.Need is { } need)
        {
            return new PerfMonitoringException(
                ErrorIds.IndexIsNeeded, FailureKind.InvalidArgument, $"{name} is not dropped: {need}.",
                "Change what rests on it first; -Force does not help.", usage);
        }

        return usage.IsRecommendedForDrop || force
            ? null
            : new PerfMonitoringException(
                ErrorIds.NotRecommendedForDrop, FailureKind.InvalidArgument,
                $"{name} is not recommended for drop: "
                    + (usage.Blockers.Count > 0 ? string.Join(' ', usage.Blockers) : "nothing speaks for dropping it."),
                "Get-IndexUsageStat shows its figures; -Force drops it all the same.", usage);
    }

    /// <summary>Drops the index, records that in the audit, and removes its strategy from the pending ones.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <returns>As <see cref="IIndexChanger.DropAsync"/>.</returns>
    public async Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RunAsync(
        IMonitoringConnection connection, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken)
    {
        var (result, error) = await connection.IndexChanger.DropAsync(Index, options, progress, cancellationToken, ToAction());
        return (
            result with {
                Impact = Impact, Reasons = IsRepair ? [Invalid] : RevertReason is null ? Usage.Reasons : [RevertReason] },
            error);
    }

    private IndexAction ToAction() => new()
    {
        Action = IsRepair ? IndexActionKind.Repair : RevertReason is null ? IndexActionKind.Drop : IndexActionKind.Revert,
        IndexStrategyId = Usage.IndexStrategyId,
        TableName = Usage.TableName,
        IndexName = Usage.IndexName,
        IndexOid = Index.Oid,
        Statement = Statement,
        UndoStatement = Index.Definition.ToCreateStatement(concurrently: !Index.IsPartitioned),
        Reason = IsRepair
            ? Invalid
            : RevertReason
            ?? (Usage.IsRecommendedForDrop ? string.Join(' ', Usage.Reasons) : "It was dropped though that was not recommended."),
        Evidence = JsonSerializer.Serialize(
            new RemovalEvidence
            {
                Definition = Index.Definition,
                SizeBytes = Index.SizeBytes,
                TotalScans = Usage.TotalScans,
                LastScan = Usage.LastScan,
                CountersSince = Usage.CountersSince,
                Blockers = Usage.Blockers,
                Verification = Verification,
                Impact = Impact,
            },
            IndexDefinitionJson.Options),
    };
}

/// <summary>
/// Evidence of a drop in the audit: the reasons, and the parsed definition for a restore; for a rebuild, the sizes.
/// </summary>
internal sealed record RemovalEvidence
{
    public static RemovalEvidence? Read(IndexAction action) =>
        action.Evidence is null
            ? null : JsonSerializer.Deserialize<RemovalEvidence>(action.Evidence, IndexDefinitionJson.Options);

    public IndexDefinition? Definition { get; init; }

    public long? SizeBytes { get; init; }

    public long? EstimatedSizeBytes { get; init; }

    public long? TotalScans { get; init; }

    public DateTimeOffset? LastScan { get; init; }

    public DateTimeOffset? CountersSince { get; init; }

    public IReadOnlyList<DropBlocker>? Blockers { get; init; }

    public JsonElement? Verification { get; init; }

    public DropImpact? Impact { get; init; }
}
