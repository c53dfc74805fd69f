using PerfMonitoring.Audit;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>What every change of an index needs.</summary>
/// <param name="Target">The database.</param>
/// <param name="Catalog">Its tables and indexes.</param>
/// <param name="Strategies">The strategies to mark.</param>
/// <param name="Actions">The audit.</param>
internal sealed record ChangeContext(
    Database Target, ICatalogRepository Catalog, IIndexStrategyRepository Strategies, IIndexActionRepository Actions)
{
    public IndexComparison Comparison { get; } = new(Target);

    /// <summary>The state of an index; null where it is gone.</summary>
    public Task<IndexState?> FindStateAsync(uint indexOid, CancellationToken cancellationToken) =>
        Target.QuerySingleOrDefaultAsync<IndexState>(
            Sql.Get("GetIndexState"), new { Oid = (long)indexOid }, cancellationToken);
}

/// <summary>Whether an index is usable, and whether somebody builds it.</summary>
internal sealed class IndexState
{
    public bool IsValid { get; init; }
    public bool IsBeingBuilt { get; init; }
}
