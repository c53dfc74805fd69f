using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class PlanRiskTests
{
    private static readonly TableInfo Orders = new()
    {
        Oid = 1,
        Name = new RelationName("public", "orders"),
        Rows = 1_000,
        Pages = 100,
        Columns = [
            new ColumnInfo { Name = "customer_id", Type = "integer", Distinct = 10 },
            new ColumnInfo { Name = "created_at", Type = "date", Distinct = -1 }],
    };

    // A LIMIT of 5 rows and 50 cost units over an input of cost 500 -> the additional cost if the LIMIT is reached late. At worst
    // all rows are read, as far as conditions discard rows.
    [Theory]
    // All rows in the order of an index, of which the filter keeps 10.
    [InlineData("Index Scan rows=10 filter=(status='open')", 445.5)]
    [InlineData("Seq Scan rows=10 filter=(status='open')", 445.5)]
    // The plan does not show the share of a range, so the cost would pay for more rows than exist.
    [InlineData("Index Scan rows=10 index=(created_at<'2026-01-01') filter=(status='open')", 445.5)]
    // An equality shows its share: a tenth of the rows, half of which the filter keeps.
    [InlineData("Index Scan rows=50 index=(customer_id=5) filter=(status='open')", 225)]
    [InlineData("Index Scan rows=950 filter=(deleted_at_IS_NULL)", 22.5)]
    // Each row that is read is returned.
    [InlineData("Index Scan rows=10 index=(customer_id=5)", 0)]
    [InlineData("Index Scan rows=1000", 0)]
    // A join discards rows, too.
    [InlineData("Nested Loop rows=100 > Index Scan rows=1000", 405)]
    [InlineData("Incremental Sort rows=10 > Index Scan rows=10 filter=(status='open')", 445.5)]
    // The input of a sort was read to its end.
    [InlineData("Sort rows=10 > Index Scan rows=10 filter=(status='open')", 0)]
    public void A_limit_may_be_met_late(string input, double expected)
    {
        var plan = Limit(50, input);

        Assert.Equal(expected, PlanRisk.Of(plan, name => name == "orders" ? Orders : null), 6);
        Assert.Equal(0, PlanRisk.Of(plan, _ => null));
        Assert.Equal(0, PlanRisk.Of(plan.Children[0], _ => Orders));
    }

    [Fact]
    public void A_range_reads_no_more_than_its_cost_pays_for()
    {
        // A row costs 5 for its page (one of 5,000 of 1,000 rows) and 0.0175: 500 pay for 99.65 rows, of which 10 are wanted.
        var risk = PlanRisk.Of(
            Limit(50, "Index Scan rows=10 index=(created_at<'2026-01-01') filter=(status='open')"), _ =>
                Orders with { Pages = 5_000 });

        Assert.Equal(450 * (1 - (10 / (500 / 5.0175))), risk, 6);
    }

    // The same LIMIT for 4 cost units, and the mean number of rows that were returned. For rows that a join discards: ten times
    // the expected cost is 40, a tenth of the rest is 49.6.
    [Theory]
    [InlineData(null, 49.6)]
    [InlineData(4.8, 49.6)]
    [InlineData(2.5, 496)]
    [InlineData(0.0, 496)]
    // The result of a smaller LIMIT.
    [InlineData(2.0, 49.6)]
    public void A_limit_that_is_seldom_met_ends_nothing_early(double? rowsPerCall, double expected)
    {
        Assert.Equal(expected, PlanRisk.Of(Limit(4, "Nested Loop rows=10 > Index Scan rows=1000"), _ => Orders, rowsPerCall), 6);
    }

    private static PlanNode Limit(double cost, string input) => PlanNode.Parse(string.Create(
        CultureInfo.InvariantCulture,
        $$"""[{ "Plan": { "Node Type": "Limit", "Startup Cost": 0, "Total Cost": {{cost}}, "Plan Rows": 5, "Plans": [ {{Node(input)}} ] } }]"""));

    private static string Node(string text)
    {
        var (first, rest) = text.Split(" > ", 2) is [var one, var more] ? (one, more) : (text, null);
        var type = first[..first.IndexOf(" rows=", StringComparison.Ordinal)];
        var facts = first[(type.Length + 1)..].Split(' ').Select(f => f.Split('=', 2))
            .ToDictionary(f => f[0], f => f[1].Replace("_IS_", " IS ", StringComparison.Ordinal));
        return string.Create(CultureInfo.InvariantCulture, $$"""
            { "Node Type": "{{type}}", "Parent Relationship": "Outer", "Startup Cost": 0, "Total Cost": 500, "Plan Rows": {{facts["rows"]}}
              {{(type.EndsWith("Scan", StringComparison.Ordinal) ? ", \"Relation Name\": \"orders\", \"Alias\": \"orders\"" : "")}}
              {{(facts.TryGetValue("index", out var index) ? $", \"Index Cond\": \"{index}\"" : "")}} {{(facts.TryGetValue("filter", out var filter) ? $", \"Filter\": \"{filter}\"" : "")}}
              {{(rest is null ? "" : $", \"Plans\": [ {Node(rest)} ]")}} }
            """);
    }
}
