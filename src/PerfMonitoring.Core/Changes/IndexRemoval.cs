using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

/// <summary>An index that may be dropped, as it is at this moment.</summary>
/// <param name="Index">What the catalog says of it.</param>
/// <param name="Usage">Its figures and the verdict.</param>
public sealed record IndexRemoval(TableIndex Index, IndexUsageStat Usage)
{
    /// <summary>Whether it is the rest of a build or a drop that failed, and not an index that served.</summary>
    public bool IsRepair { get; init; }

    private const string Invalid = "It is invalid, and nobody builds it: the rest of a build or a drop that failed.";

    /// <summary>Why an index that this product made is taken back; null for one that was there before.</summary>
    public string? RevertReason { get; init; }

    /// <summary>Which known queries get dearer without it; null where that was not asked.</summary>
    public DropImpact? Impact { get; init; }

    /// <summary>What was measured before and after its build, for the audit; null where nothing was.</summary>
    public JsonElement? Verification { get; init; }

    /// <summary>The statement that drops it; PostgreSQL drops no index of a partitioned table concurrently.</summary>
    public string Statement => Index.Definition.ToDropStatement(concurrently: !Index.IsPartitioned);

    /// <summary>What a person should know before it is dropped, as sentences; null where it hinders nobody.</summary>
    public string? Warning => Index.IsPartitioned
        ? $"PostgreSQL does not drop the index of a partitioned table concurrently. Dropping {Usage.IndexName} locks "
            + $"{Usage.TableName} and its partitions for a moment, "
            + "and readers and writers that come while it waits for that lock wait behind it, two seconds at most for each try."
        : null;

    /// <summary>
    /// Judges an index anew: what was true when the pipeline began need not be so now, and each drop changes what is said of the
    /// others.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="indexOid">The index.</param>
    /// <param name="scope">Where its usage is asked for.</param>
    /// <param name="force">Whether to drop it though that is not recommended.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The removal; null where the index is not there any more, for somebody else was first.</returns>
    /// <exception cref="PerfMonitoringException">
    /// IndexIsNeeded: a constraint, the replica identity or a partitioned table's index rests on it;
    /// NotRecommendedForDrop.
    /// </exception>
    public static async Task<IndexRemoval?> PrepareAsync(
        IMonitoringConnection connection, uint indexOid, UsageScope scope, bool force, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
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
    /// The invalid indexes that nobody builds: rests of a CREATE INDEX CONCURRENTLY that failed, of REINDEX CONCURRENTLY (_ccnew,
    /// _ccold) or of a drop. Writes maintain them and no query may use them.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<IReadOnlyList<IndexRemoval>> FindInvalidAsync(
        IMonitoringConnection connection, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
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

    /// <summary>Why an index is not dropped, or null where it may be.</summary>
    /// <param name="index">What the catalog says of it.</param>
    /// <param name="usage">Its figures and the verdict.</param>
    /// <param name="force">Whether to drop it though that is not recommended.</param>
    public static PerfMonitoringException? Refuse(TableIndex index, IndexUsageStat usage, bool force)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(usage);
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

    /// <summary>Drops the index, writes that into the audit, and takes its strategy out of what is to be built.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Is told where it stands.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <returns>As <see cref="IIndexRemover.RemoveAsync"/>.</returns>
    public async Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RunAsync(
        IMonitoringConnection connection, IndexBuildOptions options, IProgress<IndexCreationProgress> progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var (result, error) = await connection.IndexRemover.RemoveAsync(Index, options, progress, cancellationToken, ToAction());
        result = result with {
            Impact = Impact, Reasons = IsRepair ? [Invalid] : RevertReason is null ? Usage.Reasons : [RevertReason] };
        // Whoever dropped it may not have told the store, and may have built it again since.
        if (result.State == IndexRemovalState.NotThere
            && !await connection.Catalog.ExistsAsync(Index.Definition.QualifiedName, CancellationToken.None))
        {
            error = await MarkAsync(connection, isThere: false, result.TableName, result.IndexName) ?? error;
            result = result with { Error = error?.Message };
        }

        return (result, error);
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

    /// <summary>
    /// Tells the store that an index is there, or not any more: the strategy of one that was dropped is removed, else the next
    /// Invoke-IndexCreation -Pending would build it again. Not cancelled, for it is so already.
    /// </summary>
    /// <returns>What kept the store from being told, or null.</returns>
    internal static Task<PerfMonitoringException?> MarkAsync(
        IMonitoringConnection connection, bool isThere, string tableName, string indexName) => IndexAudit.MarkAsync(
        async () =>
        {
            try
            {
                var filter = new IndexStrategyFilter {
                    Table = RelationName.Parse(tableName), IndexName = indexName, IncludeInactive = true };
                var known = new List<IndexStrategy>();
                await foreach (var strategy in connection.Strategies.GetAsync(filter, CancellationToken.None))
                {
                    known.Add(strategy);
                }

                foreach (var strategy in known.Where(s => s.IsCreated != isThere))
                {
                    await connection.Strategies.UpdateAsync(
                        strategy.Id, new IndexStrategyChange { IsCreated = isThere, IsActive = isThere }, CancellationToken.None);
                }
            }
            catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.StoreMissing)
            {
                // Nobody keeps strategies.
            }
        },
        $"{indexName} on {tableName} is {(isThere ? "there again" : "dropped")}",
        isThere ? "run Update-IndexUsageStat" : "run Remove-IndexStrategy for it",
        indexName);
}

/// <summary>
/// What the audit keeps of a drop: why, and the index taken apart, so that it can be built again; of a rebuild, the sizes.
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
