namespace PerfMonitoring.Strategies;

/// <summary>Use of an index in the workload, as in <c>usage_pattern</c> of the store.</summary>
public enum UsagePattern : long
{
    /// <summary>Equality.</summary>
    Lookup = 1,
    /// <summary>Inequalities and BETWEEN.</summary>
    RangeScan,
    /// <summary>ORDER BY, with or without LIMIT.</summary>
    Sort,
    /// <summary>The inner side of a join.</summary>
    Join,
    /// <summary>Text search.</summary>
    FullText,
    /// <summary>Aggregation over many rows, index-only scans.</summary>
    Analytics,
}

/// <summary>The maintenance window of an index, as in <c>maintenance_window</c> of the store.</summary>
public enum MaintenanceWindow : long
{
    /// <summary>At any time.</summary>
    Immediate = 1,
    /// <summary>At night.</summary>
    OffPeak,
    /// <summary>On Saturday and Sunday.</summary>
    Weekend,
    /// <summary>At times that the user defines.</summary>
    Scheduled,
}

/// <summary>Source of the figures of a strategy.</summary>
public enum EvidenceSource : long
{
    /// <summary>No evidence: a strategy made by hand.</summary>
    None,
    /// <summary>Planner costs with a hypothetical index (HypoPG), or with a real index that was rolled back.</summary>
    WhatIf,
    /// <summary>A documented estimate, where the planner cannot be asked.</summary>
    Estimate,
    /// <summary>The index was found on the server and adopted.</summary>
    Adopted,
}

/// <summary>How the planner is asked about indexes that do not exist.</summary>
public enum WhatIfMethod
{
    /// <summary>Hypothetical indexes: nothing is built.</summary>
    HypoPG,
    /// <summary>Real indexes in a transaction that is rolled back; for a copy of the database.</summary>
    Transaction,
}
