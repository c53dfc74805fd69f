using System.Globalization;
using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>
/// A B-tree that is larger than a fresh build would be. <see cref="IndexSize"/> estimates the size of a fresh build from the
/// statistics. A B-tree that grew by random inserts is 69 % full (ln 2; Yao, On random 2-3 trees, 1978), a fresh one is 90 %
/// full, so up to a quarter of the size is not bloat.
/// </summary>
/// <param name="Index">The index.</param>
/// <param name="EstimatedSizeBytes">Expected size of a fresh build, in bytes.</param>
internal sealed record BloatedIndex(TableIndex Index, long EstimatedSizeBytes)
{
    /// <summary>Share of the size that a rebuild would free, 0 to 1.</summary>
    public double Bloat => Math.Max(0, 1 - ((double)EstimatedSizeBytes / Math.Max(1, Index.SizeBytes)));

    /// <summary>The statement that rebuilds the index.</summary>
    public string Statement => Index.Definition.ToReindexStatement();

    /// <summary>The reason, in one sentence.</summary>
    public string Reason => string.Create(
        CultureInfo.InvariantCulture,
        $"About {Bloat * 100:0} % of its {ByteSize.InMegabytes(Index.SizeBytes)} are bloat: a fresh build needs about "
            + $"{ByteSize.InMegabytes(EstimatedSizeBytes)}.");

    /// <summary>
    /// The bloated B-trees, the most wasteful first. The result leaves out indexes that cannot be rebuilt concurrently (exclusion
    /// constraints), invalid indexes, and indexes of tables that were never analysed.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="minimumBloat">The least share of bloat in the size, 0 to 1.</param>
    /// <param name="minimumBytes">The least bloat in bytes.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<IReadOnlyList<BloatedIndex>> FindAsync(
        IMonitoringConnection connection, double minimumBloat, long minimumBytes, CancellationToken cancellationToken)
    {
        var large = (await connection.IndexUsage.ReadAsync(cancellationToken)).Indexes
            .Where(i => i is { IsUsable: true, IsLocked: false, Index: { Definition.Method: "btree", IsExclusion: false } }
                && i.SizeBytes > minimumBytes)
            .ToList();
        if (large.Count == 0)
        {
            return [];
        }

        var tables = (await connection.Catalog.FindTablesAsync(
            [.. large.Select(i => i.Index.Definition.Table).Distinct()], cancellationToken)).ToDictionary(t => t.Oid);
        return
        [
            .. from usage in large
               let index = usage.Index
               where tables.ContainsKey(index.TableOid)
               let fresh = IndexSize.Estimate(
                   index.Definition, tables[index.TableOid], index.Definition.Where is null ? null : usage.Entries)
               where fresh is not null
               let bloated = new BloatedIndex(index, fresh.Value)
               where bloated.Bloat >= minimumBloat && index.SizeBytes - fresh.Value >= minimumBytes
               orderby index.SizeBytes - fresh.Value descending
               select bloated,
        ];
    }

    /// <summary>Rebuilds the index and records that in the audit.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellationToken">Cancels the operation and cleans up.</param>
    /// <returns>As <see cref="IIndexChanger.RebuildAsync"/>.</returns>
    public async Task<(IndexRepairResult Result, PerfMonitoringException? Error)> RunAsync(
        IMonitoringConnection connection, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken)
    {
        var (result, error) = await connection.IndexChanger.RebuildAsync(
            Index, options, progress, cancellationToken, ToAction());
        return (result with { EstimatedSizeBytes = EstimatedSizeBytes }, error);
    }

    private IndexAction ToAction() => new()
    {
        Action = IndexActionKind.Repair,
        TableName = Index.Definition.Table.ToString(),
        IndexName = Index.Definition.Name,
        IndexOid = Index.Oid,
        Statement = Statement,
        Reason = Reason,
        Evidence = JsonSerializer.Serialize(
            new RemovalEvidence { SizeBytes = Index.SizeBytes, EstimatedSizeBytes = EstimatedSizeBytes },
            IndexDefinitionJson.Options),
    };
}
