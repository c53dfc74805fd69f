using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Strategies;

/// <summary>The effect of one index on one query of the workload.</summary>
public sealed record QueryImpact
{
    /// <summary>Fingerprint of the query (<see cref="SlowQuery.QueryHash"/>).</summary>
    public required string QueryHash { get; init; }

    /// <summary>The query; cut at 2,000 characters.</summary>
    public required string Query { get; init; }

    /// <summary>Weight of the query in the workload (its calls).</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Planner cost of one execution before, in planner units.</summary>
    public double CostBefore { get; init => field = Figure.Round(value); }

    /// <summary>Planner cost of one execution with the complete proposed configuration, in planner units.</summary>
    public double CostAfter { get; init => field = Figure.Round(value); }

    /// <summary>Mean measured execution time before, in milliseconds; null where the workload has no times.</summary>
    public double? MeanTimeMs { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Expected mean execution time with the complete proposed configuration, in milliseconds: the measured time in proportion to
    /// the planner cost, a rough guide. Null where no time was measured.
    /// </summary>
    public double? EstimatedTimeMs => CostBefore > 0 ? Figure.Round(MeanTimeMs * CostAfter / CostBefore) : null;

    /// <summary>Gain as a share of the cost, 0 to 1; negative where the query costs more.</summary>
    public double GainShare => CostBefore > 0 ? Figure.Round(1 - (CostAfter / CostBefore)) : 0;

    /// <summary>The beginning of the fingerprint with the costs and times, in the culture of the session.</summary>
    public override string ToString() =>
        $"{VisibleText.Line(QueryHash?[..Math.Min(12, QueryHash.Length)])}: {CostBefore:N1} to {CostAfter:N1}, {Weight:N0} calls"
        + (EstimatedTimeMs is { } expected ? $", {MeanTimeMs:N2} ms to about {expected:N2} ms" : "");
}

/// <summary>A decision about one index: its definition, the reason, the expected costs and the gain.</summary>
public sealed record IndexStrategy
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() => ShortText.Of(IndexName, TableName);

    /// <summary>Identity, also in the store.</summary>
    public Guid Id { get; init; } = Guid.NewGuid();

    /// <summary>The table, with its schema, quoted where necessary: <c>public.orders</c>. At most 100 characters.</summary>
    /// <exception cref="PerfMonitoringException">InvalidName, when set to what is no name.</exception>
    public string TableName
    {
        get => Definition.Table.Name.Length == 0 ? "" : Definition.Table.ToString();
        init => Definition = Definition with { Table = RelationName.Parse(value) };
    }

    /// <summary>Name of the index, without schema. At most 63 bytes.</summary>
    public string IndexName { get => Definition.Name; init => Definition = Definition with { Name = value }; }

    /// <summary>The kind of index.</summary>
    public IndexType IndexType
    {
        get => Definition.Type;
        init => Definition = Definition with
        {
            Method = value is IndexType.Hash or IndexType.Gin or IndexType.Gist ? value.ToString().ToLowerInvariant() : "btree",
        };
    }

    /// <summary>The complete CREATE INDEX statement. At most 2,000 characters.</summary>
    public string IndexDefinition => Definition.IsOnTable && IndexName.Length > 0
        ? Definition.ToCreateStatement(concurrently: true) : "";

    /// <summary>The parsed definition of the index.</summary>
    public IndexDefinition Definition { get; init; } = Indexes.IndexDefinition.None;

    /// <summary>The key columns and expressions in order, as in the definition.</summary>
    public ItemList<string> Columns
    {
        get => Definition.KeyNames;
        init => Definition = Definition with { Keys = [.. value.ToItemList().Select(IndexKey.OnColumn)] };
    }

    /// <summary>The INCLUDE columns.</summary>
    public ItemList<string> Include
    {
        get => Definition.Include;
        init => Definition = Definition with { Include = value.ToItemList() };
    }

    /// <summary>The condition of a partial index, or null.</summary>
    public string? WhereClause { get => Definition.Where; init => Definition = Definition with { Where = value }; }

    /// <summary>Use of the index in the workload.</summary>
    public UsagePattern UsagePattern { get; init; } = UsagePattern.Lookup;

    /// <summary>The maintenance window for the build.</summary>
    public MaintenanceWindow MaintenanceWindow { get; init; } = MaintenanceWindow.Immediate;

    /// <summary>Whether the index exists, created by this module or adopted.</summary>
    public bool IsCreated { get; init; }

    /// <summary>Whether the usage of the index is recorded.</summary>
    public bool IsMonitoring { get; init; } = true;

    /// <summary>False after removal (soft delete).</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Whether it is in the store; false for a strategy in the pipeline only.</summary>
    public bool IsStored { get; init; }

    /// <summary>Name of the acting user who created the strategy; null while it is not stored.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Name of the acting user who last changed it, or null.</summary>
    public string? UpdatedBy { get; init; }

    /// <summary>Time of creation.</summary>
    public DateTimeOffset CreatedAt { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>Time of the last change.</summary>
    public DateTimeOffset UpdatedAt { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>Cost of the affected queries without the index, weighted, in planner units; null without evidence.</summary>
    public double? CostBefore { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Cost of the same queries with the complete proposed configuration, weighted, in planner units; null without evidence.
    /// </summary>
    public double? CostAfter { get; init => field = Figure.Round(value); }

    /// <summary>Gain as a share of the cost, 0 to 1; null without evidence.</summary>
    public double? GainShare => CostBefore > 0 ? Figure.Round(1 - (CostAfter / CostBefore)) : null;

    /// <summary>Expected size on disk in bytes (measured once it is created); null where unknown.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>
    /// Maintenance cost of the index for the writes of the workload, weighted, in planner units; null without evidence.
    /// </summary>
    public double? WriteCost { get; init => field = Figure.Round(value); }

    /// <summary>Queries that cost less or more, the largest gain first.</summary>
    public ItemList<QueryImpact> Impacts { get; init => field = value.ToItemList(); } = [];

    /// <summary>Number of queries that cost less.</summary>
    public int QueriesHelped => Impacts.Count(i => i.CostAfter < i.CostBefore);

    /// <summary>Number of queries that cost more.</summary>
    public int QueriesHurt => Impacts.Count(i => i.CostAfter > i.CostBefore);

    /// <summary>
    /// Rank in the configuration: 1 has the largest gain, 2 adds most to it, and so on; 0 for a strategy made by hand.
    /// </summary>
    public int Rank { get; init; }

    /// <summary>
    /// Gain beside those of smaller rank, as a share of the whole workload's cost, 0 to 1, before its write cost; null
    /// for one made by hand.
    /// </summary>
    public double? MarginalGain { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Names of indexes of the same table, without schema, whose work it does too: once it is there they can go. Empty for one
    /// made by hand.
    /// </summary>
    public ItemList<string> Replaces { get; init => field = value.ToItemList(); } = [];

    /// <summary>Source of the figures.</summary>
    public EvidenceSource Evidence { get; init; }

    /// <summary>The reason, in one sentence.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The database of the strategy.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
