using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Strategies;

/// <summary>Finds free names for new indexes: no relation and no stored strategy of another definition has them.</summary>
/// <param name="catalog">The existing relations.</param>
/// <param name="strategies">The stored strategies, or null where there is no store.</param>
internal sealed class IndexNames(ICatalogRepository catalog, IIndexStrategyRepository? strategies)
{
    // Names given in this run count as taken.
    private readonly HashSet<RelationName> given = [];

    /// <summary>The name of the definition, with a number where it is taken.</summary>
    public async Task<string> FindFreeAsync(IndexDefinition definition, CancellationToken cancellationToken)
    {
        var stored = new Dictionary<string, string>();
        if (strategies is not null)
        {
            await foreach (var strategy in strategies.GetAsync(
                new IndexStrategyFilter { Table = definition.Table }, cancellationToken))
            {
                stored[strategy.IndexName] = strategy.Definition.ToAnonymousStatement();
            }
        }

        var own = definition.ToAnonymousStatement();
        var name = definition.QualifiedName;
        for (var i = 1;
            given.Contains(name)
                || (stored.TryGetValue(name.Name, out var other) && other != own)
                || await catalog.ExistsAsync(name, cancellationToken);
            i++)
        {
            name = name with { Name = Identifier.Shorten(definition.Name, $"{i}") };
        }

        given.Add(name);
        return name.Name;
    }
}
