namespace PerfMonitoring.Indexes;

public sealed class DistinctValuesTests
{
    // Rows, values from pg_stats (distinct values, share of nulls, common values, their share of the rows and that of the last
    // one) -> the real number of values, and what the estimate may be of it. The data are the histories of 14 repositories
    // (commit, author, path, file), then generated tables.
    [Theory]
    [InlineData(615_262, 25_617, 0, 100, 0.1852, 0.000733, 107_338, 0.8, 1)]
    [InlineData(615_262, 1_472, 0, 100, 0.8561, 0.0009, 3_941, 0.8, 1)]
    [InlineData(615_262, 27_439, 0, 100, 0.0923, 0.000533, 79_858, 0.6, 1)]
    [InlineData(615_262, 13_431, 0, 100, 0.2309, 0.000867, 34_208, 0.6, 1)]
    [InlineData(700_000, 45_594, 0, 100, 0.0959, 0.000333, 113_541, 0.9, 1.1)]
    [InlineData(600_000, 34_524, 0, 100, 0.1696, 0.0005, 105_051, 0.9, 1.2)]
    [InlineData(1_000_000, 24_699, 0.0797, 100, 0.267, 0.000333, 132_827, 0.5, 1)]
    [InlineData(200_000, 6_302, 0, 100, 0.6975, 0.000533, 21_970, 0.8, 1)]
    [InlineData(700_000, 18_412, 0, 12, 0.6027, 0.0002, 246_647, 0.9, 1.1)]
    [InlineData(120_000, 1_471, 0.0728, 18, 0.8583, 0.000233, 2_676, 0.9, 1.25)]
    // One value is common, such as the empty text; the others are equally frequent, or all different.
    [InlineData(300_000, 142_138, 0, 1, 0.1, 0.1, 270_310, 0.95, 1.05)]
    [InlineData(700_000, 64_595, 0, 1, 0.2966, 0.2966, 490_568, 0.95, 1.05)]
    // All are equally frequent.
    [InlineData(1_000_000, 169_261, 0, 0, 0, 0, 198_599, 0.95, 1.05)]
    [InlineData(800_000, 2_223, 0, 10, 0.0085, 0.0008, 2_223, 0.98, 1.02)]
    public void Values_that_ANALYZE_misses_continue_the_common_ones(
        double rows, double counted, double nulls, int common, double share, double last, double real, double least, double most)
    {
        var column = Column(counted, common, share, last) with { NullFraction = nulls };

        Assert.InRange(DistinctValues.Of(column, rows)!.Value / real, least, most);
    }

    [Fact]
    public void Else_they_are_what_was_counted()
    {
        // A sample of all rows; a count that is not an estimate; nothing is missed; nothing known.
        Assert.Equal(5_000, DistinctValues.Of(Column(5_000, 100, 0.5, 0.001), 30_000)!.Value, 1);
        Assert.Equal(5_000, DistinctValues.Of(Column(5_000, 100, 0.5, 0.001) with { SampledRows = null }, 500_000)!.Value, 1);
        Assert.Equal(50_000, DistinctValues.Of(Column(-0.1, 0, 0, 0) with { SampledRows = null }, 500_000)!.Value, 1);
        Assert.Equal(500_000, DistinctValues.Of(Column(-1, 0, 0, 0), 500_000)!.Value, 1);
        Assert.Equal(12, DistinctValues.Of(Column(12, 12, 1, 0.01), 500_000)!.Value, 1);
        Assert.Null(DistinctValues.Of(new ColumnInfo { Name = "a", Type = "text" }, 500_000));
    }

    private static ColumnInfo Column(double distinct, int common, double share, double last) =>
        new() { Name = "a", Type = "text", Distinct = distinct, SampledRows = 30_000,
            CommonFrequencies = common == 0 ? []
                : [.. Enumerable.Repeat((share - last) / Math.Max(1, common - 1), common - 1), last] };
}
