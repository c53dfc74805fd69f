using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

public sealed class QueryMergeTests
{
    private static readonly ServerTarget Shop = new() { HostName = "db", Port = 5432, Database = "shop", DatabaseOid = 1 };
    private static readonly ServerTarget Other = Shop with { Database = "other", DatabaseOid = 2 };

    [Fact]
    public void Statements_of_one_query_are_added_up_before_anything_is_cut()
    {
        var queries = Take(
            new SlowQueryFilter { Top = 2 },
            Statement("list", 10, calls: 1, id: 1), Statement("list", 8, calls: 3, id: 2, user: "b"),
            Statement("one", 12, calls: 1, id: 3), Statement("small", 1, calls: 1, id: 4));

        Assert.Equal(["list", "one"], queries.Select(q => q.QueryHash));
        var list = queries[0];
        Assert.Equal((4, 18.0, 4.5), (list.Calls, list.TotalTimeMs, list.MeanTimeMs));
        Assert.Equal((null, null, "list 1"), (list.QueryId, list.UserName, list.Query));
        Assert.Equal(["a", "b"], list.UserNames);
        Assert.Equal((3, "a", "one 3"), (queries[1].QueryId, queries[1].UserName, queries[1].Query));
        // The share is of all, and not only of what is shown.
        Assert.Equal(18 / 31.0, list.TimeShare!.Value, 1e-6);
    }

    [Fact]
    public void Limits_are_for_the_sums()
    {
        CountedStatement[] statements =
        [
            Statement("list", 10, calls: 1, id: 1), Statement("list", 2, calls: 3, id: 2), Statement("one", 40, calls: 3, id: 3),
        ];

        Assert.Equal(["list"], Take(new SlowQueryFilter { MinimumCalls = 4 }, statements).Select(q => q.QueryHash));
        Assert.Equal(["one"], Take(new SlowQueryFilter { MinimumMeanMs = 4 }, statements).Select(q => q.QueryHash));
        Assert.Equal(["one", "list"], Take(new SlowQueryFilter { MinimumMeanMs = 3 }, statements).Select(q => q.QueryHash));
    }

    [Theory]
    [InlineData(SlowQueryOrder.Total, "one list two")]
    [InlineData(SlowQueryOrder.Mean, "one two list")]
    [InlineData(SlowQueryOrder.Max, "list one two")]
    [InlineData(SlowQueryOrder.Calls, "list two one")]
    [InlineData(SlowQueryOrder.Rows, "list two one")]
    [InlineData(SlowQueryOrder.IO, "two list one")]
    public void The_order_is_that_of_the_sums(SlowQueryOrder order, string expected)
    {
        var queries = Take(
            new SlowQueryFilter { OrderBy = order },
            Statement("list", 10, calls: 5, id: 1, max: 9, blocks: 3), Statement("list", 8, calls: 4, id: 2, max: 2, blocks: 3),
            Statement("one", 20, calls: 1, id: 3, max: 8, blocks: 5), Statement("two", 15, calls: 6, id: 4, max: 7, blocks: 7));

        Assert.Equal(expected, string.Join(' ', queries.Select(q => q.QueryHash)));
    }

    [Fact]
    public void A_text_that_is_asked_for_or_left_out_decides_on_its_whole_query()
    {
        var queries = Take(
            new SlowQueryFilter(),
            Statement("wanted", 1, calls: 1, id: 1) with { IsAskedFor = false }, Statement("wanted", 2, calls: 2, id: 2),
            Statement("unwanted", 1, calls: 1, id: 3) with { IsLeftOut = true }, Statement("unwanted", 2, calls: 2, id: 4));

        Assert.Equal(("wanted", 3), (Assert.Single(queries).QueryHash, queries[0].Calls));
    }

    [Fact]
    public void The_deviation_is_that_of_all_calls_and_databases_stay_apart()
    {
        var queries = Take(
            new SlowQueryFilter(),
            Statement("list", 20, calls: 2, id: 1), Statement("list", 40, calls: 2, id: 2),
            Statement("list", 5, calls: 1, id: 1, target: Other));

        Assert.Equal([Shop, Other], queries.Select(q => q.Target));
        Assert.Equal((15.0, 5.0), (queries[0].MeanTimeMs, queries[0].StddevTimeMs!.Value));
        Assert.Equal(0, queries[1].StddevTimeMs);
    }

    private static IReadOnlyList<SlowQuery> Take(SlowQueryFilter filter, params CountedStatement[] statements)
    {
        var merge = new QueryMerge(filter);
        foreach (var statement in statements)
        {
            merge.Add(statement);
        }

        return merge.Take();
    }

    private static CountedStatement Statement(
        string hash, double total, long calls, long id, double? max = null, string user = "a", long blocks = 0,
        ServerTarget? target = null) => new(
            new SlowQuery
            {
                Query = $"{hash} {id}", QueryHash = hash, QueryId = id, Calls = calls, Rows = calls, TotalTimeMs = total,
                MeanTimeMs = total / calls, MinTimeMs = total / calls, MaxTimeMs = max ?? total / calls, StddevTimeMs = 0,
                UserName = user, Target = target ?? Shop,
            },
            blocks, IsAskedFor: true, IsLeftOut: false);
}
