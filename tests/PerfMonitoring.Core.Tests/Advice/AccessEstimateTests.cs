using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Advice;

public sealed class AccessEstimateTests
{
    private static readonly TableInfo Table = new()
    {
        Oid = 1,
        Name = new RelationName("public", "items"),
        Rows = 1_000_000,
        Pages = 50_000,
        Columns =
        [
            new ColumnInfo { Name = "doc", Type = "jsonb", AverageWidth = 100 },
            new ColumnInfo { Name = "name", Type = "text", AverageWidth = 30 },
            new ColumnInfo { Name = "place", Type = "point", TypeLength = 16, HasBtree = false },
        ],
    };

    // Index, operator, pattern -> whether the index makes a statement of cost 62,500 that finds 100 rows cheaper.
    [Theory]
    [InlineData("gin doc", "doc @>", null, true)]
    [InlineData("gin doc", "doc ?", null, true)]
    [InlineData("gin doc jsonb_path_ops", "doc @>", null, true)]
    [InlineData("gin doc jsonb_path_ops", "doc ?", null, false)]
    [InlineData("gin name gin_trgm_ops", "name ~~", "%abc%", true)]
    [InlineData("gin name gin_trgm_ops", "name ~~", "%ab%", false)]
    [InlineData("gin name gin_trgm_ops", "name ~~", null, true)]
    [InlineData("gist place", "place <@", null, true)]
    [InlineData("gist place", "place ~=", null, true)]
    [InlineData("gin doc", "name ~~", "%abc%", false)]
    [InlineData("btree doc", "doc @>", null, false)]
    public void An_index_helps_where_its_operator_class_knows_the_operator(
        string index, string predicate, string? pattern, bool helps)
    {
        var use = Use(predicate, rows: 100);
        use = use with { Predicates = [use.Predicates[0] with { Pattern = pattern }] };

        var cost = AccessEstimate.CostWith(PlanNode.Parse($"[{{ \"Plan\": {Scan(100)} }}]"), use, Index(index), Table);

        Assert.Equal(helps, cost is not null);
        Assert.True(cost is null or < 1000);
    }

    // A node above the scan of cost 62,500 -> its cost with the index, given the new cost of the scan alone.
    [Theory]
    [InlineData("\"Node Type\": \"Aggregate\", \"Startup Cost\": 62500.5, \"Total Cost\": 62501, \"Plan Rows\": 1", 1)]
    [InlineData("\"Node Type\": \"Sort\", \"Startup Cost\": 62505, \"Total Cost\": 62510, \"Plan Rows\": 100", 10)]
    public void What_the_scan_saves_the_statement_saves(string node, double above)
    {
        var alone = AccessEstimate.CostWith(
            PlanNode.Parse($"[{{ \"Plan\": {Scan(100)} }}]"), Use("doc @>", 100), Index("gin doc"), Table)!.Value;

        var cost = AccessEstimate.CostWith(
            PlanNode.Parse($"[{{ \"Plan\": {{ {node}, \"Plans\": [ {Scan(100)} ] }} }}]"), Use("doc @>", 100), Index("gin doc"),
            Table);

        Assert.Equal(alone + above, cost!.Value, 6);
    }

    [Fact]
    public void A_limit_takes_a_part_and_the_inner_side_of_a_loop_counts_each_time()
    {
        var alone = AccessEstimate.CostWith(
            PlanNode.Parse($"[{{ \"Plan\": {Scan(100)} }}]"), Use("doc @>", 100), Index("gin doc"), Table)!.Value;
        var limit = PlanNode.Parse(
            $"[{{ \"Plan\": {{ \"Node Type\": \"Limit\", \"Startup Cost\": 0, \"Total Cost\": 6250, \"Plan Rows\": 10, "
                + $"\"Plans\": [ {Scan(100)} ] }} }}]");
        var loop = PlanNode.Parse($$"""
            [ { "Plan": { "Node Type": "Nested Loop", "Startup Cost": 0, "Total Cost": 187600, "Plan Rows": 300, "Plans": [
                { "Node Type": "Seq Scan", "Relation Name": "shops", "Alias": "s", "Parent Relationship": "Outer", "Startup Cost": 0, "Total Cost": 10, "Plan Rows": 3 },
                {{Scan(100, "Inner")}} ] } } ]
            """);

        Assert.InRange(AccessEstimate.CostWith(limit, Use("doc @>", 100), Index("gin doc"), Table)!.Value, 1, alone);
        Assert.Equal(
            187600 - (3 * (62500 - alone)), AccessEstimate.CostWith(loop, Use("doc @>", 100), Index("gin doc"), Table)!.Value, 6);
    }

    [Theory]
    [InlineData(600_000.0)]
    [InlineData(null)]
    public void Nothing_is_said_where_too_much_is_found_or_it_is_not_known(double? rows) =>
        Assert.Null(AccessEstimate.CostWith(
            PlanNode.Parse($"[{{ \"Plan\": {Scan(rows ?? 100)} }}]"), Use("doc @>", rows), Index("gin doc"), Table));

    private static RelationUse Use(string predicate, double? rows) => new()
    {
        Table = Table.Name,
        Alias = "i",
        Rows = rows,
        Predicates = [
            new PlanPredicate(PredicateKind.Operator, IndexKey.OnColumn(predicate.Split(' ')[0])) {
            Operator = predicate.Split(' ')[1] }],
    };

    private static Candidate Index(string text)
    {
        var parts = text.Split(' ');
        var key = IndexKey.OnColumn(parts[1]) with { OperatorClass = parts.ElementAtOrDefault(2) };
        return new Candidate
        {
            Id = 0,
            Definition = new IndexDefinition { Table = Table.Name, Name = "", Method = parts[0], Keys = [key] },
            SizeBytes = 50_000_000,
        };
    }

    private static string Scan(double rows, string relationship = "Outer") =>
        $$"""{ "Node Type": "Seq Scan", "Relation Name": "items", "Schema": "public", "Alias": "i", "Parent Relationship": "{{relationship}}", "Startup Cost": 0, "Total Cost": 62500, "Plan Rows": {{rows}} }""";
}
