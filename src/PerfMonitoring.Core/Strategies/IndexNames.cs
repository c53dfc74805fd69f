using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Strategies;

/// <summary>Finds names for new indexes that nothing else has: no relation, no stored strategy of another definition.</summary>
/// <param name="catalog">The relations that are there.</param>
/// <param name="strategies">The stored strategies, or null where there is no store.</param>
public sealed class IndexNames(ICatalogRepository catalog, IIndexStrategyRepository? strategies)
{
    // What was given in this run is as good as taken.
    private readonly HashSet<RelationName> given = [];

    /// <summary>The definition's own name, numbered where it is taken.</summary>
    public async Task<string> FindFreeAsync(IndexDefinition definition, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(definition);
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
