using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>What the advice must keep to.</summary>
public sealed record AdvisorOptions
{
    /// <summary>The most that all new indexes together may take on disk, in bytes; null for no limit.</summary>
    public long? StorageBudget { get; init; }

    /// <summary>The most indexes; null for no limit.</summary>
    public int? MaximumCount { get; init; }

    /// <summary>The least share of the workload's cost that each index must save, 0 to 1.</summary>
    public double MinimumImprovement { get; init; } = 0.001;

    /// <summary>What the cost of keeping an index up to date counts against the gain; 1 for as much, 0 for nothing.</summary>
    public double WriteWeight { get; init; } = 1;

    /// <summary>By how much a statement may get dearer at most, as a share of its cost: 0 is not at all.</summary>
    public double MaximumRegression { get; init; }

    /// <summary>
    /// Indexes that were taken back and are not proposed again, as statements without a name, with the reason; none by default.
    /// </summary>
    public IReadOnlyDictionary<string, string> Reverted { get; init; } = new Dictionary<string, string>();

    /// <summary>How many sessions ask the planner side by side.</summary>
    public int Sessions { get; init; } = 2;

    /// <summary>How long the search may take until it ends with the best set so far; null for as long as it needs.</summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>When the indexes may be built.</summary>
    public MaintenanceWindow MaintenanceWindow { get; init; }
}

/// <summary>How far the advisor is.</summary>
/// <param name="Activity">What it does.</param>
/// <param name="Percent">Of that, 0 to 100.</param>
/// <param name="Calls">Times that the planner was asked.</param>
public sealed record AdvisorProgress(string Activity, int Percent, int Calls);

/// <summary>A statement that no advice is given for.</summary>
/// <param name="QueryHash">Its fingerprint.</param>
/// <param name="Reason">Why; without constants of the statement.</param>
/// <param name="IsUtility">Whether it is of a kind that no statement of which is planned: nobody would expect advice.</param>
public sealed record SkippedStatement(string QueryHash, string Reason, bool IsUtility = false)
{
    /// <summary>Set where it was left out for the code that planning it could run.</summary>
    public UntrustedStatement? Untrusted { get; init; }
}

/// <summary>A table of the workload that no advice is given for.</summary>
/// <param name="TableName">The table.</param>
/// <param name="Reason">Why.</param>
/// <param name="IsExpected">Whether nobody would expect advice: a table of the system's or of the store's.</param>
public sealed record PassedOverTable(string TableName, string Reason, bool IsExpected = false);

/// <summary>What the advisor found.</summary>
public sealed record IndexAdvice
{
    /// <summary>The indexes, the most useful a byte first.</summary>
    public required IReadOnlyList<IndexStrategy> Strategies { get; init; }

    /// <summary>Statements that could not be planned.</summary>
    public IReadOnlyList<SkippedStatement> Skipped { get; init; } = [];

    /// <summary>What might help besides, once somebody has done something first; a sentence each.</summary>
    public IReadOnlyList<string> Hints { get; init; } = [];

    /// <summary>Tables that got no candidates for what they are.</summary>
    public IReadOnlyList<PassedOverTable> PassedOver { get; init; } = [];

    /// <summary>Weighted cost of the workload without the new indexes, in the planner's units.</summary>
    public double CostBefore { get; init; }

    /// <summary>Weighted cost of the workload with them.</summary>
    public double CostAfter { get; init; }

    /// <summary>Statements that were planned.</summary>
    public int Statements { get; init; }

    /// <summary>
    /// Indexes that were considered, each with what became of it: the chosen ones by rank, then by what they would save alone.
    /// </summary>
    public IReadOnlyList<IndexCandidate> Candidates { get; init; } = [];

    /// <summary>Whether the search was ended before it was done: the strategies are the best set so far.</summary>
    public bool IsCutShort { get; init; }

    /// <summary>Times that the planner was asked.</summary>
    public int Calls { get; init; }
}
