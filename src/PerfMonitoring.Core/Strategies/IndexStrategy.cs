using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Strategies;

/// <summary>What one index does to one statement of the workload.</summary>
public sealed record QueryImpact
{
    /// <summary>Fingerprint of the statement (<see cref="SlowQuery.QueryHash"/>).</summary>
    public required string QueryHash { get; init; }

    /// <summary>The statement, normalised; cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>How often the statement counts in the workload (its calls).</summary>
    public double Weight { get; init; } = 1;

    /// <summary>The planner's cost of one execution before, in its cost units.</summary>
    public double CostBefore { get; init; }

    /// <summary>The planner's cost of one execution with the whole proposed set, in its cost units.</summary>
    public double CostAfter { get; init; }

    /// <summary>
    /// Mean measured time of one execution before, in milliseconds; null where the workload came without times.
    /// </summary>
    public double? MeanTimeMs { get; init; }

    /// <summary>
    /// Expected mean time with the whole proposed set, in milliseconds: the measured one in proportion to the planner's cost,
    /// which is a rough guide. Null where no time was measured.
    /// </summary>
    public double? EstimatedTimeMs => CostBefore > 0 ? MeanTimeMs * CostAfter / CostBefore : null;

    /// <summary>Saved share of the cost, 0 to 1; negative where the statement gets dearer.</summary>
    public double Improvement => CostBefore > 0 ? 1 - (CostAfter / CostBefore) : 0;

    /// <summary>The beginning of the fingerprint with the costs and times, in the culture of the session.</summary>
    public override string ToString() =>
        $"{QueryHash[..Math.Min(12, QueryHash.Length)]}: {CostBefore:N1} to {CostAfter:N1}, {Weight:N0} calls"
        + (EstimatedTimeMs is { } expected ? $", {MeanTimeMs:N2} ms to about {expected:N2} ms" : "");
}

/// <summary>
/// A decision about one index: what it is, why, and what it is expected to cost and to save.
/// </summary>
public sealed record IndexStrategy
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() => $"{IndexName} on {TableName}";

    /// <summary>Identity, in the store too.</summary>
    public Guid Id { get; init; } = Guid.NewGuid();

    /// <summary>The table, schema-qualified and quoted where it must be: <c>public.orders</c>. At most 100 characters.</summary>
    public string TableName => Definition.Table.ToString();

    /// <summary>Name of the index, without schema. At most 63 bytes.</summary>
    public string IndexName => Definition.Name;

    /// <summary>What the index is.</summary>
    public IndexType IndexType => Definition.Type;

    /// <summary>The whole statement that makes the index. At most 2,000 characters.</summary>
    public string IndexDefinition => Definition.ToCreateStatement(concurrently: true);

    /// <summary>The index's definition, taken apart.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>The key columns and expressions in order, as they stand in the definition.</summary>
    public IReadOnlyList<string> Columns => Definition.KeyNames;

    /// <summary>The INCLUDE columns.</summary>
    public IReadOnlyList<string> Include => Definition.Include;

    /// <summary>The predicate of a partial index, or null.</summary>
    public string? WhereClause => Definition.Where;

    /// <summary>What the workload uses it for.</summary>
    public UsagePattern UsagePattern { get; init; }

    /// <summary>When it may be built.</summary>
    public MaintenanceWindow MaintenanceWindow { get; init; }

    /// <summary>Whether the index is there, built by this product or adopted.</summary>
    public bool IsCreated { get; init; }

    /// <summary>Whether its usage is recorded.</summary>
    public bool IsMonitoring { get; init; } = true;

    /// <summary>False once it was removed (soft delete).</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Whether it is in the store; false for a strategy that only travels the pipeline.</summary>
    public bool IsStored { get; init; }

    /// <summary>Who made it: name of the acting user; null while it is not stored.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Who changed it last, or null.</summary>
    public string? UpdatedBy { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>When it was changed last.</summary>
    public DateTimeOffset UpdatedAt { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>
    /// Cost of the statements that this index concerns, weighted, without it, in the planner's units; null without evidence.
    /// </summary>
    public double? CostBefore { get; init; }

    /// <summary>Cost of the same statements with the whole proposed set, weighted; null without evidence.</summary>
    public double? CostAfter { get; init; }

    /// <summary>Saved share of the cost, 0 to 1; null without evidence.</summary>
    public double? Improvement => CostBefore > 0 ? 1 - (CostAfter / CostBefore) : null;

    /// <summary>Expected size on disk in bytes (measured once it is created); null where unknown.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>
    /// What the writes of the workload pay to keep it up to date, weighted, in the planner's units; null without evidence.
    /// </summary>
    public double? WriteCost { get; init; }

    /// <summary>Statements that get cheaper or dearer, the largest gain first.</summary>
    public IReadOnlyList<QueryImpact> Impacts { get; init => field = value.ToArray(); } = [];

    /// <summary>Statements that get cheaper.</summary>
    public int QueriesHelped => Impacts.Count(i => i.CostAfter < i.CostBefore);

    /// <summary>Statements that get dearer.</summary>
    public int QueriesHurt => Impacts.Count(i => i.CostAfter > i.CostBefore);

    /// <summary>Place in the set: 1 saves most, 2 adds most to it, and so on; 0 for one made by hand.</summary>
    public int Rank { get; init; }

    /// <summary>
    /// What it saves beside those of smaller rank, as a share of the whole workload's cost, 0 to 1, before its write cost; null
    /// for one made by hand.
    /// </summary>
    public double? MarginalGain { get; init; }

    /// <summary>
    /// Names of indexes of the same table, without schema, whose work it does too: once it is there they can go. Empty for one
    /// made by hand.
    /// </summary>
    public IReadOnlyList<string> Replaces { get; init => field = value.ToArray(); } = [];

    /// <summary>Where the figures come from.</summary>
    public EvidenceSource Evidence { get; init; }

    /// <summary>Why, in a sentence.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The database that it is for.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
