using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class IndexSelectionTests
{
    private const long Megabyte = 1_000_000;

    // Each index: its columns (a letter each), megabytes, write cost. There are two statements of cost 100. Rules: the cost of a
    // statement if these indexes exist.
    [Theory]
    // The better gain per byte comes first, and the budget ends the selection.
    [InlineData("a=10 b=10", "1:a=50 2:b=20", 10, null, "b")]
    [InlineData("a=10 b=10", "1:a=50 2:b=20", 20, null, "b a")]
    [InlineData("a=10 b=10", "1:a=50 2:b=20", 20, 1, "b")]
    // One index for both statements is better than two for one each.
    [InlineData("a=10 b=10 c=10", "1:a=40 2:b=40 1:c=50 2:c=50", 10, null, "c")]
    // A small index is dropped from the set if a larger one does its work.
    [InlineData("a=1 b=10", "1:a=90 1:b=10 1:a,b=10", null, null, "b")]
    // Some indexes help only together.
    [InlineData("a=10 b=10", "1:a,b=10", null, null, "a b")]
    [InlineData("a=10 b=10", "1:a,b=10", 15, null, "")]
    // The set never contains two indexes of which one does all the work of the other, even if a statement prefers the smaller.
    [InlineData("a=10 ab=30", "1:a=20 1:ab=40 2:ab=20", null, null, "ab")]
    [InlineData("a=10 ab=30", "1:a=20 1:ab=40 2:ab=80", null, null, "a")]
    [InlineData("a=10 ba=30", "1:a=20 1:ba=40 2:ba=20", null, null, "a ba")]
    // An index without a gain, or with a gain below noise, is not chosen.
    [InlineData("a=10", "1:a=99.99", null, null, "")]
    // Nor is an index whose write cost exceeds its gain. Of two equal ones the one with the lower write cost is chosen.
    [InlineData("a=10=60", "1:a=50", null, null, "")]
    [InlineData("a=10=40", "1:a=50", null, null, "a")]
    [InlineData("a=10=40 b=10=5", "1:a=50 1:b=50", 10, null, "b")]
    [InlineData("a=10", "", null, null, "")]
    public void The_set_is_exactly_this(string sizes, string rules, int? budgetMegabytes, int? count, string expected)
    {
        var candidates = sizes.Split(' ').Select((s, i) => Make(i, s)).ToList();
        var options = new AdvisorOptions { StorageBudget = budgetMegabytes * Megabyte, MaximumCount = count };

        var set = Select(candidates, rules, options);

        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            set.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_statement_counts_as_often_as_it_is_called()
    {
        var candidates = new[] { Make(0, "a=10"), Make(1, "b=10") };

        Assert.Equal(["a"], Select(candidates, "1:a=50 2:b=20", new AdvisorOptions { StorageBudget = 10 * Megabyte }, 10));
    }

    // The planner takes the plan that it estimates to be cheaper. So an index that misleads it is not accepted for the gain of
    // other statements either.
    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "a")]
    public void No_statement_gets_slower_than_is_allowed(double maximumRegression, string expected)
    {
        var candidates = new[] { Make(0, "a=10") };
        var tables = Tables(candidates, "1:a=50", 1);
        tables[1].Add([0], new Configuration([0], 99, 55));

        var set = new IndexSelection(
            tables, candidates, new AdvisorOptions { MaximumRegression = maximumRegression }, (_, _) => [])
            .Select([], true, TestContext.Current.CancellationToken);

        Assert.Equal(expected, string.Join(' ', set.Select(id => Name(candidates[id]))));
    }

    // Index a alone makes the second statement more expensive. With b the planner does not use a for it.
    [Theory]
    [InlineData(20, "a b")]
    [InlineData(15, "")]
    public void What_misleads_the_planner_comes_with_what_leads_it_back(int budgetMegabytes, string expected)
    {
        var candidates = new[] { Make(0, "a=10"), Make(1, "b=10"), Make(2, "c=5") };
        var tables = Tables(candidates, "1:a=20 2:b=90", 1);
        tables[1].Add([0], new Configuration([0], 99, 200));
        var options = new AdvisorOptions { StorageBudget = budgetMegabytes * Megabyte, MinimumGain = 0.15 };

        var set = new IndexSelection(tables, candidates, options, (_, _) => [])
            .Select([], true, TestContext.Current.CancellationToken);

        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            set.Select(id => Name(candidates[id])).Order(StringComparer.Ordinal));
    }

    // An index that takes 4 % of the size of the tables (1,000 MB) must gain 1 % of what is left of the cost, and a fifth of that
    // where the user gives a budget. Costs are 100 for each of two statements. Of equal gains the smaller index wins.
    [Theory]
    [InlineData("a=300 b=5", "1:a=20 2:b=90", null, "b")]
    [InlineData("a=200 b=5", "1:a=20 2:b=90", null, "a b")]
    [InlineData("a=240 b=5", "1:a=91 2:b=90", null, "b")]
    [InlineData("a=240 b=5", "1:a=91 2:b=90", 400, "a b")]
    [InlineData("a=20 b=10", "1:a=50 1:b=50", null, "b")]
    public void An_index_earns_its_bytes(string sizes, string rules, int? budgetMegabytes, string expected)
    {
        var candidates = sizes.Split(' ').Select((s, i) => Make(i, s)).ToList();
        var options = new AdvisorOptions { StorageBudget = budgetMegabytes * Megabyte }.For(1000 * Megabyte);

        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Select(candidates, rules, options).Order(StringComparer.Ordinal));
    }

    // A copy of a unique key must gain 2 % of what is left of the cost.
    [Theory]
    [InlineData(96, null, "a")]
    [InlineData(96, "orders_pkey", "")]
    [InlineData(80, "orders_pkey", "a")]
    public void A_copy_of_a_unique_key_needs_a_reason(double cost, string? uniqueKey, string expected) =>
        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Select([Make(0, "a=1") with { UniqueKey = uniqueKey }], $"1:a={cost}", new AdvisorOptions()));

    // Index a lowers the risk of a plan, and hardly its cost. It stays where the statement may get slower without it.
    [Theory]
    [InlineData(20, "b")]
    [InlineData(60, "a b")]
    public void A_lower_risk_alone_is_no_reason_for_an_index(double risk, string expected)
    {
        Candidate[] candidates = [Make(0, "a=10"), Make(1, "b=10")];
        var tables = Tables(candidates, "1:b=50", 1);
        tables[1].Add([1], new Configuration([1], 50, risk));
        tables[1].Add([0, 1], new Configuration([0, 1], 50 - 1e-4));

        var kept = new IndexSelection(tables, candidates, new AdvisorOptions(), (_, _) => []).WithoutCrumbs([0, 1]);

        Assert.Equal(expected, string.Join(' ', kept.Select(id => Name(candidates[id]))));
    }

    [Theory]
    [InlineData(100, 100)]
    [InlineData(1000, 250)]
    public void Without_a_budget_there_is_a_usual_one(double tableMegabytes, double expected) =>
        Assert.Equal(expected * 1e6, AdvisorOptions.DefaultBudget(tableMegabytes * 1e6));

    [Fact]
    public void What_covers_two_is_taken_for_both()
    {
        var candidates = new[] { Make(0, "a=10"), Make(1, "b=10"), Make(2, "c=12") };

        var set = Select(
            candidates, "1:a=20 2:b=20", new AdvisorOptions { StorageBudget = 15 * Megabyte }, 1, (_, id) => id == 2 ? [] : [2]);

        Assert.Equal(["c"], set);
    }

    [Fact]
    public void The_same_input_gives_the_same_set_and_more_budget_never_a_worse_one()
    {
        var random = new Random(7);
        var candidates = Enumerable.Range(0, 12).Select(i => Make(i, $"{(char)('a' + i)}={random.Next(1, 30)}")).ToList();
        var rules = string.Join(
            ' ', candidates.SelectMany(c => new[] { 1, 2 }.Select(s => $"{s}:{Name(c)}={random.Next(10, 100)}")));
        var last = double.MaxValue;
        foreach (var budget in new[] { 5, 10, 20, 40, 80, 400 })
        {
            var options = new AdvisorOptions { StorageBudget = budget * Megabyte };
            var set = Select(candidates, rules, options);

            Assert.Equal(set, Select(candidates, rules, options));
            var chosen = candidates.Where(c => set.Contains(Name(c))).ToList();
            Assert.True(chosen.Sum(c => c.SizeBytes) <= budget * Megabyte);
            var cost = Tables(candidates, rules, 1)
                .Sum(t => t.Configurations.First(c => c.Used.All(id => chosen.Exists(x => x.Id == id))).Cost);
            Assert.True(cost <= last, $"{budget} MB: {cost} after {last}");
            last = cost;
        }
    }

    private static List<string> Select(
        IReadOnlyList<Candidate> candidates, string rules, AdvisorOptions options, double weight = 1,
        Func<int, int, IReadOnlyList<int>>? canServe = null) =>
    [
        .. new IndexSelection(Tables(candidates, rules, weight), candidates, options, canServe ?? ((_, _) => []))
            .Select([], true, TestContext.Current.CancellationToken).Select(id => Name(candidates[id])),
    ];

    // A statement costs 100 without indexes.
    private static List<CostTable> Tables(IReadOnlyList<Candidate> candidates, string rules, double weight)
    {
        var tables = new List<CostTable> { new(new Configuration([], 100), weight), new(new Configuration([], 100), 1) };
        foreach (var rule in rules.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split(':', '=')))
        {
            var ids = candidates.Where(c => rule[1].Split(',').Contains(Name(c))).Select(c => c.Id).ToList();
            tables[int.Parse(rule[0], System.Globalization.CultureInfo.InvariantCulture) - 1]
                .Add(ids, new Configuration(ids, double.Parse(rule[2], System.Globalization.CultureInfo.InvariantCulture)));
        }

        return tables;
    }

    private static Candidate Make(int id, string text)
    {
        var parts = text.Split('=');
        return new Candidate
        {
            Id = id,
            Definition = new IndexDefinition {
                Table = new RelationName("public", "t"), Name = parts[0],
                Keys = [.. parts[0].Select(c => IndexKey.OnColumn(c.ToString()))] },
            SizeBytes = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) * Megabyte,
            WriteCost = parts.Length > 2 ? int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture) : 0,
        };
    }

    private static string Name(Candidate candidate) => candidate.Definition.Name;
}
