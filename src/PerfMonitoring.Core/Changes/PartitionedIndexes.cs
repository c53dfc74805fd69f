using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

/// <summary>
/// The usage of indexes that can be dropped as a whole: an index of a partitioned table replaces the indexes of its partitions.
/// </summary>
internal static class PartitionedIndexes
{
    /// <summary>The live usage of every index; that of a partitioned table's index is the sum over its parts.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="scope">The servers and the period for the usage.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<IReadOnlyList<IndexUsageStat>> ReadAllAsync(
        IMonitoringConnection connection, UsageScope scope, CancellationToken cancellationToken)
    {
        var all = await UsageReader.GetAsync(connection, scope, cancellationToken);
        var known = all.ToDictionary(s => s.IndexOid!.Value);
        var partitioned = await connection.Catalog.GetPartitionedIndexesAsync(cancellationToken);
        return
        [
            .. all,
            .. partitioned.Select(p => Sum(p, [.. p.LeafOids.Select(known.GetValueOrDefault)], connection.Target)),
        ];
    }

    /// <summary>The figures of an index as the sum over its parts; unknown where one of them is unknown.</summary>
    /// <param name="index">The index.</param>
    /// <param name="parts">The figures of its parts; null for a part without figures.</param>
    /// <param name="target">The database.</param>
    public static IndexUsageStat Sum(PartitionedIndex index, IReadOnlyList<IndexUsageStat?> parts, ServerTarget target)
    {
        var since = parts.Any(p => p?.CountersSince is null) ? null : parts.Max(p => p!.CountersSince);
        var scans = Total(p => p.TotalScans);
        return new IndexUsageStat
        {
            TableName = index.Table.ToString(),
            TableOid = index.TableOid,
            IndexName = index.IndexName,
            IndexOid = index.IndexOid,
            Definition = index.Definition,
            TotalScans = scans,
            TotalTuplesRead = Total(p => p.TotalTuplesRead),
            TotalTuplesFetched = Total(p => p.TotalTuplesFetched),
            UnaskedStandbyCount = parts.Max(p => p?.UnaskedStandbyCount),
            IndexSizeBytes = Total(p => p.IndexSizeBytes),
            Reasons = scans == 0 ? [$"Not scanned on any of its {parts.Count} partition(s) since the statistics began."] : [],
            Blockers =
            [
                .. index.IsUnique
                    ? [new(DropBlockerCode.Unique, "It enforces uniqueness.")] : Array.Empty<DropBlocker>(),
                new(
                    DropBlockerCode.Partitioned,
                    $"It is the index of a partitioned table, of which a person decides: it goes with those of its {parts.Count} "
                        + "partition(s) at once."),
            ],
            Notes = parts.SelectMany(p => p?.Notes ?? []).Distinct().ToArray(),
            LastScan = parts.Max(p => p?.LastScan),
            CountersSince = since,
            TableWrites = Total(p => p.TableWrites),
            IsValid = index.IsValid,
            IsUnique = index.IsUnique,
            IsBeingBuilt = parts.Any(p => p?.IsBeingBuilt == true),
            StatsDate = parts.Max(p => p?.StatsDate) ?? default,
            LastAnalyzed = parts.Max(p => p?.LastAnalyzed) ?? default,
            Target = target,
        };

        // Without parts nothing is known: a table without partitions has no storage.
        long? Total(Func<IndexUsageStat, long?> figure) =>
            parts.Aggregate((long?)0, (sum, part) => sum + (part is null ? null : figure(part)));
    }
}
