using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Plans;

public class PlanSummaryTests
{
    private const string NestedLoop = """
        [{"Plan": {"Node Type": "Nested Loop", "Plan Rows": 50, "Plans": [
            {"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Schema": "s", "Relation Name": "a", "Plan Rows": 10},
            {"Node Type": "Index Scan", "Parent Relationship": "Inner", "Schema": "s", "Relation Name": "b", "Index Name": "b_i", "Plan Rows": 5}]}}]
        """;

    [Fact]
    public void Rows_examined_are_those_of_whole_tables_and_of_each_reading_of_an_index()
    {
        var plan = PlanSummary.Read(NestedLoop);

        Assert.Equal(["b_i"], plan.Indexes);
        Assert.Equal(1000 + (10 * 5), plan.EstimateRowsExamined(_ => 1000));
        Assert.Null(plan.EstimateRowsExamined(_ => null));
    }

    [Fact]
    public void An_index_under_a_bitmap_is_found_and_counted_once()
    {
        var plan = PlanSummary.Read("""
            [{"Plan": {"Node Type": "Bitmap Heap Scan", "Relation Name": "a", "Plan Rows": 7, "Plans": [
                {"Node Type": "BitmapOr", "Parent Relationship": "Outer", "Plan Rows": 0, "Plans": [
                    {"Node Type": "Bitmap Index Scan", "Parent Relationship": "Member", "Index Name": "i", "Plan Rows": 3},
                    {"Node Type": "Bitmap Index Scan", "Parent Relationship": "Member", "Index Name": "i", "Plan Rows": 4}]}]}}]
            """);

        Assert.Equal(["i"], plan.Indexes);
        Assert.Equal(7, plan.EstimateRowsExamined(_ => null));
    }
}
