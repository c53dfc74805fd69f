using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

/// <summary>The metrics of thresholds.</summary>
public interface IMetricRepository
{
    /// <summary>The present counters. Without pg_stat_statements only the statements are missing.</summary>
    Task<MetricSample> SampleAsync(CancellationToken cancellationToken);

    /// <summary>The last stored sample of the monitored database; null where there is none.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<MetricSample?> GetLastSampleAsync(CancellationToken cancellationToken);

    /// <summary>Stores a sample as the last one, unless a later one is already stored.</summary>
    Task SaveSampleAsync(MetricSample sample, CancellationToken cancellationToken);

    /// <summary>The text of a statement; null where pg_stat_statements has evicted it.</summary>
    Task<string?> GetStatementTextAsync(StatementKey statement, CancellationToken cancellationToken);

    /// <summary>The present number of client connections.</summary>
    Task<ConnectionCount> GetConnectionsAsync(CancellationToken cancellationToken);

    /// <summary>A table by its name, along the search path, with its partitions; null where there is no such table.</summary>
    Task<MeasuredTable?> FindTableAsync(RelationName name, CancellationToken cancellationToken);

    /// <summary>
    /// Size of the given table with indexes, TOAST and partitions; with null, sizes of all tables, the largest first.
    /// </summary>
    Task<IReadOnlyList<TableSize>> GetTableSizesAsync(MeasuredTable? table, CancellationToken cancellationToken);
}
