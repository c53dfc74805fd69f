using System.Globalization;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

public sealed class WindowDecisionTests
{
    // Nights from 01:00 to 06:00; the night to the 6th is longer.
    private static readonly WindowOpening[] Nights =
    [
        .. Enumerable.Range(1, 30).Select(d => new WindowOpening(At(d, 1), At(d, d == 6 ? 12 : 6))),
    ];

    [Theory]
    // Now, expected hours -> when to begin; "now", "never" or day.hour
    [InlineData("2.03", null, "now")]
    [InlineData("2.01", 5.0, "now")]
    [InlineData("2.03", 3.0, "now")]
    [InlineData("2.03", 3.1, "3.01")]
    [InlineData("2.06", null, "3.01")]
    [InlineData("2.07", null, "3.01")]
    [InlineData("2.07", 5.0, "3.01")]
    [InlineData("2.07", 6.0, "6.01")]
    [InlineData("2.03", 6.0, "6.01")]
    [InlineData("2.03", 12.0, "never")]
    [InlineData("2.07", 12.0, "never")]
    public void A_build_begins_where_it_ends_before_the_window_closes(string now, double? hours, string expected)
    {
        var decision = Decide(now, new BuildEstimate(hours is { } h ? (long)(h * 3600 * 1000) : null, 1000));

        Assert.Equal(expected, Shown(decision));
    }

    [Theory]
    [InlineData(null, 1000.0)]
    [InlineData(1_000_000_000_000L, null)]
    public void What_is_not_known_holds_nothing_up(long? size, double? rate) =>
        Assert.True(Decide("2.03", new BuildEstimate(size, rate)).IsOpen);

    [Fact]
    public void The_reason_has_the_figures()
    {
        var reason = Decide("2.03", new BuildEstimate(18_000L * 1048576, 1048576)).Reason;

        Assert.Equal(
            "The maintenance window OffPeak closes at 2026-06-02 06:00 +00:00, and the build is expected to take 0.05:00:00 "
                + "(18,000 MB at 1 MB/s).", reason);
        Assert.Equal(
            "The maintenance window OffPeak opens at 2026-06-03 01:00 +00:00.",
            Decide("2.07", new BuildEstimate(null, null)).Reason);
    }

    [Theory]
    [InlineData(MaintenanceWindow.Immediate, null, true, "now")]
    [InlineData(MaintenanceWindow.Scheduled, null, true, "never")]
    [InlineData(MaintenanceWindow.Scheduled, "0 0 30 2 *", false, "never")]
    public void What_has_no_opening_is_always_open_or_never(MaintenanceWindow window, string? cron, bool opens, string expected)
    {
        var schedule = new MaintenanceSchedule { Window = window, CronExpression = cron };

        Assert.Equal(
            expected,
            Shown(WindowDecision.Decide(schedule, at => opens ? Find(at) : null, At(2, 3), new BuildEstimate(null, null))));
    }

    private static string Shown(WindowDecision decision) =>
        decision.IsOpen
            ? "now" : decision.OpensAt is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"{at.Day}.{at.Hour:00}") : "never";

    private static WindowDecision Decide(string now, BuildEstimate estimate) => WindowDecision.Decide(
        new MaintenanceSchedule {
            Window = MaintenanceWindow.OffPeak, CronExpression = "0 1 * * *", Duration = TimeSpan.FromHours(5) }, Find,
        At(int.Parse(now.Split('.')[0], CultureInfo.InvariantCulture),
            int.Parse(now.Split('.')[1], CultureInfo.InvariantCulture)), estimate);

    private static WindowOpening? Find(DateTimeOffset at) => Nights.FirstOrDefault(n => n.ClosesAt > at);

    private static DateTimeOffset At(int day, int hour) => new(2026, 6, day, hour, 0, 0, TimeSpan.Zero);
}
