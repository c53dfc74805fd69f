using Npgsql;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Store;

/// <summary>A server with a standby, a store with rows in all tables, and roles that may not write to it.</summary>
public sealed class ReadingFixture : IAsyncLifetime
{
    public const string Reader = "Read \"only\"";
    public const string ReadOnlyOwner = "owner in read-only transactions";

    private readonly StandbyFixture servers = new();

    public PostgresCluster Primary => servers.Primary;

    public PostgresCluster Standby => servers.Standby;

    /// <summary>The output for the store's owner, by script.</summary>
    public Dictionary<string, string> Owner { get; } = [];

    public async ValueTask InitializeAsync()
    {
        await servers.InitializeAsync();
        await Primary.ExecuteAsync(
            "app", "create extension pg_stat_statements; create extension hypopg; analyze orders", CancellationToken.None);
        await Primary.ExecuteAsync(
            "app", "select count(*), pg_sleep(0.01) from orders where status = 's1'", CancellationToken.None);
        using var session = new ModuleRunspace();
        session.Invoke("""
            Connect-PerfMonitoring -ConnectionString $args[0] -Name owner
            Initialize-PerfMonitoringStore
            New-PerformanceThreshold TableSize 1 1TB -TableName orders
            New-PerformanceThreshold DeadlockCount 1 10
            Set-MaintenanceWindow OffPeak -CronExpression '0 3 * * *' -Duration 02:00
            New-IndexStrategy orders -Column status, id -IndexName by_status | Invoke-IndexCreation -Confirm:$false
            New-IndexStrategy orders -Column id, status -IndexName pending
            Update-QueryPerformanceLog
            Update-IndexUsageStat
            """, Primary.ConnectionString("app")).MustSucceed();
        // An existing sample, so that no test has to wait for one.
        session.Invoke("Test-PerformanceThreshold").MustSucceed();
        await Primary.ExecuteAsync("app", $"""
            update perf_monitoring.metric_sample set taken_at = taken_at - interval '1 hour', sample = sample || jsonb_build_object(
                'takenAt', to_char((sample ->> 'takenAt')::timestamptz at time zone 'UTC' - interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'));
            create role {Quote(Reader)} login in role pg_monitor;
            grant usage on schema perf_monitoring to {Quote(Reader)};
            grant select on all tables in schema perf_monitoring to {Quote(Reader)};
            grant select on orders to {Quote(Reader)};
            create role {Quote(ReadOnlyOwner)} login superuser;
            alter role {Quote(ReadOnlyOwner)} set default_transaction_read_only = on;
            """, CancellationToken.None);
        foreach (var script in ReadingTests.StoredScripts.Concat(ReadingTests.LiveScripts).Select(row => row.Data))
        {
            Owner[script] = ReadingTests.Answer(session, script);
        }
    }

    public ValueTask DisposeAsync() => servers.DisposeAsync();

    public static string Quote(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}

/// <summary>
/// Cmdlets that read do not write: they work for a role that may not write, with the same output as for the owner.
/// </summary>
public sealed class ReadingTests(ReadingFixture fixture) : IClassFixture<ReadingFixture>, IDisposable
{
    // Every row with the transaction that wrote it, so that an update to the same values is detected. The sample of the
    // thresholds is left out.
    private const string Contents = """
        select md5(string_agg(query_to_xml(format('select xmin, t.* from perf_monitoring.%I t order by t::text', relname), false, true, '')::text, '' order by relname))
        from pg_class
        where relnamespace = 'perf_monitoring'::regnamespace and relkind = 'r' and relname <> 'metric_sample'
        """;

    private readonly ModuleRunspace session = new();

