using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Statements;

public class StatisticsDeltaTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly StatementsState Before = new() { TakenAt = Noon, StatsReset = Noon.AddDays(-1) };

    private static readonly StatementsState Now = new() { TakenAt = Noon.AddHours(1), StatsReset = Noon.AddDays(-1) };

    [Theory]
    // Calls and time before (-1: not there), after (-1: gone), then the calls and time of the interval (-1: none) and the gaps
    [InlineData(10, 100, 15, 160, 5, 60, 0)]
    [InlineData(10, 100, 10, 100, -1, -1, 0)]
    [InlineData(-1, -1, 3, 30, 3, 30, 0)]
    [InlineData(10, 100, -1, -1, -1, -1, 1)]
    [InlineData(10, 100, 4, 40, 4, 40, 1)]
    [InlineData(10, 100, 12, 40, 12, 40, 1)]
    public void What_happened_is_never_negative(
        int calls, double time, int callsNow, double timeNow, int expectedCalls, double expectedTime, int gaps)
    {
        var delta = StatisticsDelta.Between(Before, Some(calls, time), Now, Some(callsNow, timeNow));

        Assert.Equal(gaps, delta.Gaps);
        Assert.False(delta.WasReset);
        if (expectedCalls < 0)
        {
            Assert.Empty(delta.Intervals);
        }
        else
        {
            var interval = Assert.Single(delta.Intervals);
            Assert.Equal((expectedCalls, expectedTime, Noon), (interval.Calls, interval.TotalTimeMs, interval.Since));
        }
    }

    [Fact]
    public void A_reset_makes_a_gap_of_every_statement_even_of_those_that_overtook_themselves()
    {
        var reset = Noon.AddMinutes(30);

        var delta = StatisticsDelta.Between(Before, Some(10, 100), Now with { StatsReset = reset }, Some(20, 200));

        Assert.True(delta.WasReset);
        Assert.Equal(1, delta.Gaps);
        var interval = Assert.Single(delta.Intervals);
        Assert.Equal((20, 200.0, reset), (interval.Calls, interval.TotalTimeMs, interval.Since));
    }

    [Fact]
    public void An_entry_that_was_evicted_and_came_back_is_known_by_its_beginning()
    {
        var delta = StatisticsDelta.Between(Before, Some(10, 100, Noon.AddDays(-1)), Now, Some(20, 200, Noon.AddMinutes(5)));

        Assert.Equal(1, delta.Gaps);
        Assert.Equal((20L, Noon.AddMinutes(5)), (delta.Intervals[0].Calls, delta.Intervals[0].Since));
    }

    [Fact]
    public void An_update_of_the_extension_is_no_reset()
    {
        // From 1.11 on each statement has a start time; older versions store none.
        var delta = StatisticsDelta.Between(Before, Some(10, 100), Now, Some(12, 120, Noon.AddDays(-1)));

        Assert.Equal(0, delta.Gaps);
        Assert.Equal(2, Assert.Single(delta.Intervals).Calls);
    }

    [Fact]
    public void The_first_reading_has_everything_since_the_counters_began()
    {
        var delta = StatisticsDelta.Between(null, [], Now, Some(7, 70));

        Assert.Equal(0, delta.Gaps);
        Assert.Equal((7L, Now.StatsReset), (delta.Intervals[0].Calls, delta.Intervals[0].Since));
        Assert.Null(StatisticsDelta.Between(null, [], Now with { StatsReset = null }, Some(7, 70)).Intervals[0].Since);
    }

    [Fact]
    public void One_statement_of_two_roles_is_two()
    {
        StatementCounters[] last = [Of(1, 10, 100), Of(2, 50, 500)];
        StatementCounters[] now = [Of(1, 11, 110), Of(2, 52, 520)];

        Assert.Equal([1, 2], StatisticsDelta.Between(Before, last, Now, now).Intervals.Select(i => i.Calls));
    }

    private static StatementCounters[] Some(int calls, double time, DateTimeOffset? since = null) =>
        calls < 0 ? [] : [Of(1, calls, time) with { Since = since }];

    private static StatementCounters Of(uint user, int calls, double time) =>
        new() { Key = new StatementKey(42, 5, user, true), Calls = calls, TotalTimeMs = time };
}
