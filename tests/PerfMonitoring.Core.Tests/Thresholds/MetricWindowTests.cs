using PerfMonitoring.Prerequisites;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Thresholds;

public sealed class MetricWindowTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, MetricSample, MetricSample, decimal?> CacheHits => new()
    {
        { "the difference counts", Sample(Table(1, 1000, 1000)), Sample(Table(1, 1090, 1010)), 0.9m },
        { "a new table counts from nothing", Sample(), Sample(Table(1, 3, 1)), 0.75m },
        { "a dropped table does not count", Sample(Table(1, 5, 5), Table(2, 9, 9)), Sample(Table(1, 6, 6)), 0.5m },
        { "nothing was asked for", Sample(Table(1, 5, 5)), Sample(Table(1, 5, 5)), null },
        { "a table was reset", Sample(Table(1, 5, 5), Table(2, 5, 5)), Sample(Table(1, 9, 9), Table(2, 1, 1)), null },
        { "the database was reset", Sample(Table(1, 5, 5)), Sample(Table(1, 9, 9)) with { ResetAt = Start }, null },
        { "the server crashed", Sample(Table(1, 5, 5)) with { Transactions = 10 },
            Sample(Table(1, 9, 9)) with { Transactions = 9 }, null },
    };

    public static TheoryData<string, StatementCounters[], StatementCounters[], long?, double?> Statements => new()
    {
        { "the highest mean of the window", [Statement(1, 10, 10_000), Statement(2, 1, 1)],
            [Statement(1, 11, 10_001), Statement(2, 3, 101)], 2, 50 },
        { "a new statement", [], [Statement(7, 2, 30)], 7, 15 },
        { "what did not run does not count", [Statement(1, 5, 5_000)], [Statement(1, 5, 5_000)], null, null },
        { "evicted and back: all its calls are the window's", [Statement(1, 50, 5_000)], [Statement(1, 2, 20)], 1, 10 },
        { "never negative", [Statement(1, 50, 5_000)], [Statement(1, 60, 100)], 1, 100 / 60.0 },
    };

    [Theory]
    [MemberData(nameof(CacheHits), DisableDiscoveryEnumeration = true)]
    public void Hit_ratio(string why, MetricSample before, MetricSample after, decimal? expected)
    {
        var measured = new MetricWindow(before, after).CacheHitRatio(null);

        Assert.True(expected == measured.Value, $"{why}: {measured}");
        Assert.Equal(expected is null, measured.Reason is not null);
    }

    [Fact]
    public void A_table_counts_for_itself()
    {
        var window = new MetricWindow(Sample(Table(1, 0, 0), Table(2, 0, 0)), Sample(Table(1, 0, 0, 3, 1), Table(2, 0, 0, 0, 8)));

        Assert.Equal(0.75m, window.IndexScanRatio(new MeasuredTable { Name = "a", Oids = [1] }).Value);
        Assert.Equal(0.25m, window.IndexScanRatio(new MeasuredTable { Name = "partitioned", Oids = [1, 2] }).Value);
        Assert.NotNull(window.IndexScanRatio(new MeasuredTable { Name = "other", Oids = [3] }).Reason);
    }

    [Theory]
    [InlineData(3, 5, 2)]
    [InlineData(3, 3, 0)]
    [InlineData(3, 1, null)]
    public void Deadlocks_are_those_of_the_window(long before, long after, int? expected) =>
        Assert.Equal(
            expected,
            new MetricWindow(Sample() with { Deadlocks = before }, Sample() with { Deadlocks = after }).Deadlocks().Value);

    [Theory]
    [MemberData(nameof(Statements), DisableDiscoveryEnumeration = true)]
    public void Worst_statement(string why, StatementCounters[] before, StatementCounters[] after, long? queryId, double? mean)
    {
        var (worst, reason) = new MetricWindow(Sample(before), Sample(after)).WorstStatement();

        Assert.True(queryId == worst?.Key.QueryId, why);
        Assert.Equal(mean, worst?.TotalTimeMs / worst?.Calls);
        Assert.Equal(queryId is null, reason is not null);
    }

    [Fact]
    public void A_reset_of_the_statements_is_unknown()
    {
        var window = new MetricWindow(
            Since(Start, Sample(Statement(1, 1, 1))), Since(Start.AddHours(1), Sample(Statement(1, 9, 9))));

        Assert.Null(window.WorstStatement().Worst);
        Assert.Contains("reset", window.WorstStatement().Reason, StringComparison.Ordinal);

        static MetricSample Since(DateTimeOffset reset, MetricSample sample) =>
            sample with { Statements = sample.Statements! with { State = new StatementsState { StatsReset = reset } } };
    }

    [Fact]
    public void Another_servers_or_another_roles_sample_is_no_beginning()
    {
        var next = Sample(NoStatements) with { TakenAt = Start.AddMinutes(1) };
        var stored = Sample(NoStatements);

        Assert.True(MetricWindow.IsComparable(stored, next));
        Assert.False(MetricWindow.IsComparable(stored with { Instance = "other" }, next));
        Assert.False(MetricWindow.IsComparable(stored with { Statements = stored.Statements! with { OfAllRoles = true } }, next));
        Assert.False(MetricWindow.IsComparable(next, stored));
    }

    private static readonly StatementCounters[] NoStatements = [];

    private static MetricSample Sample(params TableCounters[] tables) =>
        new() { TakenAt = Start, Instance = "a", Tables = tables };

    private static MetricSample Sample(params StatementCounters[] statements) =>
        new() { TakenAt = Start, Instance = "a", Statements = new StatementSample { Statements = statements } };

    private static MetricSample Sample() => new() { TakenAt = Start, Instance = "a" };

    private static TableCounters Table(uint oid, long hit, long read, long index = 0, long sequential = 0) =>
        new() { Oid = oid, BlocksHit = hit, BlocksRead = read, IndexScans = index, SequentialScans = sequential };

    private static StatementCounters Statement(long id, long calls, double time) =>
        new() { Key = new StatementKey(id, 1, 10, true), Calls = calls, TotalTimeMs = time };
}