    /// <summary>Scripts that read the store; the output is the same on a standby.</summary>
    public static TheoryData<string> StoredScripts =>
    [
        "Get-IndexStrategy | % { \"$($_.Id) $($_.IndexName) $($_.IsCreated) $($_.CreatedBy)\" }",
        "Get-IndexStrategyHistory | % { \"$($_.Id) $($_.Action) $($_.Outcome)\" }",
        "Get-QueryPerformanceLog | % { \"$($_.Id) $($_.QueryHash) $($_.ExecutionTimeMs)\" }",
        "Get-IndexUsageStat -Since 2020-01-01 | % { \"$($_.Id) $($_.IndexName) $($_.StatsDate) $($_.TotalScans)\" }",
        "Get-MaintenanceWindow | % { \"$($_.Window) $($_.CronExpression) $($_.IsDefault)\" }",
        "Get-PerformanceThreshold | % { \"$($_.Id) $($_.MetricType)\" }",
        "Get-SlowQuery -FromLog | % { \"$($_.QueryHash) $($_.Calls) $($_.TotalTimeMs)\" }",
        "Get-IndexStrategy -IndexName by_status | Test-IndexStrategy -WarningAction Ignore | % { \"$($_.IndexName) "
            + "$($_.Verdict)\" }",
        "Test-PerformanceThreshold TableSize 1 1TB -TableName orders | % { \"$($_.ObjectName) $($_.State)\" }",
    ];

    /// <summary>Scripts that read the server, or the server and the store.</summary>
    public static TheoryData<string> LiveScripts =>
    [
        "Test-PerformanceThreshold -MetricType DeadlockCount, TableSize | % { \"$($_.MetricType) $($_.State) $($_.Value)\" }",
        "Get-IndexUsageStat | % { \"$($_.IndexName) $($_.IndexStrategyId) $($_.IsValid)\" }",
        "Get-SlowQuery -First 1000 | ? Query -like '*pg_sleep*from orders*' | % { \"$($_.QueryHash) $($_.Calls)\" }",
        "Get-PerfMonitoringSession | % { \"$($_.Target.Database)\" }",
        "Get-PerfMonitoringConfiguration SlowQuery.Top | % { \"$($_.Name)\" }",
        "Get-PerfMonitoringLog -Last 1 | Out-Null",
        "Test-PerfMonitoringPrerequisite | ? Name -in 'Store', 'PostgreSQL version', 'pg_stat_statements readable' | % { "
            + "\"$($_.Name) $($_.State)\" }",
        "New-IndexStrategy -Query 'select * from orders where status = ''s7''' -WhatIf -WarningAction Ignore | % { "
            + "$_.IndexDefinition }; Get-IndexCandidate | % { $_.IndexDefinition }",
    ];

    /// <summary>Scripts that change something, run with -WhatIf.</summary>
    public static TheoryData<string> WhatIfScripts =>
    [
        "New-IndexStrategy orders -Expression 'length(status)' -IndexName another -WhatIf",
        "Set-IndexStrategy -Id (Get-IndexStrategy -IndexName pending).Id -MaintenanceWindow Weekend -WhatIf",
        "Get-IndexStrategy -IndexName pending | Remove-IndexStrategy -WhatIf",
        "Set-MaintenanceWindow Weekend -CronExpression '0 3 * * SAT' -Duration 02:00 -WhatIf",
        "New-PerformanceThreshold CacheHitRatio 0.9 0.8 -WhatIf",
        "Get-PerformanceThreshold | Set-PerformanceThreshold -Critical 2TB -WhatIf",
        "Get-PerformanceThreshold | Remove-PerformanceThreshold -WhatIf",
        "Update-QueryPerformanceLog -WhatIf",
        "Update-IndexUsageStat -WhatIf",
        "Initialize-PerfMonitoringStore -WhatIf",
        "Clear-QueryPerformanceLog 2020-01-01 -WhatIf",
    ];

    public void Dispose() => session.Dispose();

