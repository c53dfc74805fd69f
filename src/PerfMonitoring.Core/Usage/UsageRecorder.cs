using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Usage;

/// <summary>Result of storing usage: the stored figures and the failures.</summary>
/// <param name="Stored">The stored figures.</param>
/// <param name="Skipped">An error for each index that was left out.</param>
/// <param name="Adopted">Number of indexes that became strategies.</param>
/// <param name="Unmonitored">Number of indexes that were left out because their strategy was removed or is not monitored, or
/// because they remain from a failed build.</param>
internal sealed record UsageRecording(
    IReadOnlyList<IndexUsageStat> Stored, IReadOnlyList<PerfMonitoringException> Skipped, int Adopted, int Unmonitored);

/// <summary>
/// Stores the usage of indexes. The store identifies an index by its strategy, so an index without a strategy is adopted.
/// </summary>
internal static class UsageRecorder
{
    /// <summary>Stores live figures for today.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, or an error of the server.</exception>
    public static async Task<UsageRecording> RecordAsync(
        IMonitoringConnection connection, IReadOnlyList<IndexUsageStat> stats, CancellationToken cancellationToken)
    {
        var strategies = new Dictionary<(string Table, string Index), IndexStrategy>();
        await foreach (var strategy in connection.Strategies.GetAsync(
            new IndexStrategyFilter { IncludeInactive = true }, cancellationToken))
        {
            strategies[(strategy.TableName, strategy.IndexName)] = strategy;
        }

        // Only the indexes that must be compared or adopted are read from the catalog again.
        var tables = stats.Where(s => !strategies.TryGetValue(Key(s), out var known) || !known.IsCreated)
            .Select(s => s.TableOid!.Value).Distinct().ToList();
        var definitions = tables.Count == 0
            ? new Dictionary<uint, TableIndex>()
            : (await connection.Catalog.GetIndexesAsync(tables, cancellationToken)).ToDictionary(i => i.Oid);
        var skipped = new List<PerfMonitoringException>();
        var wanted = new List<IndexUsageStat>();
        var unknown = new List<(IndexUsageStat Stat, IndexStrategy Strategy)>();
        var unmonitored = 0;
        foreach (var stat in stats)
        {
            var index = definitions.GetValueOrDefault(stat.IndexOid!.Value);
            var strategy = strategies.GetValueOrDefault(Key(stat));
            if (stat.IsValid == false && strategy?.IsCreated != true)
            {
                // A failed build left this index, which was never used: its strategy is still pending.
                unmonitored++;
            }
            else if (strategy is null)
            {
                // An index that the catalog lacks was dropped between the two readings.
                if (index is not null)
                {
                    unknown.Add((stat, Adopt(index, connection.Target)));
                }
            }
            else if (!strategy.IsActive || !strategy.IsMonitoring)
            {
                unmonitored++;
            }
            else if (strategy.IsCreated)
            {
                wanted.Add(stat with { IndexStrategyId = strategy.Id });
            }
            else if (index is not null && IndexEquality.IsWrittenAlike(index.Definition, strategy.Definition))
            {
                // Somebody created the proposed index by hand.
                await connection.Strategies.UpdateAsync(
                    strategy.Id, new IndexStrategyChange { IsCreated = true, SizeBytes = stat.IndexSizeBytes },
                    cancellationToken);
                wanted.Add(stat with { IndexStrategyId = strategy.Id });
            }
            else
            {
                skipped.Add(new PerfMonitoringException(
                    ErrorIds.IndexDiffersFromStrategy, FailureKind.InvalidArgument,
                    $"The usage of {stat.IndexName} on {stat.TableName} is not stored: its strategy proposes another definition.",
                    "Run Invoke-IndexCreation for the strategy to have both compared, or remove the strategy.", stat));
            }
        }

        wanted.AddRange(await AdoptAsync(connection.Strategies, unknown, skipped, cancellationToken));
        var stored = wanted.Count == 0 ? [] : await connection.IndexUsage.SaveAsync(wanted, cancellationToken);
        return new UsageRecording(
            [.. stored.OrderBy(s => s.TableName, StringComparer.Ordinal).ThenBy(s => s.IndexName, StringComparer.Ordinal)],
            skipped, wanted.Count(w => unknown.Exists(u => Key(u.Stat) == Key(w))), unmonitored);
    }

    // All in one transaction; where one of them cannot be stored, one by one, so that only that one is left out.
    private static async Task<IReadOnlyList<IndexUsageStat>> AdoptAsync(
        IIndexStrategyRepository strategies, List<(IndexUsageStat Stat, IndexStrategy Strategy)> unknown,
        List<PerfMonitoringException> skipped,
        CancellationToken cancellationToken)
    {
        if (unknown.Count == 0)
        {
            return [];
        }

        try
        {
            var all = await strategies.AddAsync([.. unknown.Select(u => u.Strategy)], cancellationToken);
            return [.. unknown.Select((u, i) => u.Stat with { IndexStrategyId = all[i].Id })];
        }
        catch (PerfMonitoringException e) when (IsOfOneIndex(e))
        {
            var adopted = new List<IndexUsageStat>();
            foreach (var (stat, strategy) in unknown)
            {
                try
                {
                    adopted.Add(stat with { IndexStrategyId = (await strategies.AddAsync([strategy], cancellationToken))[0].Id });
                }
                catch (PerfMonitoringException own) when (IsOfOneIndex(own))
                {
                    skipped.Add(own);
                }
            }

            return adopted;
        }
    }

    private static bool IsOfOneIndex(PerfMonitoringException e) =>
        e.Kind is FailureKind.InvalidArgument or FailureKind.AlreadyExists;

    private static IndexStrategy Adopt(TableIndex index, ServerTarget target) => new()
    {
        Definition = index.Definition,
        UsagePattern = index.Definition.Method == "gin" ? UsagePattern.FullText : UsagePattern.Lookup,
        IsCreated = true,
        SizeBytes = index.SizeBytes,
        Evidence = EvidenceSource.Adopted,
        Reason = "The index was there before it was known here.",
        Target = target,
    };

    private static (string Table, string Index) Key(IndexUsageStat stat) => (stat.TableName, stat.IndexName);
}
