using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Behind a pooler a session is shared: the module leaves nothing in it, and refuses work that needs a dedicated session.
/// </summary>
public sealed class PoolerTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    // The pooler itself sets the application_name of its clients.
    private const string State = """
        select concat_ws('|',
            (select string_agg(name || '=' || setting, ',' order by name) from pg_settings where source = 'session' and name not like 'transaction%' and name <> 'application_name'),
            (select count(*) from pg_prepared_statements), (select count(*) from hypopg_list_indexes),
            (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
            (select count(*) from pg_class where relnamespace = pg_my_temp_schema()), current_setting('role'))
        """;

    // Commands that work transaction by transaction; each writes an object or nothing, and no error.
    private static readonly string[] Working =
    [
        "Get-SlowQuery -Top 3", "Update-QueryPerformanceLog", "Get-SlowQuery -FromLog -Top 3", "Get-QueryPerformanceLog",
        "Get-IndexStrategy", "Get-IndexStrategyHistory",
        "Get-IndexUsageStat", "Update-IndexUsageStat", "Get-MaintenanceWindow", "Get-PerformanceThreshold",
        "Test-PerformanceThreshold",
        "Test-PerfMonitoringPrerequisite", "Invoke-IndexCreation -Pending -WhatIf",
    ];

    private static readonly string[] Refused =
    [
        "New-IndexStrategy -Query 'select id from item where note = ''5'''", "Invoke-IndexCreation -Pending -Confirm:$false",
        "Invoke-IndexRemoval -IndexName item_n -Force -Confirm:$false",
    ];

    [Fact]
    public async Task Nothing_is_left_in_the_sessions_that_others_use()
    {
        await database.ExecuteAsync("""
            create extension if not exists pg_stat_statements;
            create table item (id int generated always as identity primary key, n int not null default 1, note text);
            insert into item (n, note) select g % 100, g::text from generate_series(1, 3000) g;
            create index item_n on item (n);
            analyze item;
            """);
        await database.CreateHypoPgAsync();
        using (var direct = new ModuleRunspace())
        {
            direct.Invoke(
                "$null = Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore; $null = "
                    + "New-IndexStrategy item note; $null = New-PerformanceThreshold ConnectionCount 100 200",
                database.ConnectionString).MustSucceed();
        }

        await using var bouncer = await PgBouncer.StartAsync(database.Cluster);
        var before = await StatesAsync(bouncer);
        using var session = new ModuleRunspace();
        session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0]",
            $"Host=127.0.0.1;Port={bouncer.Port};Username=postgres;Database={database.Name}").MustSucceed();
        using var end = new CancellationTokenSource();
        var inserts = Enumerable.Range(0, 4).Select(_ => InsertAsync(bouncer, end.Token)).ToList();
        for (var round = 0; round < 10; round++)
        {
            foreach (var script in Working)
            {
                session.Invoke(script).MustSucceed();
            }

            foreach (var script in Refused)
            {
                Assert.StartsWith(
                    "PooledConnection,", Assert.Single(session.Invoke(script).AllErrors).FullyQualifiedErrorId,
                    StringComparison.Ordinal);
            }
        }

        await end.CancelAsync();
        Assert.All(await Task.WhenAll(inserts), inserted => Assert.True(inserted > 0));
        var after = await StatesAsync(bouncer);
        Assert.Equal(PgBouncer.PoolSize, after.Count);
        Assert.Equal(before.Distinct(), after.Distinct());
    }

    [Fact]
    public async Task Settings_that_others_left_in_a_session_do_not_reach_our_statements()
    {
        await database.ExecuteAsync("create extension if not exists pg_stat_statements");
        await using var bouncer = await PgBouncer.StartAsync(database.Cluster);
        await OnEachAsync(
            bouncer,
            "select set_config('search_path', 'public', false), set_config('standard_conforming_strings', 'off', false), "
                + "set_config('bytea_output', 'escape', false)");
        using var session = new ModuleRunspace();
        session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0]",
            $"Host=127.0.0.1;Port={bouncer.Port};Username=postgres;Database={database.Name}").MustSucceed();

        session.Invoke("Get-SlowQuery -Top 1; Get-IndexUsageStat; Test-PerfMonitoringPrerequisite").MustSucceed();
        Assert.All(
            await OnEachAsync(bouncer, "select current_setting('bytea_output')"), output => Assert.Equal("escape", output));
    }

    private async Task<int> InsertAsync(PgBouncer bouncer, CancellationToken end)
    {
        await using var connection = await bouncer.ConnectAsync(database.Name);
        var inserted = 0;
        while (!end.IsCancellationRequested)
        {
            await using var command = new NpgsqlCommand("insert into item (note) values ('x')", connection);
            inserted += await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        return inserted;
    }

    private Task<IReadOnlyList<string>> StatesAsync(PgBouncer bouncer) => OnEachAsync(bouncer, State);

    // The number of parallel transactions equals the pool's sessions, so that every session is reached.
    private async Task<IReadOnlyList<string>> OnEachAsync(PgBouncer bouncer, string sql)
    {
        var answers = new Dictionary<int, string>();
        var open = new List<NpgsqlConnection>();
        try
        {
            for (var i = 0; i < PgBouncer.PoolSize; i++)
            {
                var connection = await bouncer.ConnectAsync(database.Name);
                open.Add(connection);
                await using var begin = new NpgsqlCommand("begin", connection);
                await begin.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
                await using var pid = new NpgsqlCommand("select pg_backend_pid()", connection);
                await using var ask = new NpgsqlCommand(sql, connection);
                answers[(int)(await pid.ExecuteScalarAsync(TestContext.Current.CancellationToken))!] =
                    $"{await ask.ExecuteScalarAsync(TestContext.Current.CancellationToken)}";
            }

            foreach (var connection in open)
            {
                await using var commit = new NpgsqlCommand("commit", connection);
                await commit.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }
        }
        finally
        {
            foreach (var connection in open)
            {
                await connection.DisposeAsync();
            }
        }

        return [.. answers.Values];
    }
}
