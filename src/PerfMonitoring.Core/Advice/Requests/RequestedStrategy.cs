using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Creates a strategy from a request, checked against the real table.</summary>
/// <param name="catalog">The tables.</param>
/// <param name="check">Asks the server whether it would create an index.</param>
/// <param name="names">Names the indexes without a name.</param>
/// <param name="target">The database that the strategies are for.</param>
internal sealed class RequestedStrategy(
    ICatalogRepository catalog, IDefinitionCheck check, IndexNames names, ServerTarget target)
{
    /// <summary>The strategy of a request, and a warning for the user, or null. Nothing is stored or created.</summary>
    /// <exception cref="PerfMonitoringException">TableNotFound, TableNotIndexable, InvalidIndexDefinition, IndexNameTaken,
    /// EqualIndexExists, DefinitionTooLong, and the errors of <see cref="IndexRequest.ToDefinition"/>.</exception>
    public async Task<(IndexStrategy Strategy, string? Warning)> CreateAsync(
        RelationName tableName, IndexRequest request, UsagePattern? usagePattern, MaintenanceWindow maintenanceWindow,
        CancellationToken cancellationToken)
    {
        var table = await catalog.GetTableAsync(tableName, cancellationToken);
        var resolved = await catalog.ResolveAsync(request.ToDefinition(table), cancellationToken);
        var definition = resolved.Definition;
        var existing = await catalog.GetIndexesAsync([table.Oid], cancellationToken);
        var equal = existing.FirstOrDefault(
            i => i.IsValid && i.Definition.ToAnonymousStatement() == definition.ToAnonymousStatement());
        if (equal is not null && request.IndexName is not null && equal.Definition.Name != request.IndexName)
        {
            throw AlreadyThere(equal);
        }

        if (equal is null)
        {
            await CheckAsync(resolved, cancellationToken);
            definition = definition with { Name = await ChooseNameAsync(definition, request.IndexName, cancellationToken) };
        }

        // Each strategy tells what its index refuses. It is a warning where values are known to be long, where the application
        // decides how long they become, or where only a column for reading causes it.
        var types = await catalog.GetExpressionTypesAsync(definition, cancellationToken);
        var limit = EntryLimit.Of(definition, table, types);
        var warning = equal is null
            && (limit.IsLikely || EntryLimit.HasUnordered(definition, table, types)
                || !EntryLimit.CanCover(definition, table, definition.Include))
            ? limit.Risk : null;
        var sized = await ExpressionStatistics.AddValuesAsync(catalog, definition, table, cancellationToken);
        var strategy = new IndexStrategy
        {
            Definition = equal?.Definition ?? definition,
            UsagePattern = usagePattern ?? Guess(definition),
            MaintenanceWindow = maintenanceWindow,
            IsCreated = equal is not null,
            SizeBytes = equal?.SizeBytes ?? IndexSize.Estimate(definition, sized),
            Evidence = EvidenceSource.None,
            Reason = (equal is null ? "Asked for by hand." : "Asked for by hand; the index is there already.")
                + (limit.Risk is { } risk ? " " + risk : ""),
            Target = target,
        };
        StrategyErrors.CheckLength(strategy);
        return (strategy, warning is null ? null : $"{strategy.IndexName}: {warning} {limit.Remedy}");
    }

    private async Task CheckAsync(ResolvedDefinition resolved, CancellationToken cancellationToken)
    {
        try
        {
            await check.CheckAsync(resolved.Definition, cancellationToken);
        }
        catch (PerfMonitoringException e)
            when (e.ErrorId == ErrorIds.InvalidIndexDefinition && resolved.Distrusted is { } distrusted)
        {
            throw new PerfMonitoringException(
                e.ErrorId, e.Kind,
                $"{e.Message} Names are looked for in pg_catalog and where nobody but superusers, the table's owner and this "
                    + $"role has one of the same name; passed over: {distrusted}.",
                "Write its schema before the name, if it is meant: it will run for whoever writes to the table.", e.Subject, e);
        }
    }

    private async Task<string> ChooseNameAsync(IndexDefinition definition, string? wanted, CancellationToken cancellationToken)
    {
        if (wanted is null)
        {
            return await names.FindFreeAsync(definition, cancellationToken);
        }

        return await catalog.ExistsAsync(new RelationName(definition.Table.Schema, wanted), cancellationToken)
            ? throw new PerfMonitoringException(
                ErrorIds.IndexNameTaken, FailureKind.AlreadyExists,
                $"Schema {definition.Table.Schema} has another index or table named '{wanted}' already.",
                "Choose another -IndexName.", wanted)
            : wanted;
    }

    private static UsagePattern Guess(IndexDefinition definition) =>
        definition.Method == "gin" ? UsagePattern.FullText
        : definition.Method == "gist" ? UsagePattern.RangeScan
        : definition.Include.Count > 0 ? UsagePattern.Analytics
        : UsagePattern.Lookup;

    private static PerfMonitoringException AlreadyThere(TableIndex equal) => new(
        ErrorIds.EqualIndexExists, FailureKind.AlreadyExists,
        $"Index {equal.Definition.Name} on {equal.Definition.Table} is the same already.",
        "Use that one, or leave -IndexName out to record it.", equal.Definition.Name);
}
