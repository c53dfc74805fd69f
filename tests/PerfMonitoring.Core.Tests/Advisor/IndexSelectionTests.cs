using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

public sealed class IndexSelectionTests
{
    private const long Megabyte = 1_000_000;

    // Each index: name, megabytes, write cost. Two statements of cost 100. Rules: the cost that a statement has when it has these indexes.
    [Theory]
    // The better gain a byte comes first, and the budget ends it.
    [InlineData("a=10 b=10", "1:a=50 2:b=20", 10, null, "b")]
    [InlineData("a=10 b=10", "1:a=50 2:b=20", 20, null, "b a")]
    [InlineData("a=10 b=10", "1:a=50 2:b=20", 20, 1, "b")]
    // One that serves both statements beats two that serve one each.
    [InlineData("a=10 b=10 c=10", "1:a=40 2:b=40 1:c=50 2:c=50", 10, null, "c")]
    // A small one is not worth keeping once a larger one does its work.
    [InlineData("a=1 b=10", "1:a=90 1:b=10 1:a,b=10", null, null, "b")]
    // Some help in company only.
    [InlineData("a=10 b=10", "1:a,b=10", null, null, "a b")]
    [InlineData("a=10 b=10", "1:a,b=10", 15, null, "")]
    // What helps nobody, or by noise only, is not chosen.
    [InlineData("a=10", "1:a=99.99", null, null, "")]
    // Nor what costs the writes more than it saves; of two alike the one that they pay less for.
    [InlineData("a=10=60", "1:a=50", null, null, "")]
    [InlineData("a=10=40", "1:a=50", null, null, "a")]
    [InlineData("a=10=40 b=10=5", "1:a=50 1:b=50", 10, null, "b")]
    [InlineData("a=10", "", null, null, "")]
    public async Task The_set_is_exactly_this(string sizes, string rules, int? budgetMegabytes, int? count, string expected)
    {
        var candidates = sizes.Split(' ').Select((s, i) => Make(i + 1, s)).ToList();
        var model = new FakeCosts(candidates, rules);
        var options = new AdvisorOptions { StorageBudget = budgetMegabytes * Megabyte, MaximumCount = count };

        var set = await new IndexSelection(model, [1, 1], options).SelectAsync([candidates, candidates], (_, _) => true, TestContext.Current.CancellationToken);

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), set.Chosen.Select(Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_statement_counts_as_often_as_it_is_called()
    {
        var candidates = new[] { Make(1, "a=10"), Make(2, "b=10") };
        var model = new FakeCosts(candidates, "1:a=50 2:b=20");
        var options = new AdvisorOptions { StorageBudget = 10 * Megabyte };

        var set = await new IndexSelection(model, [10, 1], options).SelectAsync([candidates, candidates], (_, _) => true, TestContext.Current.CancellationToken);

        Assert.Equal("a", Name(Assert.Single(set.Chosen)));
        Assert.Equal([50, 100], set.After.Select(c => c.Cost));
    }

    [Fact]
    public async Task The_same_input_gives_the_same_set_and_more_budget_never_a_worse_one()
    {
        var random = new Random(7);
        var candidates = Enumerable.Range(0, 12).Select(i => Make(i + 1, $"{(char)('a' + i)}={random.Next(1, 30)}")).ToList();
        var rules = string.Join(' ', candidates.SelectMany(c => new[] { 1, 2 }.Select(s => $"{s}:{Name(c)}={random.Next(10, 100)}")));
        var last = double.MaxValue;
        foreach (var budget in new[] { 5, 10, 20, 40, 80, 400 })
        {
            var options = new AdvisorOptions { StorageBudget = budget * Megabyte };
            var sets = new List<SelectedSet>();
            for (var i = 0; i < 2; i++)
            {
                sets.Add(await new IndexSelection(new FakeCosts(candidates, rules), [1, 1], options)
                    .SelectAsync([candidates, candidates], (_, _) => true, TestContext.Current.CancellationToken));
            }

            Assert.Equal(sets[0].Chosen, sets[1].Chosen);
            Assert.True(sets[0].Chosen.Sum(c => c.SizeBytes) <= budget * Megabyte);
            var cost = sets[0].After.Sum(c => c.Cost);
            Assert.True(cost <= last, $"{budget} MB: {cost} after {last}");
            last = cost;
        }
    }

    private static Candidate Make(int id, string text)
    {
        var parts = text.Split('=');
        return new Candidate
        {
            Id = id,
            Definition = new IndexDefinition { Table = new RelationName("public", "t"), Name = parts[0], Keys = [IndexKey.OnColumn(parts[0])] },
            SizeBytes = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) * Megabyte,
            WriteCost = parts.Length > 2 ? int.Parse(parts[2], System.Globalization.CultureInfo.InvariantCulture) : 0,
        };
    }

    private static string Name(Candidate candidate) => candidate.Definition.Name;

    // The cheapest rule whose indexes are all there; 100 where none is.
    private sealed class FakeCosts(IReadOnlyList<Candidate> candidates, string rules) : ICostModel
    {
        private readonly List<(int Statement, string[] Names, double Cost)> rules =
        [
            .. rules.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split(':', '=')).Select(r =>
                (int.Parse(r[0], System.Globalization.CultureInfo.InvariantCulture) - 1, r[1].Split(','), double.Parse(r[2], System.Globalization.CultureInfo.InvariantCulture))),
        ];

        public int Calls { get; private set; }

        public Task<StatementCost> CostAsync(int statement, IReadOnlyCollection<Candidate> indexes, CancellationToken cancellationToken)
        {
            Calls++;
            var names = indexes.Select(Name).ToHashSet();
            var best = rules.Where(r => r.Statement == statement && r.Names.All(names.Contains)).OrderBy(r => r.Cost).FirstOrDefault();
            return Task.FromResult(best.Names is null
                ? new StatementCost(100, new HashSet<int>())
                : new StatementCost(best.Cost, candidates.Where(c => best.Names.Contains(Name(c))).Select(c => c.Id).ToHashSet()));
        }
    }
}
