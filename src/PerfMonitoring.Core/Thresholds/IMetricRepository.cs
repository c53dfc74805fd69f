using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

/// <summary>What thresholds are measured by.</summary>
public interface IMetricRepository
{
    /// <summary>The counters now. Without pg_stat_statements only its part is missing.</summary>
    Task<MetricSample> SampleAsync(CancellationToken cancellationToken);

    /// <summary>The sample that was stored last for the monitored database; null when there is none.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing.</exception>
    Task<MetricSample?> GetLastSampleAsync(CancellationToken cancellationToken);

    /// <summary>Stores a sample as the last one, unless a later one is there already.</summary>
    Task SaveSampleAsync(MetricSample sample, CancellationToken cancellationToken);

    /// <summary>The text of a statement; null when pg_stat_statements has dropped it.</summary>
    Task<string?> GetStatementTextAsync(StatementKey statement, CancellationToken cancellationToken);

    /// <summary>Client connections now.</summary>
    Task<ConnectionCount> GetConnectionsAsync(CancellationToken cancellationToken);

    /// <summary>A table by its name, along the search path, with its partitions; null when there is no such table.</summary>
    Task<MeasuredTable?> FindTableAsync(RelationName name, CancellationToken cancellationToken);

    /// <summary>The given table's size with indexes, TOAST and partitions; all tables', the largest first, when null.</summary>
    Task<IReadOnlyList<TableSize>> GetTableSizesAsync(MeasuredTable? table, CancellationToken cancellationToken);
}
