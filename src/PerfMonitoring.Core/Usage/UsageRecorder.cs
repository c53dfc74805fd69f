using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Usage;

/// <summary>What was stored, and what could not be.</summary>
/// <param name="Stored">The stored figures.</param>
/// <param name="Skipped">An error for each index that was left out.</param>
/// <param name="Adopted">How many indexes became strategies.</param>
/// <param name="Unmonitored">How many indexes were left out since their strategy was removed or is not monitored, or since they
/// are the rest of a build that failed.</param>
public sealed record UsageRecording(
    IReadOnlyList<IndexUsageStat> Stored, IReadOnlyList<PerfMonitoringException> Skipped, int Adopted, int Unmonitored);

/// <summary>Stores the usage of indexes. The store knows an index by its strategy: an index without one is adopted.</summary>
public static class UsageRecorder
{
    /// <summary>Stores live figures as those of today.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing, or what the server says.</exception>
    public static async Task<UsageRecording> RecordAsync(
        IMonitoringConnection connection, IReadOnlyList<IndexUsageStat> stats, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(stats);
        var strategies = new Dictionary<(string Table, string Index), IndexStrategy>();
        await foreach (var strategy in connection.Strategies.GetAsync(
            new IndexStrategyFilter { IncludeInactive = true }, cancellationToken))
        {
            strategies[(strategy.TableName, strategy.IndexName)] = strategy;
        }

        // Only what has to be compared or adopted is read from the catalog again.
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
                // It was never an index that served: its strategy is still to be built.
                unmonitored++;
            }
            else if (strategy is null)
            {
                // It was dropped between the two readings when the catalog lacks it.
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
                // Somebody built by hand what was proposed.
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

    // All in one act; where one of them cannot be stored, one by one, so that it alone is left out.
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
