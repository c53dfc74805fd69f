using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

public sealed class SelectionReviewTests
{
    private const long Megabyte = 1 << 20;

    // Two statements of cost 100 each; rules: the statement, the ids of its indexes, its cost with them. Expected: id and gain in
    // percent of the workload.
    [Theory]
    [InlineData("0:0=50 1:1=20", "0 1", "1=40 0=25")]
    [InlineData("0:0=50 0:1=40", "0 1", "1=30 0=0")]
    [InlineData("0:0=50 0:0,1=10", "0 1", "0=25 1=20")]
    // Indexes that help only together follow each other, after those that help alone.
    [InlineData("0:0,1=10 1:2=90", "0 1 2", "2=5 0=0 1=45")]
    [InlineData("0:0,1,2=10", "0 1 2", "0=0 1=0 2=45")]
    [InlineData("0:0=50", "", "")]
    public void Each_rank_adds_the_most_to_those_before(string rules, string set, string expected)
    {
        var ranked = Review(rules, "10 10 10")
            .Rank([.. set.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture))]);

        Assert.Equal(
            expected,
            string.Join(' ', ranked.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Id}={100 * r.Gain:0.##}"))));
    }

    // The verdict on the second candidate (megabytes, and after a slash its write cost) if the first one is chosen.
    [Theory]
    [InlineData("0:0=50", "10 10", CandidateVerdict.NotUsed, "No plan")]
    [InlineData("0:0=50 1:1=50", "10 100", CandidateVerdict.OverBudget, "alone is larger")]
    [InlineData("0:0=50 1:1=50", "10 45", CandidateVerdict.OverBudget, "40 MB are left")]
    [InlineData("0:0=50 1:1=50", "10 10", CandidateVerdict.OverCount, "25 % more")]
    [InlineData("0:0=50 1:1=99.9", "10 10", CandidateVerdict.TooLittle, "0.05 %")]
    [InlineData("0:0=50 1:1=50", "10 10/60", CandidateVerdict.WritesCostMore, "60 units")]
    [InlineData("0:0=50 0:1=60", "10 10", CandidateVerdict.Replaced, "orders_a_idx does its work")]
    [InlineData("0:0=50 1:1,2=50", "10 10 10", CandidateVerdict.TooLittle, "only together")]
    public void What_was_not_chosen_has_a_reason(string rules, string sizes, CandidateVerdict verdict, string reason)
    {
        var chosen = new Dictionary<int, IndexStrategy> {
            [0] = new() { Definition = Define(0) with { Name = "orders_a_idx" }, Rank = 1, Reason = "It helps." } };

        var judged = Review(rules, sizes)
            .Judge(chosen, new Dictionary<int, string>(),
            new AdvisorOptions { StorageBudget = 50 * Megabyte, MaximumCount = 1 });

        Assert.Equal((CandidateVerdict.Chosen, "It helps."), (judged[0].Verdict, judged[0].Reason));
        var second = judged.Single(c => c.Definition.Keys[0].Column == "c1");
        Assert.Equal(verdict, second.Verdict);
        Assert.Contains(reason, second.Reason, StringComparison.Ordinal);
    }

    // The plans with each index and with both: cost/risk; today's cost is 100.
    [Theory]
    [InlineData("10/0 10/0 10/0", false, false)]
    [InlineData("20/50 19/0 19/0", true, false)]
    [InlineData("19.9/0.9 19/0 19/0", false, false)]
    [InlineData("60/20 19/0 19/0", false, false)]
    // The planner may choose either of them.
    [InlineData("19.5/100 19/0 19/0", true, true)]
    public void Who_is_safer_or_in_danger_is_told(string plans, bool isSafer, bool isRisky)
    {
        var tables = Tables("");
        int[][] sets = [[0], [1], [0, 1]];
        foreach (var (set, plan) in sets.Zip(plans.Split(' ')))
        {
            var figures = plan.Split('/').Select(f => double.Parse(f, CultureInfo.InvariantCulture)).ToArray();
            tables[0].Add(set, new Configuration(set.Length > 1 ? [1] : set, figures[0], figures[1]));
        }

        var review = new SelectionReview(tables, Candidates("10 10"), (_, _) => []);

        Assert.Equal(isSafer ? [0] : [], review.Safer(1, [0, 1]));
        Assert.Equal(isRisky ? [0] : [], review.Risky(0, [0, 1]));
    }

    [Fact]
    public void What_the_server_refuses_and_what_is_risky_is_said()
    {
        var tables = Tables("");
        tables[0].Add([1], new Configuration([1], 90, 40));
        var review = new SelectionReview(tables, Candidates("10 10"), (_, _) => []);

        var judged = review.Judge(
            new Dictionary<int, IndexStrategy>(), new Dictionary<int, string> { [0] = "no operator class" },
            new AdvisorOptions());

        Assert.Equal((CandidateVerdict.SlowsStatement, 10.0, 0.05), (judged[0].Verdict, judged[0].Gain, judged[0].GainShare));
        Assert.Contains("30 % longer", judged[0].Reason, StringComparison.Ordinal);
        Assert.Equal(
            (CandidateVerdict.Refused, "The server refuses it: no operator class"), (judged[1].Verdict, judged[1].Reason));
    }

    private static SelectionReview Review(string rules, string sizes) => new(Tables(rules), Candidates(sizes), (_, _) => []);

    private static List<Candidate> Candidates(string sizes) =>
    [
        .. sizes.Split(' ').Select((size, i) => new Candidate
        {
            Id = i,
            Definition = Define(i),
            SizeBytes = long.Parse(size.Split('/')[0], CultureInfo.InvariantCulture) * Megabyte,
            WriteCost = size.Contains('/', StringComparison.Ordinal)
                ? double.Parse(size.Split('/')[1], CultureInfo.InvariantCulture) : 0,
        }),
    ];

    private static IndexDefinition Define(int id) =>
        new() { Table = new RelationName("public", "orders"), Name = "", Keys = [IndexKey.OnColumn($"c{id}")] };

    private static List<CostTable> Tables(string rules)
    {
        var tables = new List<CostTable> { new(new Configuration([], 100), 1), new(new Configuration([], 100), 1) };
        foreach (var rule in rules.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split(':', '=')))
        {
            var ids = rule[1].Split(',').Select(id => int.Parse(id, CultureInfo.InvariantCulture)).ToList();
            tables[int.Parse(rule[0], CultureInfo.InvariantCulture)]
                .Add(ids, new Configuration(ids, double.Parse(rule[2], CultureInfo.InvariantCulture)));
        }

        return tables;
    }
}
