using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>Which strategies are wanted; what is null is not asked.</summary>
public sealed record IndexStrategyFilter
{
    /// <summary>Their ids.</summary>
    public IReadOnlyCollection<Guid>? Ids { get; init; }

    /// <summary>Their table; without a schema, in any.</summary>
    public RelationName? Table { get; init; }

    /// <summary>Name of the index, exact.</summary>
    public string? IndexName { get; init; }

    /// <summary>Whether the index is there.</summary>
    public bool? IsCreated { get; init; }

    /// <summary>Whether removed ones come too.</summary>
    public bool IncludeInactive { get; init; }
}

/// <summary>What changes about a strategy; what is null stays.</summary>
public sealed record IndexStrategyChange
{
    /// <summary>When it may be built.</summary>
    public MaintenanceWindow? MaintenanceWindow { get; init; }

    /// <summary>What the workload uses it for.</summary>
    public UsagePattern? UsagePattern { get; init; }

    /// <summary>Whether its usage is recorded.</summary>
    public bool? IsMonitoring { get; init; }

    /// <summary>Whether the index is there.</summary>
    public bool? IsCreated { get; init; }

    /// <summary>False removes it (soft delete).</summary>
    public bool? IsActive { get; init; }

    /// <summary>Size on disk in bytes.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>How long the server built it.</summary>
    public TimeSpan? BuildTime { get; init; }
}

/// <summary>The strategies of the monitored database in the store.</summary>
public interface IIndexStrategyRepository
{
    /// <summary>The strategies that a filter lets through, by table, rank and name.</summary>
    IAsyncEnumerable<IndexStrategy> GetAsync(IndexStrategyFilter filter, CancellationToken cancellationToken);

    /// <summary>
    /// Stores strategies, all or none, and returns them as they are stored. Where table and index name are stored for this
    /// database already and the index was not created (or the strategy was removed), that row is brought up to date and keeps its
    /// id; a created one of the same definition is returned as it is.
    /// </summary>
    /// <exception cref="PerfMonitoringException">
    /// StoreMissing; StrategyExists: created already with another definition; StrategyBelongsToOtherDatabase; DefinitionTooLong;
    /// TableNameTooLong.
    /// </exception>
    Task<IReadOnlyList<IndexStrategy>> AddAsync(IReadOnlyList<IndexStrategy> strategies, CancellationToken cancellationToken);

    /// <summary>Changes one strategy and returns it as it is stored.</summary>
    /// <exception cref="PerfMonitoringException">StrategyNotFound; StoreMissing.</exception>
    Task<IndexStrategy> UpdateAsync(Guid id, IndexStrategyChange change, CancellationToken cancellationToken);

    /// <summary>
    /// Bytes of index that a second of building made: the last 20 builds of this database that made a megabyte or more, taken
    /// together. Null where there is none.
    /// </summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<double?> GetBuildRateAsync(CancellationToken cancellationToken);
}
