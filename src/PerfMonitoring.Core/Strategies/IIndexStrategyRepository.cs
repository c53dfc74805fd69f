using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>Selects strategies; a null property does not restrict.</summary>
public sealed record IndexStrategyFilter
{
    /// <summary>The ids.</summary>
    public IReadOnlyCollection<Guid>? Ids { get; init; }

    /// <summary>The table; without a schema, in any schema.</summary>
    public RelationName? Table { get; init; }

    /// <summary>Name of the index, exact.</summary>
    public string? IndexName { get; init; }

    /// <summary>Whether the index is created.</summary>
    public bool? IsCreated { get; init; }

    /// <summary>Whether to include removed strategies.</summary>
    public bool IncludeInactive { get; init; }
}

/// <summary>Changes to a strategy; a null property stays unchanged.</summary>
public sealed record IndexStrategyChange
{
    /// <summary>The maintenance window for the build.</summary>
    public MaintenanceWindow? MaintenanceWindow { get; init; }

    /// <summary>Use of the index in the workload.</summary>
    public UsagePattern? UsagePattern { get; init; }

    /// <summary>Whether the usage of the index is recorded.</summary>
    public bool? IsMonitoring { get; init; }

    /// <summary>Whether the index is created.</summary>
    public bool? IsCreated { get; init; }

    /// <summary>False removes it (soft delete).</summary>
    public bool? IsActive { get; init; }

    /// <summary>Size on disk in bytes.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>Duration of the build on the server.</summary>
    public TimeSpan? BuildTime { get; init; }
}

/// <summary>The strategies of the monitored database in the store.</summary>
public interface IIndexStrategyRepository
{
    /// <summary>The strategies that match a filter, by table, rank and name.</summary>
    IAsyncEnumerable<IndexStrategy> GetAsync(IndexStrategyFilter filter, CancellationToken cancellationToken);

    /// <summary>
    /// Stores strategies, all or none, and returns them as stored. Where the store already has the table and index name for this
    /// database and the index was not created (or the strategy was removed), the existing row is updated and keeps its id. A
    /// created strategy with the same definition is returned unchanged.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing; StrategyExists: already created with another definition;
    /// DefinitionTooLong; TableNameTooLong.</exception>
    Task<IReadOnlyList<IndexStrategy>> AddAsync(IReadOnlyList<IndexStrategy> strategies, CancellationToken cancellationToken);

    /// <summary>Changes one strategy and returns it as stored.</summary>
    /// <exception cref="PerfMonitoringException">StrategyNotFound; StoreMissing.</exception>
    Task<IndexStrategy> UpdateAsync(Guid id, IndexStrategyChange change, CancellationToken cancellationToken);

    /// <summary>
    /// Build rate in bytes of index per second: total over the last 20 builds of this database with at least one megabyte. Null
    /// where there is none.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<double?> GetBuildRateAsync(CancellationToken cancellationToken);
}
