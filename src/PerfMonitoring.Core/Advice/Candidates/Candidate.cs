using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>An index that might help.</summary>
public sealed record Candidate
{
    /// <summary>Position among all candidates of a run, from 0.</summary>
    public required int Id { get; init; }

    /// <summary>The index, without a name.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>
    /// The corresponding indexes on the server: one for each leaf where the table is partitioned, else the index itself.
    /// </summary>
    public IReadOnlyList<IndexDefinition> Parts
    {
        get => field ?? [Definition];
        init;
    }

    /// <summary>The table and first key: only indexes with the same ones can do each other's work.</summary>
    public (RelationName Table, string? Column, string? Expression) First =>
        (Definition.Table, Definition.Keys[0].Column, Definition.Keys[0].Expression);

    /// <summary>Whether HypoPG can create it; for other methods an estimate gives the cost.</summary>
    public bool CanBeHypothetical => Definition.Method is "btree" or "hash" or "brin";

    /// <summary>Expected size on disk in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>
    /// Cost of the pages above the leaves for each scan, in planner units. HypoPG's indexes have no height, so the planner
    /// charges nothing for these pages.
    /// </summary>
    public double DescentCost { get; init; }

    /// <summary>Maintenance cost of the index for the writes of the workload, weighted, in planner units.</summary>
    public double WriteCost { get; init; }

    /// <summary>
    /// The existing unique index whose columns are the first keys, so that the candidate finds the same rows; null where there is
    /// none.
    /// </summary>
    public string? UniqueKey { get; init; }

    /// <summary>Intended use.</summary>
    public UsagePattern Pattern { get; init; }

    /// <inheritdoc/>
    public bool Equals(Candidate? other) => other?.Id == Id;

    /// <inheritdoc/>
    public override int GetHashCode() => Id;

    /// <inheritdoc/>
    public override string ToString() => Definition.ToAnonymousStatement();
}
