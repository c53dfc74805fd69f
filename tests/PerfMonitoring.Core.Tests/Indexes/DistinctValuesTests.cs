using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Indexes;

public sealed class DistinctValuesTests
{
    // Rows, values from pg_stats (distinct values, share of nulls, common values and their share of the rows) -> the real number
    // of values, and the share of it that the estimate must reach. The data are commits of changed files and words of subjects in
    // the history of a dozen repositories, and generated data.
    [Theory]
    [InlineData(101_602, -0.10388575, 0, 100, 0.3805998, 18_542, 0.83)]
    [InlineData(158_720, 6_736, 0, 100, 0.4753, 18_534, 0.55)]
    [InlineData(2_450_000, 17_231, 0, 100, 0.43963337, 741_991, 0.5)]
    [InlineData(2_450_000, 5_398, 0.8922667, 3, 0.039866667, 162_358, 1)]
    [InlineData(298_964, 28_488, 0, 100, 0.4243, 133_832, 0.85)]
    [InlineData(5_999_771, 2_237, 0.5923, 100, 0.26423332, 212_942, 0.3)]
    [InlineData(435_000, 3_999, 0.44803333, 100, 0.29226664, 12_757, 1)]
    // The sample contained all of them.
    [InlineData(80_000, 400, 0, 100, 0.49506667, 400, 1)]
    public void Where_common_values_take_much_the_others_are_counted_apart(
        double rows, double counted, double nulls, int common, double share, double real, double found)
    {
        var column = Column(counted, common, share) with { NullFraction = nulls };

        Assert.InRange(DistinctValues.Of(column, rows)!.Value / real, found * 0.97, Math.Max(found, 1) * 1.07);
    }

    [Fact]
    public void Else_they_are_what_was_counted()
    {
        // Few common values; a sample of all rows; a count that is not an estimate; nothing known.
        Assert.Equal(5_000, DistinctValues.Of(Column(5_000, 11, 0.005), 500_000));
        Assert.Equal(5_000, DistinctValues.Of(Column(5_000, 100, 0.5), 30_000));
        Assert.Equal(5_000, DistinctValues.Of(Column(5_000, 100, 0.5) with { SampledRows = null }, 500_000));
        Assert.Equal(50_000, DistinctValues.Of(new ColumnInfo { Name = "a", Type = "text", Distinct = -0.1 }, 500_000));
        Assert.Null(DistinctValues.Of(new ColumnInfo { Name = "a", Type = "text" }, 500_000));
    }

    private static ColumnInfo Column(double distinct, int common, double share) =>
        new() { Name = "a", Type = "text", Distinct = distinct, CommonCount = common, CommonFraction = share,
            SampledRows = 30_000 };
}
