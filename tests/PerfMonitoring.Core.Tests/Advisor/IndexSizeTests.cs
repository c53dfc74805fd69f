using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

public sealed class IndexSizeTests
{
    // Real sizes of TPC-H at scale factor 1 on PostgreSQL 15, right after CREATE INDEX, in MiB.
    [Theory]
    [InlineData("l_partkey", "", 43.0)]
    [InlineData("l_shipdate", "", 40.7)]
    [InlineData("l_partkey, l_suppkey", "", 58.1)]
    [InlineData("l_suppkey, l_shipdate", "", 125.2)]
    [InlineData("l_orderkey", "l_quantity", 180.5)]
    [InlineData("l_shipmode, l_receiptdate", "", 180.8)]
    [InlineData("l_shipmode, l_partkey", "", 180.7)]
    [InlineData("l_quantity", "", 128.8)]
    [InlineData("l_returnflag", "", 128.8)]
    public void The_estimate_is_within_15_percent_of_the_real_size(string keys, string include, double megabytes)
    {
        var table = new TableInfo
        {
            Oid = 1,
            Name = new RelationName("public", "lineitem"),
            Rows = 6_001_215,
            Groups = [new ColumnGroup(["l_suppkey", "l_partkey"], 800_000)],
            Columns =
            [
                Fixed("l_orderkey", 4, 1_470_000), Fixed("l_partkey", 4, 200_000), Fixed("l_shipdate", 4, 2_526), Fixed("l_receiptdate", 4, 2_555),
                Fixed("l_suppkey", 4, 10_000),
                Variable("l_quantity", 5, 50), Variable("l_returnflag", 2, 3), Variable("l_shipmode", 11, 7),
            ],
        };
        var definition = new IndexDefinition
        {
            Table = table.Name,
            Name = "i",
            Keys = [.. keys.Split(", ").Select(IndexKey.OnColumn)],
            Include = include.Split(", ", StringSplitOptions.RemoveEmptyEntries),
        };

        var estimate = IndexSize.Estimate(definition, table)!.Value / 1048576.0;

        Assert.InRange(estimate, megabytes * 0.85, megabytes * 1.15);
    }

    [Fact]
    public void What_is_not_known_gives_no_size()
    {
        var table = new TableInfo { Oid = 1, Name = new RelationName("public", "t"), Rows = null, Columns = [Fixed("a", 4, 10)] };
        var definition = new IndexDefinition { Table = table.Name, Name = "i", Keys = [IndexKey.OnColumn("a")] };

        Assert.Null(IndexSize.Estimate(definition, table));
        Assert.Null(IndexSize.Estimate(definition with { Where = "a > 1" }, table with { Rows = 100 }));
        Assert.Null(IndexSize.Estimate(definition with { Method = "spgist" }, table with { Rows = 100 }));
        Assert.NotNull(IndexSize.Estimate(definition with { Where = "a > 1" }, table with { Rows = 100 }, rows: 5));
        Assert.Null(IndexSize.Estimate(definition, table with { Rows = 100, Columns = [new ColumnInfo { Name = "a", Type = "text" }] }));
    }

    private static ColumnInfo Fixed(string name, int length, double distinct) =>
        new() { Name = name, Type = "integer", TypeLength = length, TypeAlignment = length, Distinct = distinct, AverageWidth = length };

    // numeric and character(n) are not merged.
    private static ColumnInfo Variable(string name, int width, double distinct) =>
        new() { Name = name, Type = "numeric", IsPackable = true, AverageWidth = width, Distinct = distinct, CanDeduplicate = false };
}
