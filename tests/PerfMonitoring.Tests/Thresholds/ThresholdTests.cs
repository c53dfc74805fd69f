using System.Management.Automation;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Thresholds;

public sealed class ThresholdTests(SandboxFixture sandbox, TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    public async ValueTask InitializeAsync()
    {
        Connect(database);
        if (await database.ScalarAsync<bool>("select to_regclass('t') is not null"))
        {
            await database.ExecuteAsync("truncate perf_monitoring.performance_threshold, perf_monitoring.metric_sample cascade");
            return;
        }

        await database.ExecuteAsync("""
            create schema "Ext"; create extension pg_stat_statements schema "Ext";
            create table t as select g as id, g % 10 as grp from generate_series(1, 20000) g; create index on t (id); analyze t;
            """);
        session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("1s 5s", 1000, 5000)]
    [InlineData("250 '1.5s'", 250, 1500)]
    [InlineData("00:00:02 '1m'", 2000, 60_000)]
    [InlineData("'100ms' (New-TimeSpanOfSeconds 3)", 100, 3000)]
    public void A_limit_of_a_time_may_be_written_as_one(string limits, int warning, int critical)
    {
        session.Invoke("function New-TimeSpanOfSeconds($s) { [timespan]::FromSeconds($s) }").MustSucceed();

        var made = session.Invoke($"New-PerformanceThreshold QueryTime {limits}").Only();

        Assert.Equal(
            (warning, critical), ((decimal)made.Properties["Warning"].Value, (decimal)made.Properties["Critical"].Value));
    }

    [Fact]
    public async Task Limits_are_written_naturally_and_stored_as_the_model_demands()
    {
        var made = session.Invoke(
            "New-PerformanceThreshold CacheHitRatio -Warning 0.95 -Critical 0.90 -TableName T -AlertConfiguration @{ To = "
                + "'a'; Levels = 1, 2 }").Only();
        session.Invoke("New-PerformanceThreshold TableSize 1MB 10GB").MustSucceed();

        Assert.Equal(0.95m, made.Properties["Warning"].Value);
        Assert.Equal("public.t", made.Properties["TableName"].Value);
        Assert.Equal("0.05 0.10 RATIO public.t", await database.ScalarAsync<string>("""
            select format('%s %s %s %s', trim_scale(warning_threshold), critical_threshold::numeric(9, 2), threshold_unit, table_name)
            from perf_monitoring.performance_threshold where metric_type = 'CACHE_HIT_RATIO'
            """));
        Assert.Equal("{\"To\": \"a\", \"Levels\": [1, 2]}", await database.ScalarAsync<string>(
            "select alert_configuration::text from perf_monitoring.performance_threshold where metric_type = 'CACHE_HIT_RATIO'"));
        Assert.Equal(
            10L << 30,
            await database.ScalarAsync<decimal>(
                "select critical_threshold from perf_monitoring.performance_threshold where metric_type = 'TABLE_SIZE'"));
    }

    [Theory]
    [InlineData("New-PerformanceThreshold CacheHitRatio 0.90 0.95", "InvalidThreshold", "-Warning 0.9 is below")]
    [InlineData("New-PerformanceThreshold CacheHitRatio 1.0 0.95", "InvalidThreshold", "-Warning 1 leaves no room")]
    [InlineData("New-PerformanceThreshold QueryTime 1 2 -Unit Ratio", "UnitNotAllowed", "-Unit Ratio")]
    [InlineData("New-PerformanceThreshold QueryTime 1 2 -TableName t", "TableNotAllowed", "-TableName")]
    [InlineData("New-PerformanceThreshold TableSize 1 2 -TableName nowhere", "TableNotFound", "nowhere")]
    [InlineData(
        "New-PerformanceThreshold TableSize 1 2 -TableName 'x\"; drop table t; --'", "InvalidName", "x\"; drop table t; --")]
    [InlineData("New-PerformanceThreshold TableSize 1 2 -TableName ('x' * 70)", "InvalidName", "70 bytes")]
    [InlineData(
        "New-PerformanceThreshold QueryTime 1 2 -AlertConfiguration @{ When = { 1 } }", "InvalidAlertConfiguration", "'When'")]
    [InlineData("Set-PerformanceThreshold ([guid]::Empty) -Warning 1", "ThresholdNotFound", "00000000")]
    [InlineData("Remove-PerformanceThreshold ([guid]::Empty)", "ThresholdNotFound", "00000000")]
    [InlineData("Get-PerformanceThreshold -Id ([guid]::Empty)", "ThresholdNotFound", "00000000")]
    [InlineData("Test-PerformanceThreshold", "NoThreshold", "no threshold")]
    public async Task What_cannot_be_meant_is_refused_and_nothing_is_stored(string script, string errorId, string message)
    {
        var error = Assert.Single(session.Invoke(script).AllErrors);

        Assert.StartsWith(errorId + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(message, error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from perf_monitoring.performance_threshold"));
        Assert.Equal(20000, await database.ScalarAsync<long>("select count(*) from t"));
    }

    [Fact]
    public void A_threshold_is_changed_and_removed_softly()
    {
        session.Invoke("$made = New-PerformanceThreshold QueryTime 100 1000").MustSucceed();
        Assert.StartsWith(
            "ThresholdExists,",
            Assert.Single(session.Invoke("New-PerformanceThreshold QueryTime 1 2").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "InvalidThreshold,",
            Assert.Single(session.Invoke("$made | Set-PerformanceThreshold -Critical 50").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);

        session.Invoke("$made | Remove-PerformanceThreshold -WhatIf").MustSucceed();
        var changed = session.Invoke("$made | Set-PerformanceThreshold -Warning 250 -AlertEnabled $false -PassThru").Only();
        session.Invoke("$made | Remove-PerformanceThreshold").MustSucceed();

        Assert.Equal(250m, changed.Properties["Warning"].Value);
        Assert.Equal(1000m, changed.Properties["Critical"].Value);
        Assert.Equal(false, changed.Properties["AlertEnabled"].Value);
        Assert.NotNull(changed.Properties["UpdatedBy"].Value);
        Assert.Empty(session.Invoke("Get-PerformanceThreshold").MustSucceed().Output);
        Assert.Equal([false], session.Invoke("Get-PerformanceThreshold -IncludeInactive").Values("IsActive"));
        session.Invoke("New-PerformanceThreshold QueryTime 1 2").MustSucceed();
    }

    [Fact]
    public async Task Counters_are_read_since_the_last_sample()
    {
        session.Invoke(
            "New-PerformanceThreshold IndexScanRatio 0.9 0.5 -TableName t; New-PerformanceThreshold QueryTime 100 10000; "
                + "New-PerformanceThreshold CacheHitRatio 0.2 0.1 -TableName t; New-PerformanceThreshold DeadlockCount 1 10")
                    .MustSucceed();
        var idle = session.Invoke("Get-PerformanceThreshold | Test-PerformanceThreshold").MustSucceed();
        await AgeSampleAsync();
        await database.ExecuteAsync(
            "set enable_seqscan = off; set enable_bitmapscan = off; select grp from t where id = 1; select grp from t where "
                + "id = 2; select grp from t where id = 3");
        await database.ExecuteAsync("select sum(grp) from t where grp > 3");
        await database.ExecuteAsync("select pg_sleep(0.2)");

        var busy = session.Invoke("Test-PerformanceThreshold").MustSucceed();

        Assert.Equal(
            ["Unknown"],
            idle.Output.Where(o => $"{o.Properties["MetricType"].Value}" == "IndexScanRatio")
            .Select(o => $"{o.Properties["State"].Value}"));
        var scans = Of(busy, "IndexScanRatio");
        Assert.Equal(
            (0.75m, "Warning", "public.t"),
            ((decimal)scans.Properties["Value"].Value, $"{scans.Properties["State"].Value}",
            (string)scans.Properties["ObjectName"].Value));
        Assert.True(
            (DateTimeOffset)scans.Properties["Until"].Value - (DateTimeOffset)scans.Properties[
            "Since"].Value > TimeSpan.FromMinutes(50));
        var time = Of(busy, "QueryTime");
        Assert.Equal("Warning", $"{time.Properties["State"].Value}");
        Assert.InRange((decimal)time.Properties["Value"].Value, 200, 9999);
        Assert.Contains("pg_sleep", (string)time.Properties["Query"].Value, StringComparison.Ordinal);
        Assert.Equal(64, ((string)time.Properties["QueryHash"].Value).Length);
        Assert.Equal("Ok", $"{Of(busy, "CacheHitRatio").Properties["State"].Value}");
        Assert.Equal(
            (0m, "Ok"),
            ((decimal)Of(busy, "DeadlockCount").Properties["Value"].Value,
            $"{Of(busy, "DeadlockCount").Properties["State"].Value}"));
    }

    [Fact]
    public async Task A_reset_in_between_is_unknown()
    {
        session.Invoke("Test-PerformanceThreshold IndexScanRatio 0.9 0.5 -TableName t").MustSucceed();
        await AgeSampleAsync();
        await database.ExecuteAsync("select pg_stat_reset()");
        await database.ExecuteAsync("select sum(grp) from t");

        var result = session.Invoke("Test-PerformanceThreshold IndexScanRatio 0.9 0.5 -TableName t").Only();

        Assert.Equal("Unknown", $"{result.Properties["State"].Value}");
        Assert.Null(result.Properties["Value"].Value);
        Assert.Contains("reset", (string)result.Properties["Reason"].Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_measured_now_needs_no_window()
    {
        await database.ExecuteAsync(
            "create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (10); "
                + "insert into p values (1)");

        var size = session.Invoke("Test-PerformanceThreshold TableSize 1 1TB -TableName p").Only();
        var all = session.Invoke("Test-PerformanceThreshold TableSize 100KB 1TB").MustSucceed();
        await using var client = new Npgsql.NpgsqlConnection(database.UnpooledConnectionString);
        await client.OpenAsync(TestContext.Current.CancellationToken);
        var count = session.Invoke("Test-PerformanceThreshold ConnectionCount 1 10000").Only();
        var share = session.Invoke("Test-PerformanceThreshold ConnectionCount 99 100 -Unit Percentage").Only();

        Assert.Equal(
            await database.ScalarAsync<long>("select pg_total_relation_size('p1')"), (decimal)size.Properties["Value"].Value);
        Assert.Equal(["public.t", "public.p"], all.Values("ObjectName"));
        Assert.Equal(["Warning", "Ok"], all.Values("State").Select(s => $"{s}"));
        Assert.True((decimal)count.Properties["Value"].Value >= 1);
        Assert.Equal("Server", $"{count.Properties["Subject"].Value}");
        Assert.Equal("Ok", $"{share.Properties["State"].Value}");
    }

    [Fact]
    public void Quiet_is_true_only_when_all_is_well()
    {
        Assert.Equal(true, session.Invoke("Test-PerformanceThreshold TableSize 1TB 2TB -Quiet").Only().BaseObject);
        Assert.Equal(false, session.Invoke("Test-PerformanceThreshold TableSize 1 2TB -Quiet").Only().BaseObject);
        Assert.StartsWith(
            "TableNotFound,",
            Assert.Single(
                session.Invoke(
                    "Test-PerformanceThreshold TableSize 1TB 2TB -TableName nowhere -Quiet").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        var nothing = session.Invoke("Test-PerformanceThreshold -Quiet");
        Assert.Equal(false, Assert.Single(nothing.Output).BaseObject);
        Assert.Single(nothing.Errors);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_supported_version_is_measured_without_a_store(int majorVersion)
    {
        await using var own = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await own.ExecuteAsync("create schema ext; create extension pg_stat_statements schema ext; create table t (id int)");
        Connect(own);

        var time = session.Invoke("Test-PerformanceThreshold QueryTime 1 2 -SampleInterval 1s").Only();
        var others = session.Invoke(
            "Test-PerformanceThreshold DeadlockCount 1 2 -SampleInterval 1s; Test-PerformanceThreshold TableSize 1TB 2TB; "
                + "Test-PerformanceThreshold ConnectionCount 1000 2000").MustSucceed();

        Assert.Equal("no statement ran within the window", time.Properties["Reason"].Value);
        Assert.Equal(["Ok", "Ok", "Ok"], others.Values("State").Select(s => $"{s}"));
    }

    [Fact]
    public void A_role_that_is_read_only_by_default_is_no_hindrance()
    {
        session.Invoke("New-PerformanceThreshold DeadlockCount 1 10").MustSucceed();
        var readOnly = new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString) {
            Options = "-c default_transaction_read_only=on" }.ConnectionString;
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", readOnly).MustSucceed();

        var tested = session.Invoke("Test-PerformanceThreshold").Only();
        session.Invoke("New-PerformanceThreshold ConnectionCount 1000 2000").MustSucceed();

        Assert.Equal("Ok", $"{tested.Properties["State"].Value}");
    }

    [Fact]
    public void The_tables_fit()
    {
        var text = session.Render("New-PerformanceThreshold TableSize 1TB 2TB -TableName t")
            + session.Render("Test-PerformanceThreshold");

        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 120, l));
        Assert.Matches("Metric +Warning +Critical +Unit +Table +Id", text);
        Assert.Matches("State +Metric +Object +Value +Critical +Warning +Unit +Since", text);
        Assert.Contains("2199023255552", text, StringComparison.Ordinal);
    }

    private static PSObject Of(ScriptResult result, string metric) =>
        Assert.Single(result.Output, o => $"{o.Properties["MetricType"].Value}" == metric);

    private void Connect(TestDatabase to) =>
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", to.ConnectionString).MustSucceed();

    private Task AgeSampleAsync() => database.ExecuteAsync("""
        update perf_monitoring.metric_sample
        set taken_at = taken_at - interval '1 hour', sample = sample || jsonb_build_object('takenAt', to_char((sample ->> 'takenAt')::timestamptz at time zone 'UTC' - interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        """);
}
