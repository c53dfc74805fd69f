using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Strategies;

/// <summary>The advisor's verdict on a candidate.</summary>
public enum CandidateVerdict : long
{
    /// <summary>Not judged.</summary>
    Unknown,
    /// <summary>It is in the configuration.</summary>
    Chosen,
    /// <summary>No plan that the planner preferred uses it.</summary>
    NotUsed,
    /// <summary>The server refuses such an index.</summary>
    Refused,
    /// <summary>It is too large for the budget, alone or together with the chosen ones.</summary>
    OverBudget,
    /// <summary>The configuration already has the largest number of indexes.</summary>
    OverCount,
    /// <summary>Its gain is below the requested minimum.</summary>
    TooLittle,
    /// <summary>Its maintenance cost exceeds its gain.</summary>
    WritesCostMore,
    /// <summary>Chosen indexes do its work.</summary>
    Replaced,
    /// <summary>A statement might cost more with it, by a cost that the planner ignores.</summary>
    SlowsStatement,
    /// <summary>No better configuration with it was found, with cost, risk and writes together.</summary>
    NotBetter,
    /// <summary>It was created and reverted recently.</summary>
    Reverted,
}

/// <summary>An index that the advisor considered, with the verdict and the reason.</summary>
public sealed record IndexCandidate
{
    /// <summary>A short name: errors show their subject, and the definition may hold constants.</summary>
    public override string ToString() =>
        ShortText.Of(string.Join(", ", Definition.KeyNames.Select(QueryText.HideConstants)), TableName);

    /// <summary>The table, with its schema, quoted where necessary.</summary>
    /// <exception cref="PerfMonitoringException">InvalidName, when set to what is no name.</exception>
    public string TableName
    {
        get => Definition.Table.Name.Length == 0 ? "" : Definition.Table.ToString();
        init => Definition = Definition with { Table = RelationName.Parse(value) };
    }

    /// <summary>The kind of index.</summary>
    public IndexType IndexType => Definition.Type;

    /// <summary>The CREATE INDEX statement, without a name.</summary>
    public string IndexDefinition => Definition.IsOnTable ? Definition.ToAnonymousStatement() : "";

    /// <summary>The parsed definition; the name is empty or the name of the chosen strategy.</summary>
    public IndexDefinition Definition { get; init; } = Indexes.IndexDefinition.None;

    /// <summary>Expected size on disk in bytes.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Maintenance cost of the index for the writes of the workload, weighted, in planner units.</summary>
    public double WriteCost { get; init => field = Figure.Round(value); }

    /// <summary>
    /// Gain as the only new index, weighted, in planner units, before maintenance cost; null where the planner was not asked.
    /// </summary>
    public double? Gain { get; init => field = Figure.Round(value); }

    /// <summary>The gain as a share of the workload's cost, 0 to 1.</summary>
    public double? GainShare { get; init => field = Figure.Round(value); }

    /// <summary>The verdict.</summary>
    public CandidateVerdict Verdict { get; init; }

    /// <summary>The reason, in one sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The strategy of a chosen candidate; else null.</summary>
    public IndexStrategy? Strategy { get; init; }

    /// <summary>The database of the candidate.</summary>
    public ServerTarget? Target { get; init; }

    /// <summary>
    /// <see cref="ServerTarget.Identity"/> of the target as text, which CSV, JSON and jobs keep; null where it is unknown.
    /// </summary>
    public string? DatabaseIdentity => Target?.Identity;
}
