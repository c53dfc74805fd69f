namespace PerfMonitoring.Thresholds;

/// <summary>What a threshold watches, as the store's <c>metric_type</c> has it.</summary>
public enum MetricType
{
    /// <summary>Mean execution time of a statement.</summary>
    QueryTime,
    /// <summary>Share of scans that went through an index; lower is worse.</summary>
    IndexScanRatio,
    /// <summary>Size of a table with its indexes and TOAST.</summary>
    TableSize,
    /// <summary>Share of blocks found in the cache; lower is worse.</summary>
    CacheHitRatio,
    /// <summary>Client connections.</summary>
    ConnectionCount,
    /// <summary>Deadlocks.</summary>
    DeadlockCount,
}

/// <summary>The unit that a threshold is written in, as the store's <c>threshold_unit</c> has it.</summary>
public enum ThresholdUnit
{
    /// <summary>1/1000 second.</summary>
    Milliseconds,
    /// <summary>0 to 100.</summary>
    Percentage,
    /// <summary>A number of things.</summary>
    Count,
    /// <summary>Bytes.</summary>
    Bytes,
    /// <summary>0 to 1.</summary>
    Ratio,
}