    [Fact]
    public void Every_cmdlet_that_reads_is_among_them()
    {
        var all = StoredScripts.Concat(LiveScripts).Select(row => row.Data).ToList();

        Assert.All(
            session.Invoke("(Get-Command -Module PerfMonitoring -Verb Get, Test).Name")
                .MustSucceed().Output.Select(o => (string)o.BaseObject),
            name => Assert.Contains(all, script => script.Contains(name, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_role_that_may_only_select_is_told_the_same_as_the_owner()
    {
        var before = await ContentsAsync(fixture.Primary);

        ConnectAs(ReadingFixture.Reader, fixture.Primary);

        Assert.Equal(fixture.Owner, fixture.Owner.Keys.ToDictionary(s => s, s => Answer(session, s)));
        foreach (var script in WhatIfScripts.Select(row => row.Data))
        {
            session.Invoke(script).MustSucceed();
        }

        Assert.Equal(before, await ContentsAsync(fixture.Primary));
    }

    [Fact]
    public void A_role_whose_transactions_are_read_only_is_told_the_same_as_the_owner()
    {
        ConnectAs(ReadingFixture.ReadOnlyOwner, fixture.Primary);

        Assert.Equal(fixture.Owner, fixture.Owner.Keys.ToDictionary(s => s, s => Answer(session, s)));
    }

    [Fact]
    public async Task A_standby_tells_the_same_as_its_primary()
    {
        await CatchUpAsync();
        ConnectAs(ReadingFixture.Reader, fixture.Standby);

        Assert.All(StoredScripts.Select(row => row.Data), script => Assert.Equal(fixture.Owner[script], Answer(session, script)));
        Assert.All(LiveScripts.Select(row => row.Data), script => Answer(session, script));
    }

    [Fact]
    public void The_sample_of_a_test_that_could_not_be_stored_is_said_by_verbose_alone()
    {
        ConnectAs(ReadingFixture.Reader, fixture.Primary);

        var result = session.Invoke("Test-PerformanceThreshold -MetricType DeadlockCount -Verbose").MustSucceed();

        Assert.Equal("Ok", $"{Assert.Single(result.Output).Properties["State"].Value}");
        Assert.Contains(
            result.Verbose, v =>
            v.Contains("was not stored", StringComparison.Ordinal) && v.Contains("permission denied", StringComparison.Ordinal));
        Assert.Empty(result.Warnings);
    }

    [Fact]
    public async Task A_database_that_the_store_has_never_seen_is_said_to_be_missing_and_not_registered()
    {
        var name = await fixture.Primary.CreateDatabaseAsync(null, TestContext.Current.CancellationToken);
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0] -StoreDatabase app", fixture.Primary.ConnectionString(name))
            .MustSucceed();

        foreach (var script in new[]
        {
            "Get-IndexStrategy", "Get-IndexStrategyHistory", "Get-QueryPerformanceLog", "Get-IndexUsageStat -Since 2020-01-01",
            "Get-SlowQuery -FromLog",
        })
        {
            Assert.StartsWith(
                "StoreMissing,", Assert.Single(session.Invoke(script).AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        }

        Assert.Equal(4, session.Invoke("Get-MaintenanceWindow | ? IsDefault").MustSucceed().Output.Count);
        Assert.False(await ScalarAsync<bool>(
            fixture.Primary, "select exists (select from pg_namespace where nspname like 'perf\\_monitoring\\_%')"));
    }

    internal static string Answer(ModuleRunspace session, string script) =>
        string.Join('\n', session.Invoke(script).MustSucceed().Output.Select(o => o?.ToString()));

    private void ConnectAs(string role, PostgresCluster server) => session.Invoke(
        "Connect-PerfMonitoring -ConnectionString $args[0]",
        new NpgsqlConnectionStringBuilder(server.ConnectionString("app")) { Username = role }.ConnectionString).MustSucceed();

    private static async Task<string?> ContentsAsync(PostgresCluster server) => await ScalarAsync<string>(server, Contents);

    private async Task CatchUpAsync()
    {
        var written = await ScalarAsync<string>(fixture.Primary, "select pg_current_wal_lsn()::text");
        while (!await ScalarAsync<bool>(fixture.Standby, $"select pg_last_wal_replay_lsn() >= '{written}'"))
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<T?> ScalarAsync<T>(PostgresCluster server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString("app"));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is T value ? value : default;
    }
}
