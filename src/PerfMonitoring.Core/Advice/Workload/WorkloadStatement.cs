using PerfMonitoring.Plans;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>One statement of the workload.</summary>
/// <param name="Text">The text to plan, with constants or with $n.</param>
/// <param name="QueryHash">Fingerprint.</param>
/// <param name="Pattern">The query, for people.</param>
/// <param name="Weight">Weight in the workload (number of calls).</param>
/// <param name="MeanTimeMs">Mean measured execution time in milliseconds, or null.</param>
internal sealed record WorkloadStatement(string Text, string QueryHash, string Pattern, double Weight, double? MeanTimeMs)
{
    /// <summary>
    /// The period in which it ran as often as its weight tells; <see cref="TimeSpan.MaxValue"/> where the start of the counting
    /// is unknown, null where it was not counted.
    /// </summary>
    public TimeSpan? Window { get; init; }

    /// <summary>
    /// Mean number of rows that an execution returned or changed, by the server's counters; null where unknown.
    /// </summary>
    public double? RowsPerCall { get; init; }

    /// <summary>The role that runs the statement.</summary>
    public StatementOrigin Origin { get; init; } = StatementOrigin.Unknown;

    /// <summary>
    /// Variants that really ran, with their shares, where texts with different constants are known; empty where there is only
    /// <see cref="Text"/>.
    /// </summary>
    public IReadOnlyList<PlanVariant> Examples { get; init; } = [];

    /// <summary>A text of the statement for the planner.</summary>
    /// <param name="text">With constants or with $n.</param>
    /// <param name="arguments">Values of its parameters, or null.</param>
    public PlanText ToPlanText(string text, IReadOnlyList<string?>? arguments = null) => new(text, arguments) { Origin = Origin };

    /// <summary>A statement from the server's counters or the log.</summary>
    public static WorkloadStatement From(SlowQuery query) =>
        new(query.Query, query.QueryHash, QueryText.Shorten(query.Query), query.Calls, query.MeanTimeMs)
        {
            RowsPerCall = (double)query.Rows / Math.Max(1, query.Calls),
            Origin = new StatementOrigin(query.UserNames),
        };

    /// <summary>
    /// The statements of a workload, one for each fingerprint, with the summed weight. Of texts that differ in their constants,
    /// two represent all: the most frequent one, and the middle one for all others together. Their constants are real, so they
    /// are preferred to a text with parameters.
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
