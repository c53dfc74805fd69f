using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Strategies;

/// <summary>What became of an index that the advisor considered.</summary>
public enum CandidateVerdict
{
    /// <summary>It is in the set.</summary>
    Chosen,
    /// <summary>No plan that the planner was seen to prefer uses it.</summary>
    NotUsed,
    /// <summary>The server refuses such an index.</summary>
    Refused,
    /// <summary>It is too large for the budget, alone or beside the chosen ones.</summary>
    OverBudget,
    /// <summary>There are as many indexes in the set as there may be.</summary>
    OverCount,
    /// <summary>It saves less than the least improvement that is asked for.</summary>
    TooLittle,
    /// <summary>Writes would pay more for it than it saves.</summary>
    WritesCostMore,
    /// <summary>Chosen indexes do its work.</summary>
    Replaced,
    /// <summary>It might make a statement dearer, by what the planner takes for free.</summary>
    MakesDearer,
    /// <summary>The set was not found to get better by it, cost, risk and writes together.</summary>
    NotBetter,
    /// <summary>It was built and taken back not long ago.</summary>
    Reverted,
}

/// <summary>An index that the advisor considered, and why it was chosen or not.</summary>
public sealed record IndexCandidate
{
    /// <summary>A short name: the definition may hold constants, and errors show what they are about.</summary>
    public override string ToString() =>
        $"{string.Join(", ", Definition.KeyNames.Select(QueryText.HideConstants))} on {TableName}";

    /// <summary>The table, schema-qualified and quoted where it must be.</summary>
    public string TableName => Definition.Table.ToString();

    /// <summary>What the index is.</summary>
    public IndexType IndexType => Definition.Type;

    /// <summary>What would be made, without a name.</summary>
    public string IndexDefinition => Definition.ToAnonymousStatement();

    /// <summary>The definition, taken apart; its name is empty or the chosen strategy's.</summary>
    public required IndexDefinition Definition { get; init; }

    /// <summary>Expected size on disk in bytes.</summary>
    public long SizeBytes { get; init; }

    /// <summary>What the writes of the workload would pay to keep it up to date, weighted, in the planner's units.</summary>
    public double WriteCost { get; init; }

    /// <summary>
    /// What it would save as the only new index, weighted, in the planner's units, its write cost not taken off; null where the
    /// planner was not asked.
    /// </summary>
    public double? Saving { get; init; }

    /// <summary>The same as a share of the workload's cost, 0 to 1.</summary>
    public double? SavingShare { get; init; }

    /// <summary>What became of it.</summary>
    public CandidateVerdict Verdict { get; init; }

    /// <summary>Why, in a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The strategy, where it was chosen; else null.</summary>
    public IndexStrategy? Strategy { get; init; }

    /// <summary>The database that it is for.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target: a text that CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
