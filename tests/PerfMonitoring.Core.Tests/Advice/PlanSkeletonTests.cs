using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

public sealed class PlanSkeletonTests
{
    private const string Orders =
        """{ "Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "orders", "Alias": "o", "Startup Cost": 0, "Total Cost": 50, "Plan Rows": 1000 }""";

    // The access to orders is open if the order of its rows does not matter.
    [Theory]
    [InlineData("Hash Join", "", true)]
    [InlineData("Sort", "", true)]
    [InlineData("Merge Join", "", false)]
    [InlineData("Limit", "", false)]
    [InlineData("Aggregate", """ "Strategy": "Hashed", "Group Key": ["x"], """, true)]
    [InlineData("Aggregate", """ "Strategy": "Sorted", "Group Key": ["x"], """, false)]
    [InlineData("Aggregate", """ "Strategy": "Plain", """, true)]
    public void An_access_is_open_where_its_order_is_of_no_matter(string above, string facts, bool isOpen)
    {
        var skeleton = Skeleton(
            $$"""{ "Node Type": "{{above}}", {{facts}} "Startup Cost": 0, "Total Cost": 80, "Plan Rows": 10, "Plans": [{{Orders}}] }""");

        Assert.Equal(80, skeleton.Planned);
        Assert.Equal(isOpen ? ["o 1"] : [], skeleton.Accesses.Select(a => a.Slot));
        Assert.All(skeleton.Accesses, a => Assert.Equal(50, a.Cost));
    }

    // The inner scan is the same if it is looked up by the same key and as often. The order of its conditions does not matter,
    // nor whether the index or a filter checks them.
    [Theory]
    [InlineData(
        """ "Index Cond": "(o_custkey = c.c_custkey)", "Filter": "(o_total > 5)" """,
        "o 100 o_custkey = c . c_custkey and o_total > 5")]
    [InlineData(
        """ "Index Cond": "((o_total > 5) AND (o_custkey = c.c_custkey))" """, "o 100 o_custkey = c . c_custkey and o_total > 5")]
    public void An_inner_scan_is_told_by_its_conditions(string conditions, string expected)
    {
        var skeleton = Skeleton($$"""
            { "Node Type": "Nested Loop", "Startup Cost": 0, "Total Cost": 500, "Plan Rows": 100, "Plans": [
                { "Node Type": "Seq Scan", "Parent Relationship": "Outer", "Relation Name": "customer", "Alias": "c", "Startup Cost": 0, "Total Cost": 20, "Plan Rows": 100 },
                { "Node Type": "Index Scan", "Parent Relationship": "Inner", "Relation Name": "orders", "Alias": "o", "Index Name": "i", {{conditions}},
                  "Startup Cost": 0, "Total Cost": 4.5, "Plan Rows": 1 }] }
            """);

        var access = Assert.Single(skeleton.Accesses);
        Assert.Equal((expected, 450), (access.Slot, access.Planned));
    }

    private static PlanSkeleton Skeleton(string plan) =>
        Configuration.Of(PlanNode.Parse($$"""[{ "Plan": {{plan}} }]"""), _ => null, _ => null, isReal: true).Skeleton!;
}
