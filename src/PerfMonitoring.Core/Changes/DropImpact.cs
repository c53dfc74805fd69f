using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Changes;

/// <summary>Planner costs of a known query with an index and without it.</summary>
/// <param name="QueryHash">Fingerprint of the statement.</param>
/// <param name="Query">The query, shortened.</param>
/// <param name="Calls">Number of executions, as far as known.</param>
/// <param name="CostNow">Cost with the index, in planner units.</param>
/// <param name="CostWithout">Cost without the index, in planner units; null where the planner cannot be asked.</param>
public sealed record QueryDropImpact(string QueryHash, string Query, double Calls, double CostNow, double? CostWithout)
{
    /// <summary>An impact on no query.</summary>
    public QueryDropImpact()
        : this("", "", 0, 0, null)
    {
    }

    /// <summary>Increase of the cost as a share: 0.5 means that the cost is 1.5 times as high; null where unknown.</summary>
    public double? Increase => CostWithout is { } without && CostNow > 0 ? Figure.Round((without / CostNow) - 1) : null;

    /// <inheritdoc/>
    public override string ToString() => Increase is { } increase
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"+{increase * 100:0} % (cost {CostNow:0.#} -> {CostWithout:0.#}, {Calls:0} calls): {ShortText.OfQuery(Query)}")
        : string.Create(
            CultureInfo.InvariantCulture, $"cost {CostNow:0.#} -> unknown, {Calls:0} calls: {ShortText.OfQuery(Query)}");
}

/// <summary>The known queries that use an index, and the increase of their costs without it.</summary>
public sealed record DropImpact
{
    /// <summary>A smaller increase of the cost counts as none: estimates are not more precise. A share.</summary>
    public const double Least = 0.01;

    /// <summary>The queries whose plan uses the index now, the largest loss first.</summary>
    public ItemList<QueryDropImpact> Queries { get; init => field = value.ToItemList(); } = [];

    /// <summary>Number of known queries.</summary>
    public int KnownQueries { get; init; }

    /// <summary>Number of further queries that the role may not read or the server does not plan.</summary>
    public long UnplannedQueries { get; init; }

    /// <summary>The queries among these that were not planned because planning could run untrusted code.</summary>
    public ItemList<UntrustedStatement> Untrusted { get; init => field = value.ToItemList(); } = [];

    /// <summary>The reason why nothing is known, or null.</summary>
    public string? Unknown { get; init; }

    /// <summary>The summary in one sentence.</summary>
    public override string ToString()
    {
        if (Unknown is not null)
        {
            return $"which queries get slower is unknown: {VisibleText.Line(Unknown)}";
        }

        var slower = Queries.Where(q => q.Increase >= Least).ToList();
        var rest = UnplannedQueries == 0
            ? "" : string.Create(CultureInfo.InvariantCulture, $" ({UnplannedQueries} more cannot be planned)");
        var text = Queries.Count == 0 ? $"none of {KnownQueries} known queries uses it"
            : Queries.Any(q => q.Increase is null)
            ? $"{Queries.Count} of {KnownQueries} known queries use it, how much slower they get is unknown without HypoPG 1.4"
            : slower.Count == 0 ? $"{Queries.Count} of {KnownQueries} known queries use it, none gets slower"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{slower.Count} of {KnownQueries} known queries get slower, by {slower.Max(q => q.Increase) * 100:0} % at most");
        return text + rest;
    }
}
