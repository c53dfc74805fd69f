using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>An index that might help.</summary>
public sealed record Candidate
{
    /// <summary>Number, unique in a run.</summary>
    public required int Id { get; init; }

    /// <summary>The index; its name is not decided yet.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>
    /// The indexes that stand for it on the server: one for each leaf where the table is partitioned, else itself.
    /// </summary>
    public IReadOnlyList<IndexDefinition> Parts
    {
        get => field ?? [Definition];
        init;
    }

    /// <summary>Its table and first key: only indexes that share them can do each other's work.</summary>
    public (RelationName Table, string? Column, string? Expression) First =>
        (Definition.Table, Definition.Keys[0].Column, Definition.Keys[0].Expression);

    /// <summary>Whether HypoPG can make it; of what it cannot, an estimate tells the cost.</summary>
    public bool CanBeHypothetical => Definition.Method is "btree" or "hash" or "brin";

    /// <summary>Expected size on disk in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>
    /// What each scan of it pays for the pages before the first leaf, in the planner's units. HypoPG's indexes have no height:
    /// the planner charges nothing for them.
    /// </summary>
    public double DescentCost { get; init; }

    /// <summary>What the writes of the workload pay for it, weighted, in the planner's units.</summary>
    public double WriteCost { get; init; }

    /// <summary>What it was made for.</summary>
    public UsagePattern Pattern { get; init; }

    /// <inheritdoc/>
    public bool Equals(Candidate? other) => other?.Id == Id;

    /// <inheritdoc/>
    public override int GetHashCode() => Id;

    /// <inheritdoc/>
    public override string ToString() => Definition.ToAnonymousStatement();
}
