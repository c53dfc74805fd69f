using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Examples;

/// <summary>
/// Runs the nightly runbook as a scheduler does: in a separate process, with its exit code and its error stream.
/// </summary>
public sealed class NightlyTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string Closed = "Set-MaintenanceWindow OffPeak '0 0 29 2 *' -Duration 00:01:00";

    public async ValueTask InitializeAsync()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists visits;
            drop function if exists slow;
            create extension if not exists pg_stat_statements;
            create table visits (id int primary key, guest int not null, seen int not null default 0);
            insert into visits (id, guest) select n, n % 5000 from generate_series(1, 50000) n;
            analyze visits;
            """);
        for (var i = 0; i < 20; i++)
        {
            await database.ExecuteAsync($"select id from visits where guest = {i}");
        }
    }

    public ValueTask DisposeAsync() => default;

    [Fact]
    public async Task Two_at_once_build_what_is_needed_and_the_next_changes_nothing()
    {
        var both = await Task.WhenAll(RunAsync("-MaintenanceWindow", "Immediate"), RunAsync("-MaintenanceWindow", "Immediate"));
        var built = await StateAsync();
        var next = await RunAsync("-MaintenanceWindow", "Immediate");

        Assert.All([.. both, next], run =>
        {
            Assert.Equal((0, ""), (run.ExitCode, run.Errors));
            Assert.Contains("Done, with 0 failures.", run.Output, StringComparison.Ordinal);
        });
        Assert.Contains("CREATE INDEX CONCURRENTLY visits_guest_idx ON public.visits", built, StringComparison.Ordinal);
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_action"));
        Assert.Equal(built, await StateAsync());
    }

    [Fact]
    public async Task What_waits_for_its_window_is_no_failure()
    {
        using (var session = new ModuleRunspace())
        {
            session.Invoke(
                $"Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore; {Closed}",
                database.ConnectionString).MustSucceed();
        }

        var (exitCode, output, errors) = await RunAsync();

        var waiting = await StateAsync();
        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Contains("visits_guest_idx", waiting, StringComparison.Ordinal);
        Assert.Contains("Deferred", output, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "visits_guest_idx",
            await database.ScalarAsync<string>("select string_agg(indexname, ' ') from pg_indexes where tablename = 'visits'"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_is_told_and_the_rest_is_done()
    {
        using (var session = new ModuleRunspace())
        {
            session.Invoke("""
                Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore
                $null = New-IndexStrategy visits seen -Unique
                """, database.ConnectionString).MustSucceed();
        }

        var (exitCode, output, errors) = await RunAsync("-MaintenanceWindow", "Immediate");

        Assert.Equal(1, exitCode);
        Assert.Contains("visits_seen_idx", errors, StringComparison.Ordinal);
        Assert.Contains("duplicates", errors, StringComparison.Ordinal);
        Assert.Contains("Done, with 1 failures.", output, StringComparison.Ordinal);
        Assert.Contains("visits_guest_idx", await StateAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_killed_run_left_is_mended_by_the_next()
    {
        await database.ExecuteAsync(TestDatabase.SlowFunction);
        await database.HoldBuildsAsync();
        using (var session = new ModuleRunspace())
        {
            session.Invoke("""
                Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore
                $null = New-IndexStrategy visits -Expression 'slow(seen)' -IndexName slowly
                """, database.ConnectionString).MustSucceed();
        }

        using (var night = await ProgramRun.StartPwshAsync(
            database.Cluster.Environment(database.Name), ["-File", Script, "-MaintenanceWindow", "Immediate"]))
        {
            await database.UntilBuildIsInAsync("building%");
            night.Kill();
        }

        // Otherwise the server would continue the build after the test.
        await database.EndIndexBuildsAsync();
        await UntilAsync("select not exists (select from pg_stat_progress_create_index where datname = current_database())");
        Assert.False(
            await database.ScalarAsync<bool>("select indisvalid from pg_index where indexrelid = to_regclass('slowly')"));
        await database.ReleaseBuildsAsync();

        var (exitCode, _, errors) = await RunAsync("-MaintenanceWindow", "Immediate");

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.True(await database.ScalarAsync<bool>("select indisvalid from pg_index where indexrelid = to_regclass('slowly')"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
        Assert.Equal(
            "CREATE FAILED, REPAIR SUCCEEDED, CREATE SUCCEEDED",
            await database.ScalarAsync<string>(
                "select string_agg(action || ' ' || outcome, ', ' order by started_at) from perf_monitoring.index_action "
                    + "where index_name = 'slowly'"));
    }

    [Fact]
    public async Task Without_a_server_it_ends_with_2()
    {
        var (exitCode, output, errors) = await ProgramRun.PwshToEndAsync(
            new Dictionary<string, string> { ["PGHOST"] = "127.0.0.1", ["PGPORT"] = "1" }, "-File", Script);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains("127.0.0.1:1", errors, StringComparison.Ordinal);
    }

    private static string Script => Path.Combine(Repository.Root, "docs", "examples", "nightly.ps1");

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments) =>
        ProgramRun.PwshToEndAsync(database.Cluster.Environment(database.Name), ["-File", Script, .. arguments]);

    private Task UntilAsync(string condition) =>
        Eventually.HoldsAsync(() => database.ScalarAsync<bool>(condition), condition);

    // All that a night may change: indexes, the audit, and the strategies.
    private async Task<string> StateAsync() => string.Join('\n',
        await database.ScalarAsync<string>(
            "select string_agg(indexdef, E'\\n' order by indexname) from pg_indexes where tablename = 'visits'"),
        await database.ScalarAsync<string>(
            "select string_agg(concat_ws(' ', action, outcome, statement, finished_at), E'\\n' order by started_at) from "
                + "perf_monitoring.index_action"),
        await database.ScalarAsync<string>(
            "select string_agg(concat_ws(' ', id, index_name, is_created, is_active), E'\\n' order by index_name) from "
                + "perf_monitoring.index_strategy"));
}
