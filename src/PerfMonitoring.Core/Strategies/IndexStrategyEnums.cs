namespace PerfMonitoring.Strategies;

/// <summary>What the workload uses an index for, as the store's <c>usage_pattern</c> has it.</summary>
public enum UsagePattern
{
    /// <summary>Equality.</summary>
    Lookup,
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

/// <summary>When an index may be built, as the store's <c>maintenance_window</c> has it.</summary>
public enum MaintenanceWindow
{
    /// <summary>At any time.</summary>
    Immediate,
    /// <summary>At night.</summary>
    OffPeak,
    /// <summary>On Saturday and Sunday.</summary>
    Weekend,
    /// <summary>When somebody says so.</summary>
    Scheduled,
}

/// <summary>Where the figures of a strategy come from.</summary>
public enum EvidenceSource
{
    /// <summary>No evidence: made by hand.</summary>
    None,
    /// <summary>The planner's costs with a hypothetical index (HypoPG), or with one that was built and rolled back.</summary>
    WhatIf,
    /// <summary>A documented estimate, where the planner cannot be asked.</summary>
    Estimate,
    /// <summary>The index was found on the server and adopted.</summary>
    Adopted,
}

/// <summary>How the planner is asked about indexes that are not there.</summary>
public enum WhatIfMethod
{
    /// <summary>Hypothetical indexes: nothing is built.</summary>
    HypoPG,
    /// <summary>Real indexes in a transaction that is rolled back: for a copy of the database.</summary>
    Transaction,
}
