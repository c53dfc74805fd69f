using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

/// <summary>A database whose settings are not those that the module relies on, reached directly and by a pooler.</summary>
public sealed class ForeignSettingsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly string[] Settings =
    [
        "standard_conforming_strings = off", "backslash_quote = off", "escape_string_warning = on", "array_nulls = off",
        "transform_null_equals = on", "quote_all_identifiers = on", "\"DateStyle\" = 'German, DMY'",
        "\"IntervalStyle\" = 'sql_standard'", "\"TimeZone\" = 'Asia/Kathmandu'", "bytea_output = 'escape'",
        "extra_float_digits = -15", "lc_monetary = 'C'", "xmlbinary = 'hex'", "xmloption = 'document'",
        "client_encoding = 'LATIN1'", "client_min_messages = 'debug1'", "search_path = 'app'", "row_security = off",
        "default_transaction_isolation = 'serializable'", "default_transaction_read_only = on",
        "default_transaction_deferrable = on", "statement_timeout = '20s'", "lock_timeout = '20s'",
        "idle_in_transaction_session_timeout = '20s'", "exit_on_error = on", "check_function_bodies = off",
    ];

    [Fact]
    public async Task Every_cmdlet_works_whatever_the_database_sets()
    {
        await database.ExecuteAsync("""
            create extension pg_stat_statements;
            create schema app;
            create table app.item (id int primary key, n int, note text, at timestamptz, day date, wait interval, price money);
            insert into app.item
            select g, g % 1000, case when g % 10 = 0 then 'a\b' else 'new' end, now() - g * interval '1 min',
                current_date - g % 300, g * interval '1 min', 3 from generate_series(1, 30000) g;
            analyze app.item;
            """);
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync(string.Concat(Settings.Select(s => $"alter database \"{database.Name}\" set {s};")));
        for (var i = 0; i < 3; i++)
        {
            await database.ExecuteAsync($"select count(*) from app.item where n = {i}");
            await database.ExecuteAsync(
                $"select max(id) from app.item where day = date '13.1.2020' and wait < interval '{i} min'");
        }

        using var session = new ModuleRunspace();
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
        session.Invoke("""
            $null = Initialize-PerfMonitoringStore
            $null = Test-PerfMonitoringPrerequisite
            $null = New-PerformanceThreshold QueryTime 1000 2000
            """).MustSucceed();
        Assert.Contains(
            "create index concurrently",
            $"{session.Invoke("Get-SlowQuery -Like app.item | New-IndexStrategy -MaximumCount 1").Only().Properties[
                "IndexDefinition"].Value}", StringComparison.OrdinalIgnoreCase);
        session.Invoke("$null = New-IndexStrategy item note -IndexName noted -Where \"note = 'a\\b'\"").MustSucceed();

        var created = session.Invoke("Invoke-IndexCreation -Pending -Confirm:$false").MustSucceed();

        Assert.Empty(created.Warnings);
        Assert.All(created.Values("State"), s => Assert.Equal("Created", $"{s}"));
        Assert.Equal(2, created.Output.Count);
        Assert.Equal(
            @"a\b", await database.ScalarAsync<string>("select note from app.item where note = E'a\\\\b' limit 1"));
        foreach (var script in new[]
        {
            "Update-QueryPerformanceLog", "Get-QueryPerformanceLog -First 1", "Get-SlowQuery -FromLog -Top 1",
            "Get-IndexUsageStat -TableName item", "Update-IndexUsageStat", "Test-PerformanceThreshold",
            "Get-IndexStrategyHistory", "Get-IndexStrategy | Test-IndexStrategy", "Get-MaintenanceWindow",
            "Invoke-IndexRemoval -IndexName noted -Force -Confirm:$false",
            "Undo-IndexRemoval noted -Confirm:$false", "Clear-QueryPerformanceLog -Before 2020-01-01 -Confirm:$false",
        })
        {
            Assert.NotEmpty(session.Invoke(script).MustSucceed().Output);
        }

        await using var bouncer = await PgBouncer.StartAsync(database.Cluster);
        session.Invoke(
            "$pooled = Connect-PerfMonitoring -Name pooled -ConnectionString $args[0]",
            $"Host=127.0.0.1;Port={bouncer.Port};Username=postgres;Database={database.Name}").MustSucceed();
        foreach (var script in new[]
        {
            "Get-SlowQuery", "Update-QueryPerformanceLog", "Get-QueryPerformanceLog", "Get-SlowQuery -FromLog",
            "Get-IndexStrategy", "Update-IndexUsageStat", "Test-PerformanceThreshold", "Test-PerfMonitoringPrerequisite",
        })
        {
            Assert.NotEmpty(session.Invoke($"{script} -Session $pooled").MustSucceed().Output);
        }
    }
}
