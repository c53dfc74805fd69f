using System.Management.Automation;
using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

/// <summary>Builds that are judged by the executions of statements before and after.</summary>
public sealed class VerifiedCreationTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string Query = "select count(*), min(pause()) from orders where customer_id = 7";

    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        // An index with the name harmful makes the statement slower; any other index on its column makes it faster.
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists orders cascade;
            create extension if not exists pg_stat_statements;
            create table orders (id bigint primary key, customer_id int, status text);
            insert into orders select g, g % 5000, repeat('new', 20) from generate_series(1, 60000) g;
            analyze orders;
            create or replace function pause() returns int language plpgsql stable as '
                begin
                    if exists (select from pg_class where relname = ''harmful'') then perform pg_sleep(0.003); end if;
                    return 1;
                end';
            """);
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore",
            database.ConnectionString).MustSucceed();
        await RunAsync(40);
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Theory]
    [InlineData("-Verify", "helpful", "Created", "Improved", 1)]
    [InlineData("-Verify", "harmful", "Created", "Regressed", 1)]
    [InlineData("-RevertOnRegression", "harmful", "Reverted", "Regressed", 0)]
    [InlineData("-RevertOnRegression", "helpful", "Created", "Improved", 1)]
    public async Task It_is_told_whether_it_helped_and_what_did_harm_goes_where_that_was_asked_for(
        string arguments, string name, string state, string verdict, int left)
    {
        var result = await WhileBusyAsync(() => session.Invoke($"""
            {Strategy(name)} | Invoke-IndexCreation {arguments} -VerifyAfter 3s -Confirm:$false
            Get-IndexStrategyHistory
            """).MustSucceed());

        var created = result.Output[0];
        Assert.Equal(state, $"{created.Properties["State"].Value}");
        var verification = System.Management.Automation.PSObject.AsPSObject(created.Properties["Verification"].Value);
        Assert.Equal(verdict, $"{verification.Properties["Verdict"].Value}");
        Assert.Equal(left, await database.ScalarAsync<long>($"select count(*) from pg_class where relname = '{name}'"));
        Assert.Contains(
            result.Progress, p =>
                p.StatusDescription.StartsWith("collecting statistics for 00:00:03", StringComparison.Ordinal)
                && p.PercentComplete == 50);
        Assert.Equal(
            state == "Reverted" ? ["Revert Succeeded", "Create Succeeded"] : ["Create Succeeded"],
            result.Output.Skip(1).Select(a => $"{a.Properties["Action"].Value} {a.Properties["Outcome"].Value}"));
        if (state == "Reverted")
        {
            Assert.StartsWith("Regressed: time +", (string)result.Output[1].Properties["Reason"].Value, StringComparison.Ordinal);
            Assert.StartsWith("Regressed: time +", (string)created.Properties["Reason"].Value, StringComparison.Ordinal);
            Assert.Empty(session.Invoke("Get-IndexStrategy -Pending").MustSucceed().Output);
        }
    }

    [Fact]
    public async Task What_was_there_before_is_never_dropped()
    {
        session.Invoke($"$null = {Strategy("other")}").MustSucceed();
        await database.ExecuteAsync("create index harmful on orders (customer_id)");

        var result = await WhileBusyAsync(
            () => session.Invoke("Invoke-IndexCreation -Pending -RevertOnRegression -VerifyAfter 2s -Confirm:$false"));

        Assert.Equal("AlreadyExists", $"{result.Only().Properties["State"].Value}");
        Assert.Null(result.Only().Properties["Verification"].Value);
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from pg_class where relname = 'harmful'"));
    }

    [Fact]
    public void Too_few_executions_decide_nothing()
    {
        var created = session.Invoke(
            $"{Strategy("harmful")} | Invoke-IndexCreation -RevertOnRegression -VerifyAfter 1s -Confirm:$false").Only();

        Assert.Equal("Created", $"{created.Properties["State"].Value}");
        Assert.Equal(
            "Insufficient", $"{PSObject.AsPSObject(created.Properties["Verification"].Value).Properties["Verdict"].Value}");
    }

    [Fact]
    public async Task Stopped_while_it_watches_it_says_what_is_built()
    {
        var running = session.Start($"{Strategy("helpful")} | Invoke-IndexCreation -Verify -VerifyAfter 1h -Confirm:$false");
        await running.WaitForProgressAsync(
            p => p.StatusDescription.StartsWith("collecting statistics", StringComparison.Ordinal));

        var result = await running.StopAsync();

        Assert.True(result.WasStopped);
        Assert.Contains("helpful on public.orders is built and not verified", result.HostText, StringComparison.Ordinal);
        Assert.Equal(
            1, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indexrelid = 'helpful'::regclass and indisvalid"));
    }

    [Fact]
    public async Task Without_a_store_nothing_is_built()
    {
        await database.ExecuteAsync("drop schema perf_monitoring cascade");

        var result = session.Invoke($"{Strategy("helpful")} | Invoke-IndexCreation -Verify -Confirm:$false");

        Assert.StartsWith("StoreMissing,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_class where relname = 'helpful'"));
    }

    [Fact]
    public async Task The_log_is_brought_up_to_date_around_the_builds_of_a_run_and_no_failure_of_it_stops_a_build()
    {
        const string intervals = "select count(distinct executed_at) from perf_monitoring.query_performance_log";
        const string head = "select max(taken_at) from perf_monitoring.query_statistics_head";
        var strategies = $"{Strategy("one")}; New-IndexStrategy orders status -IndexName two";
        session.Invoke($"& {{ {strategies} }} | Invoke-IndexCreation -WhatIf").MustSucceed();
        Assert.Equal(0, await database.ScalarAsync<long>(intervals));

        var built = session.Invoke("Invoke-IndexCreation -Pending -Confirm:$false -Verbose").MustSucceed();

        Assert.All(built.Values("State"), s => Assert.Equal("Created", $"{s}"));
        Assert.Equal(
            ["before the first build.", "after the last build."],
            built.Verbose.Where(v => v.StartsWith("Bringing the query log", StringComparison.Ordinal))
                .Select(v => v["Bringing the query log up to date ".Length..]));
        Assert.True(await database.ScalarAsync<bool>($"""
            select (select min(executed_at) from perf_monitoring.query_performance_log) <= min(started_at)
                and ({head}) >= max(finished_at) and count(*) = 2
            from perf_monitoring.index_action
            """));

        // Nothing is built, so nothing is read.
        var before = await database.ScalarAsync<DateTime>(head);
        session.Invoke("Invoke-IndexCreation -Pending -Confirm:$false").MustSucceed();
        Assert.Equal(before, await database.ScalarAsync<DateTime>(head));

        await database.ExecuteAsync("drop extension pg_stat_statements");
        var unread = session.Invoke("New-IndexStrategy orders status, id -IndexName three | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();
        Assert.Contains("has no extension pg_stat_statements", Assert.Single(unread.Warnings), StringComparison.Ordinal);

        await database.ExecuteAsync("drop schema perf_monitoring cascade; drop index one, two, three");
        var storeless = session.Invoke($"{Strategy("four")} -WarningAction Ignore | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();
        Assert.Equal("Created", $"{storeless.Only().Properties["State"].Value}");
        Assert.Empty(storeless.Warnings);
    }

    [Theory]
    [InlineData("30")]
    [InlineData("8d")]
    [InlineData("0s")]
    public void A_time_that_cannot_be_meant_is_refused(string value)
    {
        var result = session.Invoke($"Invoke-IndexCreation -Pending -Verify -VerifyAfter {value} -Confirm:$false");

        Assert.Single(result.AllErrors);
        Assert.Matches("^(InvalidVerifyAfter|ParameterArgumentTransformationError),", result.AllErrors[0].FullyQualifiedErrorId);
    }

    private static string Strategy(string name) => $"New-IndexStrategy -TableName orders -Column customer_id -IndexName {name}";

    private async Task<ScriptResult> WhileBusyAsync(Func<ScriptResult> work)
    {
        using var done = new CancellationTokenSource();
        var busy = Task.Run(
            async () =>
            {
                while (!done.IsCancellationRequested)
                {
                    await RunAsync(5);
                    await Task.Delay(20, TestContext.Current.CancellationToken);
                }
            },
            TestContext.Current.CancellationToken);
        try
        {
            return await Task.Run(work, TestContext.Current.CancellationToken);
        }
        finally
        {
            await done.CancelAsync();
            await busy;
        }
    }

    private async Task RunAsync(int times)
    {
        await using var connection = new NpgsqlConnection(database.UnpooledConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        for (var i = 0; i < times; i++)
        {
            await using var command = new NpgsqlCommand(Query, connection);
            await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }
    }
}
