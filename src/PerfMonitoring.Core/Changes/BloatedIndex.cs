using System.Globalization;
using System.Text.Json;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>
/// A B-tree that is larger than a fresh build would be. How large that is <see cref="IndexSize"/> estimates from the statistics.
/// A B-tree that grew by random inserts is 69 % full (ln 2; Yao, On random 2-3 trees, 1978) where a fresh one is 90 %: up to a
/// quarter of its size is no bloat.
/// </summary>
/// <param name="Index">The index.</param>
/// <param name="EstimatedSizeBytes">What a fresh build would need, in bytes.</param>
public sealed record BloatedIndex(TableIndex Index, long EstimatedSizeBytes)
{
    /// <summary>The share of its size that would become free, 0 to 1.</summary>
    public double Bloat => Math.Max(0, 1 - ((double)EstimatedSizeBytes / Math.Max(1, Index.SizeBytes)));

    /// <summary>The statement that builds it anew.</summary>
    public string Statement => Index.Definition.ToReindexStatement();

    /// <summary>Why, in a sentence.</summary>
    public string Reason => string.Create(
        CultureInfo.InvariantCulture,
        $"About {Bloat * 100:0} % of its {ByteSize.InMegabytes(Index.SizeBytes)} are bloat: a fresh build needs about "
            + $"{ByteSize.InMegabytes(EstimatedSizeBytes)}.");

    /// <summary>
    /// The bloated B-trees, the most wasteful first. What cannot be built anew concurrently (exclusion constraints), is invalid,
    /// or whose table was never analysed is left out.
    /// </summary>
    /// <param name="connection">The session.</param>
    /// <param name="minimumBloat">The least share of the size that is bloat, 0 to 1.</param>
    /// <param name="minimumBytes">The least number of bytes that are bloat.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<IReadOnlyList<BloatedIndex>> FindAsync(
        IMonitoringConnection connection, double minimumBloat, long minimumBytes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
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

    /// <summary>Builds it anew and writes that into the audit.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Is told where it stands.</param>
    /// <param name="cancellationToken">Cancels and cleans up.</param>
    /// <returns>As <see cref="IIndexRebuilder.RebuildAsync"/>.</returns>
    public async Task<(IndexRepairResult Result, PerfMonitoringException? Error)> RunAsync(
        IMonitoringConnection connection, IndexBuildOptions options, IProgress<IndexCreationProgress> progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var (result, error) = await connection.IndexRebuilder.RebuildAsync(
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
