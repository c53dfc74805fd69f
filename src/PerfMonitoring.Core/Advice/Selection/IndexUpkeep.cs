using PerfMonitoring.Common;

namespace PerfMonitoring.Advice;

/// <summary>
/// What an index must gain to be chosen, in planner units: the cost of its writes, a least gain for each index, a gain for each
/// byte, and more for a copy of a unique key. The shares are of what the workload costs at its best, so that one statement that
/// dwarfs the others does not hide what helps them.
/// </summary>
internal sealed class IndexUpkeep
{
    private readonly double best;
    private readonly double before;
    private readonly AdvisorOptions options;

    /// <summary>Prepares the figures.</summary>
    /// <param name="tables">The cost tables of the statements.</param>
    /// <param name="options">The least gains.</param>
    public IndexUpkeep(IReadOnlyList<CostTable> tables, AdvisorOptions options)
    {
        this.options = options;
        best = tables.Sum(t => t.Weight * t.Configurations[0].Total);
        before = tables.Sum(t => t.Weight * t.Bare.Total);
        LeastGain = Math.Max(
            Math.Max(best * options.MinimumGain, before * Tuning.Selection.LeastShare), double.Epsilon);
    }

    /// <summary>What each index must gain after its writes, whatever its size, in planner units.</summary>
    public double LeastGain { get; }

    /// <summary>What a candidate must gain, in planner units.</summary>
    public double Of(Candidate candidate) => LeastGain + candidate.WriteCost + OfSize(candidate) + OfCopy(candidate);

    /// <summary>
    /// What a candidate must gain by the planner's cost alone, in planner units, unless it keeps a statement from getting slower:
    /// a lower risk of plans is no reason for what a reader takes for nothing, or for a copy of a unique key.
    /// </summary>
    public double OfCost(Candidate candidate) => (before * Tuning.Selection.LeastShare) + OfCopy(candidate);

    /// <summary>Why a gain that exceeds the least one and the writes is too small; null where it is not.</summary>
    public string? WhyTooLittle(Candidate candidate, double gain) => gain >= Of(candidate) ? null
        : candidate.UniqueKey is { } key && gain >= Of(candidate) - OfCopy(candidate)
        ? $"too little for a copy of the unique index {key}"
        : gain < LeastGain + candidate.WriteCost ? "less than -MinimumGain asks for after its writes"
        : $"too little for its {ByteSize.InMegabytes(candidate.SizeBytes)}";

    private double OfSize(Candidate candidate) => best * options.ByteGain * candidate.SizeBytes;

    private double OfCopy(Candidate candidate) => candidate.UniqueKey is null ? 0 : best * Tuning.Selection.CopyGain;
}
