using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

public sealed class MaintenanceWindowCommandTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    // Opens for the first minute of another month.
    private static readonly string Closed = $"0 0 1 {(DateTimeOffset.UtcNow.Month + 5) % 12 + 1} *";

    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists orders cascade;
            create table orders (id bigint primary key, customer_id int, status text);
            insert into orders select g, g % 50, 'new' from generate_series(1, 5000) g;
            analyze orders;
            """);
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore",
            database.ConnectionString).MustSucceed();
        session.Set("closed", Closed);
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Fact]
    public void What_is_set_is_shown_and_the_rest_stays()
    {
        var set = session.Invoke(
            "Set-MaintenanceWindow OffPeak '0 22 * * *' -Duration 06:00:00 -TimeZone Europe/Berlin; Set-MaintenanceWindow "
                + "OffPeak -Duration 07:00:00 -PassThru").Only();
        var got = session.Invoke("Get-MaintenanceWindow OffPeak").Only();

        Assert.All([set, got], s => Assert.Equal(
            ("0 22 * * *", TimeSpan.FromHours(7), "Europe/Berlin"),
            ((string)s.Properties["CronExpression"].Value, (TimeSpan)s.Properties["Duration"].Value,
                (string)s.Properties["TimeZone"].Value)));
        Assert.Equal(
            TimeSpan.FromHours(7),
            (DateTimeOffset)got.Properties["ClosesAt"].Value - (DateTimeOffset)got.Properties["OpensAt"].Value);
    }

    [Fact]
    public void The_table_shows_every_window()
    {
        var text = session.Render("Get-MaintenanceWindow");

        Assert.Matches(@"Immediate\s+(yes|True)\s+UTC\s+00:00:00", text);
        Assert.Matches(
            @"OffPeak\s+(yes|no|True|False)\s+\d{4}-\d\d-\d\d 01:00:00\+00\s+\d{4}-\d\d-\d\d 06:00:00\+00\s+"
                + @"0 1 \* \* \*\s+UTC\s+05:00:00",
            text);
        Assert.Matches(@"Scheduled\s+(no|False)\s+UTC\s+04:00:00", text);
    }

    [Theory]
    [InlineData("Immediate '* * * * *'", "WindowHasNoSchedule")]
    [InlineData("OffPeak '61 * * * *'", "InvalidCronExpression")]
    [InlineData("OffPeak '0 0 1 * * *'", "InvalidCronExpression")]
    [InlineData("OffPeak '0 0 30 2 *'", "InvalidCronExpression")]
    [InlineData("OffPeak -TimeZone Mars/Olympus", "InvalidTimeZone")]
    [InlineData("OffPeak -Duration 4", "ParameterArgumentTransformationError")]
    [InlineData("OffPeak -Duration 8.00:00:00", "InvalidDuration")]
    [InlineData("Scheduled -Duration 01:00:00", "CronExpressionMissing")]
    [InlineData("OffPeak", "NothingToChange")]
    public async Task What_cannot_be_meant_is_refused(string arguments, string errorId)
    {
        var result = session.Invoke($"Set-MaintenanceWindow {arguments}");

        Assert.StartsWith(errorId + ",", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from perf_monitoring.maintenance_schedule"));
    }

    [Fact]
    public async Task WhatIf_stores_nothing()
    {
        session.Invoke("Set-MaintenanceWindow OffPeak '0 22 * * *' -WhatIf").MustSucceed();

        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from perf_monitoring.maintenance_schedule"));
    }

    [Fact]
    public async Task Outside_its_window_a_strategy_is_deferred_without_a_question_and_Force_builds_it()
    {
        var deferred = session.Invoke("""
            Set-MaintenanceWindow Scheduled $closed -Duration 00:01:00
            $strategy = New-IndexStrategy -TableName orders -Column customer_id -MaintenanceWindow Scheduled
            $strategy | Invoke-IndexCreation
            """).Only();

        Assert.Equal("Deferred", $"{deferred.Properties["State"].Value}");
        Assert.Contains(
            "The maintenance window Scheduled opens at", (string)deferred.Properties["Reason"].Value, StringComparison.Ordinal);
        Assert.True((DateTimeOffset)deferred.Properties["DeferredUntil"].Value > DateTimeOffset.UtcNow);
        Assert.Empty(session.Host.Prompts);
        Assert.Equal(1, await IndexesAsync());
        Assert.False(await IsCreatedAsync());

        Assert.Equal(
            "Created",
            $"{session.Invoke("$strategy | Invoke-IndexCreation -Force -Confirm:$false").Only().Properties["State"].Value}");
        Assert.True(await IsCreatedAsync());
    }

    [Fact]
    public void A_window_without_a_schedule_defers_and_says_how_it_gets_one()
    {
        var result = session.Invoke(
            "New-IndexStrategy -TableName orders -Column customer_id -MaintenanceWindow Scheduled | Invoke-IndexCreation "
                + "-WaitForWindow -Confirm:$false").Only();

        Assert.Contains("Set-MaintenanceWindow", (string)result.Properties["Reason"].Value, StringComparison.Ordinal);
        Assert.Null(result.Properties["DeferredUntil"].Value);
    }

    [Fact]
    public async Task WaitForWindow_waits_until_it_opens()
    {
        var running = session.Start("""
            Set-MaintenanceWindow Scheduled $closed
            New-IndexStrategy -TableName orders -Column customer_id -MaintenanceWindow Scheduled | Invoke-IndexCreation -WaitForWindow -Confirm:$false
            """);
        await running.WaitForProgressAsync(
            p => p.StatusDescription.StartsWith("waiting for the maintenance window Scheduled, until", StringComparison.Ordinal)
            && p.SecondsRemaining > 0);

        var result = await running.StopAsync();

        Assert.True(result.WasStopped);
        Assert.Equal(1, await IndexesAsync());
    }

    [Fact]
    public async Task In_its_window_it_is_built_unless_it_would_outlast_it()
    {
        session.Invoke("""
            Set-MaintenanceWindow Scheduled '* * * * *' -Duration 00:05:00
            $slow = New-IndexStrategy -TableName orders -Column customer_id -MaintenanceWindow Scheduled
            """).MustSucceed();
        await database.ExecuteAsync("""
            update perf_monitoring.index_strategy_detail set size_bytes = 1048576, build_seconds = 1048576 * 100.0
            """);

        var deferred = session.Invoke("$slow | Invoke-IndexCreation -Confirm:$false").Only();
        Assert.Equal("Deferred", $"{deferred.Properties["State"].Value}");
        Assert.Contains("is expected to take", (string)deferred.Properties["Reason"].Value, StringComparison.Ordinal);

        await database.ExecuteAsync("update perf_monitoring.index_strategy_detail set build_seconds = null");
        var built = session.Invoke("$slow | Invoke-IndexCreation -Confirm:$false").Only();
        Assert.Equal("Created", $"{built.Properties["State"].Value}");
        Assert.True((TimeSpan)built.Properties["BuildTime"].Value > TimeSpan.Zero);
        Assert.True(await database.ScalarAsync<bool>("select build_seconds > 0 from perf_monitoring.index_strategy_detail"));
    }

    private Task<long> IndexesAsync() =>
        database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'orders'::regclass");

    private Task<bool> IsCreatedAsync() => database.ScalarAsync<bool>("select is_created from perf_monitoring.index_strategy");
}
