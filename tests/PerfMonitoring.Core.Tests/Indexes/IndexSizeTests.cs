using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Indexes;

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
                Fixed("l_orderkey", 4, 1_470_000), Fixed("l_partkey", 4, 200_000), Fixed("l_shipdate", 4, 2_526),
                Fixed("l_receiptdate", 4, 2_555),
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

    // Rows, share of nulls, counted values, rows of the referenced table -> megabytes of the built index. Some values are far
    // more frequent than others, so ANALYZE counts too few. The data are the history of a dozen repositories, and generated data.
    [Theory]
    [InlineData(101_602, 0, -0.1230, 20_952, 1.14)]
    [InlineData(101_602, 0, -0.1039, 20_716, 1.10)]
    [InlineData(158_720, 0, 6_736, 18_534, 1.47)]
    [InlineData(158_720, 0, -0.1196, 20_716, 1.61)]
    [InlineData(2_500_000, 0.2986, 100_600, 250_000, 23.2)]
    [InlineData(900_000, 0, -0.1167, 250_000, 11.6)]
    [InlineData(6_000_000, 0, 287_116, 690_000, 57.9)]
    [InlineData(759_356, 0, -0.2445, 420_000, 12.4)]
    [InlineData(2_700_000, 0, -0.2792, 900_000, 39.6)]
    // Rows with the same value are adjacent; all values are equally frequent; a third of the values is not referenced.
    [InlineData(6_000_918, 0, 387_269, 1_500_000, 77.9)]
    [InlineData(6_000_918, 0, 195_135, 200_000, 45.1)]
    [InlineData(1_500_000, 0, 85_764, 150_000, 12.6)]
    public void Rows_that_refer_to_a_key_have_most_of_its_values(
        double rows, double nulls, double distinct, double referenced, double megabytes)
    {
        var table = new TableInfo
        {
            Oid = 1, Name = new RelationName("public", "t"), Rows = rows, Groups = [new ColumnGroup(["a"], referenced)],
            Columns = [Fixed("a", 4, distinct) with { NullFraction = nulls }],
        };

        var estimate = IndexSize.Estimate(
            new IndexDefinition { Table = table.Name, Name = "i", Keys = [IndexKey.OnColumn("a")] }, table)!.Value / 1e6;

        Assert.InRange(estimate / megabytes, 0.92, 1.12);
    }

    // Rows, ANALYZE's counts of each column (values, nulls, common values and their share) and of both -> megabytes of the built
    // index: TPC-H, cast lists, a web shop, a history.
    [Theory]
    [InlineData(6_001_215, "4 2511 0 23 0.0176", "4 2512 0 12 0.0094", 71_958, 42.2, 0.05)]
    [InlineData(6_001_215, "4 2510 0 30 0.0233", "4 2460 0 25 0.0192", 339_551, 51.1, 0.05)]
    [InlineData(6_000_000, "4 12 0 12 1", "-14 2141 0.5911 100 0.2669", 3_974, 50.3, 0.1)]
    [InlineData(6_000_000, "4 292901 0 6 0.0022", "4 12 0 12 1", 681_737, 91.3, 0.12, 690_000)]
    [InlineData(101_602, "4 629 0 100 0.946", "4 -0.1239 0 100 0.128", 30_910, 1.61, 0.1)]
    [InlineData(80_000, "4 300 0 100 0.6932", "4 400 0 100 0.5005", 28_574, 1.33, 0.12)]
    public void Combinations_that_ANALYZE_counts_tell_how_far_columns_hang_together(
        double rows, string first, string second, double counted, double megabytes, double tolerance, double referenced = 0)
    {
        var table = new TableInfo
        {
            Oid = 1, Name = new RelationName("public", "t"), Rows = rows, Columns = [Column("a", first), Column("b", second)],
        };
        var definition = new IndexDefinition {
            Table = table.Name, Name = "i", Keys = [IndexKey.OnColumn("a"), IndexKey.OnColumn("b")] };

        ColumnGroup[] keys = referenced > 0 ? [new ColumnGroup(["a"], referenced)] : [];

        var estimate = IndexSize.Estimate(
            definition, table with { Groups = [new ColumnGroup(["b", "a"], counted, IsCounted: true), .. keys] })!.Value / 1e6;

        Assert.InRange(estimate / megabytes, 1 - tolerance, 1 + tolerance);
        Assert.True(estimate <= IndexSize.Estimate(definition, table)!.Value * 1.001 / 1e6);

        static ColumnInfo Column(string name, string facts)
        {
            var numbers = facts.Split(' ').Select(f => double.Parse(f, CultureInfo.InvariantCulture)).ToArray();
            var column = Fixed(name, (int)Math.Abs(numbers[0]), numbers[1]) with
            {
                NullFraction = numbers[2],
                CommonFrequencies = [.. Enumerable.Repeat(numbers[4] / Math.Max(1, numbers[3]), (int)numbers[3])],
                SampledRows = 30_000,
            };
            return numbers[0] < 0 ? column with { Type = "text", TypeLength = -1, TypeAlignment = 4, IsPackable = true } : column;
        }
    }

    // A third of the rows has no gender. Those tuples are larger, because a null needs a bitmap.
    [Fact]
    public void A_null_makes_room_for_itself()
    {
        var table = new TableInfo
        {
            Oid = 1,
            Name = new RelationName("public", "name"),
            Rows = 690_000,
            Columns = [
                Fixed("id", 4, -1),
                new ColumnInfo {
                Name = "gender", Type = "text", IsPackable = true, AverageWidth = 2, Distinct = 2, NullFraction = 0.34 }],
        };

        var estimate = IndexSize.Estimate(
            new IndexDefinition { Table = table.Name, Name = "i", Keys = [IndexKey.OnColumn("gender"), IndexKey.OnColumn("id")] },
            table)!.Value / 1e6;

        Assert.InRange(estimate / 17.6, 0.95, 1.05);
    }

    [Theory]
    [InlineData(900_000, 33.2)]
    [InlineData(250_000, 8.4)]
    public void A_hash_index_between_two_powers_of_two_has_full_buckets(double rows, double megabytes)
    {
        var table = new TableInfo { Oid = 1, Name = new RelationName("public", "t"), Rows = rows, Columns = [Fixed("a", 4, -1)] };

        var estimate = IndexSize.Estimate(
            new IndexDefinition { Table = table.Name, Name = "i", Method = "hash", Keys = [IndexKey.OnColumn("a")] },
            table)!.Value / 1e6;

        Assert.InRange(estimate / megabytes, 0.97, 1.03);
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
        Assert.Null(
            IndexSize.Estimate(definition, table with { Rows = 100, Columns = [new ColumnInfo { Name = "a", Type = "text" }] }));
    }

    private static ColumnInfo Fixed(string name, int length, double distinct) =>
        new() { Name = name, Type = "integer", TypeLength = length, TypeAlignment = length, Distinct = distinct,
            AverageWidth = length };

    // Values of numeric and character(n) are not deduplicated.
    private static ColumnInfo Variable(string name, int width, double distinct) =>
        new() { Name = name, Type = "numeric", IsPackable = true, AverageWidth = width, Distinct = distinct,
            CanDeduplicate = false };
}
