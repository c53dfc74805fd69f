using System.Globalization;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class MaintenanceWindowTests(SandboxFixture sandbox)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    // cron, hours, zone, time -> opens, closes
    [InlineData("0 1 * * *", 5, "UTC", "2026-06-02 00:59Z", "2026-06-02 01:00 +00:00", "2026-06-02 06:00 +00:00")]
    [InlineData("0 1 * * *", 5, "UTC", "2026-06-02 01:00Z", "2026-06-02 01:00 +00:00", "2026-06-02 06:00 +00:00")]
    [InlineData("0 1 * * *", 5, "UTC", "2026-06-02 05:59Z", "2026-06-02 01:00 +00:00", "2026-06-02 06:00 +00:00")]
    [InlineData("0 1 * * *", 5, "UTC", "2026-06-02 06:00Z", "2026-06-03 01:00 +00:00", "2026-06-03 06:00 +00:00")]
    [InlineData(
        "0 22 * * MON-FRI", 6, "Europe/Berlin", "2026-06-05 23:00Z", "2026-06-05 22:00 +02:00", "2026-06-06 04:00 +02:00")]
    [InlineData(
        "0 22 * * MON-FRI", 6, "Europe/Berlin", "2026-06-06 12:00Z", "2026-06-08 22:00 +02:00", "2026-06-09 04:00 +02:00")]
    // Adjacent openings are one: Saturday and Sunday.
    [InlineData("0 0 * * SAT,SUN", 24, "UTC", "2026-06-06 12:00Z", "2026-06-06 00:00 +00:00", "2026-06-08 00:00 +00:00")]
    // The clocks go forward at 02:00 on 29 March: 02:30 does not exist, and five hours stay five hours.
    [InlineData("30 2 * * *", 5, "Europe/Berlin", "2026-03-29 00:00Z", "2026-03-29 03:00 +02:00", "2026-03-29 08:00 +02:00")]
    [InlineData("0 1 * * *", 5, "Europe/Berlin", "2026-03-29 00:30Z", "2026-03-29 01:00 +01:00", "2026-03-29 07:00 +02:00")]
    // They go back at 03:00 on 25 October: 02:30 comes twice and opens once.
    [InlineData("30 2 * * *", 1, "Europe/Berlin", "2026-10-25 00:00Z", "2026-10-25 02:30 +02:00", "2026-10-25 02:30 +01:00")]
    [InlineData("30 2 * * *", 1, "Europe/Berlin", "2026-10-25 01:30Z", "2026-10-26 02:30 +01:00", "2026-10-26 03:30 +01:00")]
    public void The_opening_that_lasts_or_the_next(string cron, int hours, string zone, string at, string opens, string closes)
    {
        var opening = CronWindow.Find(Schedule(cron, hours, zone), DateTimeOffset.Parse(at, CultureInfo.InvariantCulture));

        Assert.Equal((opens, closes), (Shown(opening!.OpensAt), Shown(opening.ClosesAt)));
    }

    [Fact]
    public void What_never_comes_never_opens() =>
        Assert.Null(CronWindow.Find(Schedule("0 0 30 2 *", 1, "UTC"), DateTimeOffset.UtcNow));

    [Fact]
    public void What_is_open_at_every_minute_closes_some_day() =>
        Assert.True(
            CronWindow.Find(Schedule("* * * * *", 1, "UTC"), DateTimeOffset.UtcNow)!.ClosesAt > DateTimeOffset.UtcNow.AddDays(7));

    [Fact]
    public async Task Without_a_store_the_defaults_hold_and_with_one_each_database_has_its_own()
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await using var other = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await using var session = await ConnectAsync(database, null);
        await using var elsewhere = await ConnectAsync(other, database);
        Assert.Equal(
            "Immediate , OffPeak 0 1 * * *, Weekend 0 0 * * SAT, Scheduled ",
            string.Join(", ", (await session.MaintenanceWindows.GetAsync(Token)).Select(s => $"{s.Window} {s.CronExpression}")));
        Assert.Equal(
            "StoreMissing",
            (await Assert.ThrowsAsync<PerfMonitoringException>(
                () => session.MaintenanceWindows.SetAsync(Schedule("0 3 * * *", 2, "UTC"), Token))).ErrorId);

        await session.Store.UpgradeAsync(Token);
        await session.MaintenanceWindows.SetAsync(Schedule("0 3 * * *", 2, "UTC"), Token);
        await session.MaintenanceWindows.SetAsync(Schedule("0 4 * * *", 30, "Europe/Berlin"), Token);

        var stored = (await session.MaintenanceWindows.GetAsync(Token))[1];
        Assert.Equal(
            ("0 4 * * *", TimeSpan.FromHours(30), "Europe/Berlin", false),
            (stored.CronExpression, stored.Duration, stored.TimeZone, stored.IsDefault));
        await elsewhere.Store.UpgradeAsync(Token);
        Assert.True((await elsewhere.MaintenanceWindows.GetAsync(Token))[1].IsDefault);
    }

    private static Task<IMonitoringConnection> ConnectAsync(TestDatabase database, TestDatabase? store) =>
        new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString },
            store is null ? null : new ConnectionSettings { ConnectionString = store.ConnectionString }, null, Token);

    private static MaintenanceSchedule Schedule(string cron, int hours, string zone) =>
        new() { Window = MaintenanceWindow.OffPeak, CronExpression = cron, Duration = TimeSpan.FromHours(hours),
            TimeZone = zone };

    private static string Shown(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);
}
