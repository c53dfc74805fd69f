namespace PerfMonitoring.Thresholds;

/// <summary>The metric of a threshold, as in <c>metric_type</c> of the store.</summary>
public enum MetricType : long
{
    /// <summary>Mean execution time of a statement.</summary>
    QueryTime = 1,
    /// <summary>Share of scans that use an index; lower is worse.</summary>
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

/// <summary>The unit of a threshold, as in <c>threshold_unit</c> of the store.</summary>
public enum ThresholdUnit : long
{
    /// <summary>1/1000 second.</summary>
    Milliseconds = 1,
    /// <summary>0 to 100.</summary>
    Percentage,
    /// <summary>A number.</summary>
    Count,
    /// <summary>Bytes.</summary>
    Bytes,
    /// <summary>0 to 1.</summary>
    Ratio,
}
