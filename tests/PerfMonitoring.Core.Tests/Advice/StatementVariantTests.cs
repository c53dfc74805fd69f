using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class StatementVariantTests
{
    // Common values with their shares, bounds, distinct -> typical, heavy, heavy share.
    [Theory]
    [InlineData("a .97,b .02,c .01", "", 3, "b", "a", 0.97)]
    [InlineData("a .4,b .3,c .3", "", 3, "b", "a", null)]
    [InlineData("a .5", "m n o", 1000, "n", "a", 0.5)]
    [InlineData("a .005", "m n o", 100000, "n", "a", null)]
    [InlineData("", "1 2 3", -1, "2", "1", null)]
    [InlineData("a 1", "", 1, "a", "a", null)]
    [InlineData("", "", 0, null, null, null)]
    public void A_typical_value_and_a_heavy_one(
        string common, string bounds, double distinct, string? typical, string? heavy, double? share)
    {
        var values = Values("S", "text", common, bounds, distinct);

        Assert.Equal((typical, heavy, share), (values.Typical(), values.Heavy(), values.HeavyShare));
    }

    // Share of the rows below -> value.
    [Theory]
    [InlineData("N", "int4", "9 .5,10 .1", "1 2 3 4", 0.95, ">=", "10")]
    [InlineData("N", "int4", "9 .5,10 .1", "1 2 3 4", 0.95, ">", "9")]
    [InlineData("N", "int4", "9 .5,10 .1", "1 2 3 4", 0.5, ">", "9")]
    [InlineData("N", "int4", "1 .6,2 .4", "", 0.05, "<", "2")]
    [InlineData("S", "text", "", "a b c d e", 0.5, ">", "c")]
    [InlineData("D", "date", "2026-01-01 .5", "2025-01-01 2027-01-01", 0.5, ">", "2026-01-01")]
    public void A_bound_that_so_many_rows_lie_below(
        string category, string type, string common, string bounds, double share, string name, string expected) =>
        Assert.Equal(
            expected,
            Values(category, type, common, bounds, -1).Quantile(share, mayBeLast: name != ">", mayBeFirst: name != "<"));

    [Theory]
    [InlineData("Anna Bernd Carla", "Ber")]
    [InlineData("http://a http://b http://c", "http://b")]
    [InlineData("x", "x")]
    public void A_beginning_is_as_long_as_it_takes(string bounds, string expected) =>
        Assert.Equal(expected, Values("S", "text", "", bounds, -1).Beginning());

    [Fact]
    public void Values_are_not_told() => Assert.Equal("public.t.c", Values("S", "text", "secret 1", "", 1).ToString());

    // Rows of the typical and of the heavy plan, counted rows -> share of the heavy runs.
    [Theory]
    [InlineData(10, 1000, 10.0, 0)]
    [InlineData(10, 1000, 505.0, 0.5)]
    [InlineData(10, 1000, 5000.0, 1)]
    [InlineData(10, 1000, null, 0.9)]
    [InlineData(10, 15, 12.0, 0.9)]
    public void Counted_rows_tell_how_often_the_heavy_value_is_asked_for(
        double typical, double heavy, double? counted, double share)
    {
        var weighed = VariantShares.ByRows(
            [new(new PlanText("x", ["a"]), 0.1), new(new PlanText("x", ["b"]), 0.9)], [Plan(typical), Plan(heavy)], counted);

        Assert.Equal(share, weighed[1].Share, 6);
        Assert.Equal(1, weighed.Sum(v => v.Share), 6);
    }

    // Rows that the plan expects, counted rows, whether there is a LIMIT -> share of the executions that find nothing.
    [Theory]
    [InlineData(10, 0.0, true, 1)]
    [InlineData(10, 2.5, true, 0.75)]
    [InlineData(10, 9.5, true, 0)]
    [InlineData(10, 2.0, true, 0)]
    [InlineData(10, null, true, 0)]
    [InlineData(1000, 100.0, false, 0.9)]
    [InlineData(1000, 700.0, false, 0)]
    public void Fewer_rows_than_expected_are_executions_that_find_nothing(
        double expected, double? counted, bool hasLimit, double share) =>
        Assert.Equal(
            share,
            VariantShares.OfNothing([new(new PlanText("x"), 1)], [Plan(expected, hasLimit ? "Limit" : "Seq Scan")], counted), 6);

    // Shares and costs of the variants, the measured time as a cost -> shares.
    [Theory]
    [InlineData("1 0", "10 1000", 505.0, "0.5 0.5")]
    [InlineData("1 0", "10 1000", 5000.0, "0 1")]
    [InlineData("0.8 0.2 0", "10 20 1012", 512.0, "0.4 0.1 0.5")]
    [InlineData("0 1", "10 1000", 500.0, "0 1")]
    [InlineData("1 0", "10 5", 100.0, "1 0")]
    public void Measured_time_tells_how_often_the_expensive_variant_runs(
        string shares, string costs, double measured, string expected) =>
        Assert.Equal(
            Numbers(expected), VariantShares.ByTime(Numbers(shares), Numbers(costs), measured).Select(s => Math.Round(s, 6)));

    [Fact]
    public void The_workload_tells_how_long_a_unit_of_cost_takes()
    {
        var known = Enumerable.Range(1, 5).Select(i => (TimeMs: i * 1.0, Cost: 100.0)).ToList();

        Assert.Equal(0.03, VariantShares.UnitTime(known), 6);
        Assert.Equal(0.03, VariantShares.UnitTime([.. known, (900, 1)]), 6);
        Assert.Equal(Tuning.Evidence.UsualUnitTime, VariantShares.UnitTime(known.Take(4)));
    }

    [Fact]
    public void Ten_thousand_texts_of_one_statement_are_one_with_two_examples()
    {
        var texts = Enumerable.Range(0, 10_000)
            .Select(i =>
            new WorkloadStatement($"select {(i < 9000 ? 1 : i)}", "h", "select $1", 1, 10) { RowsPerCall = i < 9000 ? 2 : 12 });

        var one = Assert.Single(
            WorkloadStatement.Collapse(texts.Append(new WorkloadStatement("select $1", "h", "select $1", 90_000, 10))));

        Assert.Equal((100_000.0, 10.0, "select 1"), (one.Weight, one.MeanTimeMs, one.Text));
        Assert.Equal(3, one.RowsPerCall!.Value, 6);
        Assert.Equal([0.1, 0.9], one.Examples.Select(e => Math.Round(e.Share, 6)));
        Assert.Equal("select 1", one.Examples[1].Text.Text);
        Assert.NotEqual("select 1", one.Examples[0].Text.Text);
    }

    [Fact]
    public void Statements_of_different_fingerprints_stay_apart() =>
        Assert.Equal(
            ["a 3", "b 1"],
            WorkloadStatement.Collapse([new("x $1", "a", "", 1, null), new("x", "b", "", 1, null), new("x $1", "a", "", 2, null)])
                .Select(s => $"{s.QueryHash} {s.Weight}"));

    private static double[] Numbers(string text) =>
        [.. text.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture))];

    private static PlanNode Plan(double rows, string node = "Seq Scan") =>
        PlanNode.Parse(
            $$"""[{ "Plan": { "Node Type": "{{node}}", "Startup Cost": 0, "Total Cost": 1, "Plan Rows": {{rows.ToString(CultureInfo.InvariantCulture)}}, "Plan Width": 4 } }]""");

    private static ColumnValues Values(string category, string type, string common, string bounds, double distinct)
    {
        var pairs = common.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split(' ')).ToList();
        return new ColumnValues
        {
            Table = new RelationName("public", "t"),
            Column = "c",
            Category = category,
            TypeName = type,
            Distinct = distinct,
            CommonValues = [.. pairs.Select(p => p[0])],
            CommonFrequencies = [.. pairs.Select(p => double.Parse(p[1], CultureInfo.InvariantCulture))],
            Bounds = bounds.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        };
    }
}
