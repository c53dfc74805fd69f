using System.Globalization;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Changes;

/// <summary>What a known query costs with an index and without it, by the planner.</summary>
/// <param name="QueryHash">Fingerprint of the statement.</param>
/// <param name="Query">The statement without its constants, shortened.</param>
/// <param name="Calls">How often it ran, as far as that is known.</param>
/// <param name="CostNow">Its cost today, in the planner's units.</param>
/// <param name="CostWithout">Its cost without the index, in the planner's units; null where that cannot be asked.</param>
public sealed record QueryDropImpact(string QueryHash, string Query, double Calls, double CostNow, double? CostWithout)
{
    /// <summary>By how much it gets dearer: 0.5 is half again as dear; null where unknown.</summary>
    public double? Increase => CostWithout is { } without && CostNow > 0 ? (without / CostNow) - 1 : null;

    /// <inheritdoc/>
    public override string ToString() => Increase is { } increase
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"+{increase * 100:0} % (cost {CostNow:0.#} -> {CostWithout:0.#}, {Calls:0} calls): {Query}")
        : string.Create(CultureInfo.InvariantCulture, $"cost {CostNow:0.#} -> unknown, {Calls:0} calls: {Query}");
}

/// <summary>Which of the known queries use an index, and how much dearer they get without it.</summary>
public sealed record DropImpact
{
    /// <summary>An increase of the cost that is less than this is none: estimates are not finer.</summary>
    public const double Least = 0.01;

    /// <summary>The queries whose plan uses the index today, the dearest to lose it first.</summary>
    public IReadOnlyList<QueryDropImpact> Queries { get; init => field = value.ToArray(); } = [];

    /// <summary>How many queries are known.</summary>
    public int KnownQueries { get; init; }

    /// <summary>How many more there are that the role may not read or the server does not plan.</summary>
    public long UnplannedQueries { get; init; }

    /// <summary>Those of them that were not planned for the code that this could run.</summary>
    public IReadOnlyList<UntrustedStatement> Untrusted { get; init => field = value.ToArray(); } = [];

    /// <summary>Why nothing is known, or null.</summary>
    public string? Unknown { get; init; }

    /// <summary>The summary in a sentence.</summary>
    public override string ToString()
    {
        if (Unknown is not null)
        {
            return $"which queries get dearer is unknown: {Unknown}";
        }

        var dearer = Queries.Where(q => q.Increase >= Least).ToList();
        var rest = UnplannedQueries == 0
            ? "" : string.Create(CultureInfo.InvariantCulture, $" ({UnplannedQueries} more cannot be planned)");
        var text = Queries.Count == 0 ? $"none of {KnownQueries} known queries uses it"
            : Queries.Any(q => q.Increase is null)
            ? $"{Queries.Count} of {KnownQueries} known queries use it, how much dearer they get is unknown without HypoPG 1.4"
            : dearer.Count == 0 ? $"{Queries.Count} of {KnownQueries} known queries use it, none gets dearer"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{dearer.Count} of {KnownQueries} known queries get dearer, by {dearer.Max(q => q.Increase) * 100:0} % at most");
        return text + rest;
    }
}
