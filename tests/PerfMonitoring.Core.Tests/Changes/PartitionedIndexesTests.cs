using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

public sealed class PartitionedIndexesTests
{
    private static readonly ServerTarget Server = new() { HostName = "db1", Port = 5432, Database = "app" };

    private static readonly DateTimeOffset Monday = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_figures_are_the_sums_and_the_counters_as_young_as_the_youngest()
    {
        var sum = PartitionedIndexes.Sum(Index(), [Part(2, 100, Monday), Part(3, 50, Monday.AddDays(1))], Server);

        Assert.Equal((5, 150, Monday.AddDays(1), true), (sum.TotalScans, sum.IndexSizeBytes, sum.CountersSince, sum.IsValid));
        Assert.Equal("public.t", sum.TableName);
        Assert.False(sum.IsRecommendedForDrop);
        Assert.Empty(sum.Reasons);
        Assert.Contains("2 partition(s)", Assert.Single(sum.Blockers).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_known_of_one_part_is_not_known_of_all()
    {
        var sum = PartitionedIndexes.Sum(Index(), [Part(0, 100, Monday), Part(null, null, null)], Server);

        Assert.Equal((null, null, null), (sum.TotalScans, sum.IndexSizeBytes, sum.CountersSince));
        Assert.Null(PartitionedIndexes.Sum(Index(), [Part(0, 100, Monday), null], Server).TotalScans);
    }

    [Fact]
    public void One_that_no_partition_scanned_says_so()
    {
        var sum = PartitionedIndexes.Sum(Index(), [Part(0, 100, Monday), Part(0, 50, Monday)], Server);

        Assert.Equal("Not scanned on any of its 2 partition(s) since the statistics began.", Assert.Single(sum.Reasons));
    }

    [Fact]
    public void A_unique_one_enforces_something() =>
        Assert.Contains(
            "It enforces uniqueness.",
            PartitionedIndexes.Sum(Index() with { IsUnique = true }, [], Server).Blockers.Select(b => b.Text));

    private static PartitionedIndex Index() =>
        new(1, 2, new RelationName("public", "t"), "t_a_idx", "CREATE INDEX", false, true, [3, 4]);

    private static IndexUsageStat Part(long? scans, long? size, DateTimeOffset? since) =>
        new() { TableName = "public.p", IndexName = "p_a_idx", TotalScans = scans, IndexSizeBytes = size, CountersSince = since };
}
