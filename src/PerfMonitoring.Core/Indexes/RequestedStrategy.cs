using PerfMonitoring.Advisor;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Indexes;

/// <summary>Makes a strategy of what a person asks for, checked against the real table.</summary>
/// <param name="catalog">The tables.</param>
/// <param name="names">Gives names to indexes that have none.</param>
/// <param name="target">The database that the strategies are for.</param>
public sealed class RequestedStrategy(ICatalogRepository catalog, IndexNames names, ServerTarget target)
{
    /// <summary>The strategy of a request. Nothing is stored, nothing is made.</summary>
    /// <exception cref="PerfMonitoringException">
    /// TableNotFound, TableNotIndexable, InvalidIndexDefinition, IndexNameTaken, EqualIndexExists, DefinitionTooLong, and what
    /// <see cref="IndexRequest.ToDefinition"/> says.
    /// </exception>
    public async Task<IndexStrategy> CreateAsync(
        RelationName tableName, IndexRequest request, UsagePattern? usagePattern, MaintenanceWindow maintenanceWindow, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var table = await catalog.GetTableAsync(tableName, cancellationToken);
        var definition = request.ToDefinition(table);
        var existing = await catalog.GetIndexesAsync([table.Oid], cancellationToken);
        var equal = existing.FirstOrDefault(i => i.IsValid && i.Definition.ToAnonymousStatement() == definition.ToAnonymousStatement());
        if (equal is not null && request.IndexName is not null && equal.Definition.Name != request.IndexName)
        {
            throw AlreadyThere(equal);
        }

        if (equal is null)
        {
            await catalog.CheckDefinitionAsync(definition, cancellationToken);
            definition = definition with { Name = await ChooseNameAsync(definition, request.IndexName, cancellationToken) };
        }

        var strategy = new IndexStrategy
        {
            Definition = equal?.Definition ?? definition,
            UsagePattern = usagePattern ?? Guess(definition),
            MaintenanceWindow = maintenanceWindow,
            IsCreated = equal is not null,
            SizeBytes = equal?.SizeBytes ?? IndexSize.Estimate(definition, table),
            Evidence = EvidenceSource.None,
            Reason = equal is null ? "Asked for by hand." : "Asked for by hand; the index is there already.",
            Target = target,
        };
        return strategy.IndexDefinition.Length <= IndexDefinition.MaximumLength ? strategy : throw TooLong(strategy);
    }

    private async Task<string> ChooseNameAsync(IndexDefinition definition, string? wanted, CancellationToken cancellationToken)
    {
        if (wanted is null)
        {
            return await names.FindFreeAsync(definition, cancellationToken);
        }

        return await catalog.ExistsAsync(new RelationName(definition.Table.Schema, wanted), cancellationToken)
            ? throw new PerfMonitoringException(
                "IndexNameTaken", FailureKind.AlreadyExists,
                $"Schema {definition.Table.Schema} has another index or table named '{wanted}' already.", "Choose another -IndexName.", wanted)
            : wanted;
    }

    private static UsagePattern Guess(IndexDefinition definition) =>
        definition.Method == "gin" ? UsagePattern.FullText
        : definition.Method == "gist" ? UsagePattern.RangeScan
        : definition.Include.Count > 0 ? UsagePattern.Analytics
        : UsagePattern.Lookup;

    private static PerfMonitoringException AlreadyThere(TableIndex equal) => new(
        "EqualIndexExists", FailureKind.AlreadyExists,
        $"Index {equal.Definition.Name} on {equal.Definition.Table} is the same already.", "Use that one, or leave -IndexName out to record it.", equal.Definition.Name);

    private static PerfMonitoringException TooLong(IndexStrategy strategy) => new(
        "DefinitionTooLong", FailureKind.InvalidArgument,
        $"The definition of index {strategy.IndexName} has {strategy.IndexDefinition.Length} characters; {IndexDefinition.MaximumLength} are allowed.",
        "Shorten the predicate or the expression, for instance by a function of your own.", strategy.IndexName);
}
