using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>One statement of the workload.</summary>
/// <param name="Text">The text that is planned, with constants or with $n.</param>
/// <param name="QueryHash">Fingerprint.</param>
/// <param name="Pattern">The text without constants, for people to read.</param>
/// <param name="Weight">How often it counts.</param>
/// <param name="MeanTimeMs">Mean measured time in milliseconds, or null.</param>
public sealed record WorkloadStatement(string Text, string QueryHash, string Pattern, double Weight, double? MeanTimeMs)
{
    /// <summary>
    /// The time in which it ran as often as its weight says; <see cref="TimeSpan.MaxValue"/> where it is not known since when it
    /// was counted, null where it was not counted at all.
    /// </summary>
    public TimeSpan? Window { get; init; }

    /// <summary>Mean number of rows that a run returned or changed, as the server counted them; null where unknown.</summary>
    public double? RowsPerCall { get; init; }

    /// <summary>Whose statement it is.</summary>
    public StatementOrigin Origin { get; init; } = StatementOrigin.Unknown;

    /// <summary>
    /// Ways in which it was really run, with their shares, where texts with different constants are behind it; empty where there
    /// is <see cref="Text"/> only.
    /// </summary>
    public IReadOnlyList<PlanVariant> Examples { get; init; } = [];

    /// <summary>A text of it, as it is to be planned.</summary>
    /// <param name="text">With constants or with $n.</param>
    /// <param name="arguments">Values of its parameters, or null.</param>
    public PlanText ToPlanText(string text, IReadOnlyList<string?>? arguments = null) => new(text, arguments) { Origin = Origin };

    /// <summary>A statement that the server or the log counted.</summary>
    public static WorkloadStatement From(SlowQuery query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return new WorkloadStatement(query.Query, query.QueryHash, QueryText.Shorten(query.Query), query.Calls, query.MeanTimeMs)
        {
            RowsPerCall = (double)query.Rows / Math.Max(1, query.Calls),
            Origin = new StatementOrigin(query.UserName is { Length: > 0 } user ? [user] : []),
        };
    }

    /// <summary>
    /// The statements of a workload, those of one fingerprint as one with the weight of all. Of texts that differ in their
    /// constants two stand for all of them: the one that ran most often, and, for all the others together, the one in the middle
    /// of them. Their constants are real ones, and so preferred to a text with parameters.
    /// </summary>
    public static IReadOnlyList<WorkloadStatement> Collapse(IEnumerable<WorkloadStatement> workload) =>
        [.. workload.GroupBy(s => s.QueryHash, StringComparer.Ordinal).Select(g => Collapse([.. g]))];

    private static WorkloadStatement Collapse(List<WorkloadStatement> same)
    {
        if (same.Count == 1)
        {
            return same[0];
        }

        var texts = same.GroupBy(s => s.Text, StringComparer.Ordinal).Select(g => (Text: g.Key, Weight: g.Sum(s => s.Weight)))
            .OrderByDescending(t => t.Weight).ThenBy(t => t.Text, StringComparer.Ordinal).ToList();
        var real = texts.Count == 1
            ? texts : texts.FindAll(t => PlannableText.TryMake(t.Text, out var parameters) is not null && parameters == 0);
        var roles = same.SelectMany(s => s.Origin.Roles.Select(role => (role, s.Weight)))
            .GroupBy(r => r.role, StringComparer.Ordinal)
            .OrderByDescending(g => g.Sum(r => r.Weight)).Select(g => g.Key);
        var origin = new StatementOrigin([.. roles], same.TrueForAll(s => s.Origin.MayRunAnyCode));
        var examples = real.Count < 2 ? [] : ExamplesOf(real, origin);
        return same[0] with
        {
            Text = real.Count > 0 ? real[0].Text : texts[0].Text,
            Weight = same.Sum(s => s.Weight),
            MeanTimeMs = Mean(same, s => s.MeanTimeMs),
            Window = same.Max(s => s.Window),
            RowsPerCall = Mean(same, s => s.RowsPerCall),
            Examples = examples,
            Origin = origin,
        };
    }

    private static IReadOnlyList<PlanVariant> ExamplesOf(List<(string Text, double Weight)> texts, StatementOrigin origin)
    {
        var rest = texts.Skip(1).Sum(t => t.Weight);
        var middle = 1;
        for (var weight = texts[1].Weight; weight < rest / 2 && middle < texts.Count - 1; middle++)
        {
            weight += texts[middle + 1].Weight;
        }

        var share = texts[0].Weight / (texts[0].Weight + rest);
        return [new(Text(middle), 1 - share), new(Text(0), share)];

        PlanText Text(int place) => new(texts[place].Text) { Origin = origin };
    }

    private static double? Mean(List<WorkloadStatement> statements, Func<WorkloadStatement, double?> value)
    {
        var known = statements.FindAll(s => value(s) is not null);
        var weight = known.Sum(s => s.Weight);
        return known.Count == 0 ? null : weight > 0 ? known.Sum(s => value(s)!.Value * s.Weight) / weight : value(known[0]);
    }
}
