using System.Globalization;
using System.Management.Automation;
using Npgsql;
using PerfMonitoring.Pipeline;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

/// <summary>Cmdlets work on several sessions at once.</summary>
public sealed class FanOutTests(FanOutDatabases databases) : IClassFixture<FanOutDatabases>, IAsyncLifetime
{
    private readonly ModuleRunspace session = databases.Session;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var database in databases.All)
        {
            await database.ExecuteAsync(
                "drop index if exists wanted; truncate perf_monitoring.index_strategy cascade; "
                    + "truncate perf_monitoring.maintenance_schedule");
        }
    }

    [Theory]
    [InlineData("-Session fan1, fan2, fan3")]
    [InlineData("-Session fan* -ThrottleLimit 1")]
    [InlineData("-Session FAN1, fan[23], none* -ThrottleLimit 256")]
    [InlineData("-Session (Get-PerfMonitoringSession), fan1")]
    public void Each_session_answers_once_and_its_objects_say_so(string sessions)
    {
        var slow = session.Invoke($"Get-SlowQuery -Top 1 -Like '*from items where customer_id*' {sessions}").MustSucceed();
        var windows = session.Invoke($"Get-MaintenanceWindow OffPeak {sessions}").MustSucceed();
        var checks = session.Invoke($"Test-PerfMonitoringPrerequisite {sessions}").MustSucceed();

        Assert.Equal(Everywhere, Targets(slow));
        Assert.Equal(Everywhere, Targets(windows));
        Assert.Equal(Everywhere, Targets(checks).Distinct());
    }

    [Fact]
    public void A_script_that_asks_gets_one_answer() =>
        Assert.Equal(true, session.Invoke("Test-PerfMonitoringPrerequisite -Quiet -Session fan*").Only().BaseObject);

    [Theory]
    [InlineData("Get-IndexStrategy -Session fan1, nobody", "SessionNotFound", "nobody")]
    [InlineData("Get-IndexStrategy -Session none*", "SessionNotFound", "none*")]
    [InlineData("Get-IndexStrategy -Session fan1, $null", "InvalidArgument", "-Session")]
    [InlineData("Get-IndexStrategy -Session @()", "InvalidArgument", "-Session")]
    [InlineData("Get-IndexStrategy -Session fan1, @{ Name = 'fan2' }", "SessionNotLive", "file")]
    [InlineData("Disconnect-PerfMonitoring nobody, none*", "SessionNotFound", "nobody")]
    public void A_session_that_is_not_there_is_told_before_anything_runs(string script, string id, string text)
    {
        var result = session.Invoke(script);

        var error = Assert.Single(result.AllErrors);
        Assert.Empty(result.Output);
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(text, error.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, session.Invoke("Get-PerfMonitoringSession fan*").Output.Count);
    }

    [Fact]
    public async Task A_server_that_is_gone_is_one_error_and_the_others_answer()
    {
        await using var closed = FaultProxy.Start(databases.All[0].Cluster.Port);
        await using var silent = FaultProxy.Start(databases.All[0].Cluster.Port);
        try
        {
            await ConnectAsync("gone1", closed, 0);
            await ConnectAsync("mute1", silent, 1);
            await ConnectAsync("mute2", silent, 2);
            closed.Refuse();
            closed.CutAll();
            silent.Set(ProxyFault.Swallow);

            var first = session.Invoke("Get-MaintenanceWindow OffPeak -Session fan*, gone1, mute*");
            var second = session.Invoke("Get-MaintenanceWindow OffPeak -Session fan*, mute*");
            var stopped = session.Invoke("Get-MaintenanceWindow OffPeak -Session mute1, fan1 -ErrorAction Stop");
            var quiet = session.Invoke("Test-PerfMonitoringPrerequisite -Quiet -Session fan1, gone1");

            Assert.Equal(Everywhere, Targets(first));
            Assert.Equal(2, first.AllErrors.Count);
            var gone = Assert.Single(
                first.Errors, e => e.FullyQualifiedErrorId.StartsWith("ConnectionFailed,", StringComparison.Ordinal));
            Assert.StartsWith("gone1: ", gone.ToString(), StringComparison.Ordinal);
            Assert.Equal("gone1", $"{gone.TargetObject}");
            Assert.Equal("gone1", gone.CategoryInfo.TargetName);
            Assert.Equal(ErrorCategory.ConnectionError, gone.CategoryInfo.Category);
            var mute = Assert.Single(first.Errors, e => e != gone);
            Assert.StartsWith("NoAnswer,", mute.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Matches("^mute[12], mute[12]: ", mute.ToString());
            Assert.Equal(2, ((object[])mute.TargetObject).Length);

            // Nobody waits for its statements any more.
            Assert.Equal(Everywhere, Targets(second));
            var down = Assert.Single(second.AllErrors);
            Assert.StartsWith("ServerDown,", down.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains(Text(silent.Port), down.ToString(), StringComparison.Ordinal);
            Assert.NotEmpty(down.ErrorDetails.RecommendedAction);

            Assert.StartsWith("ServerDown,", stopped.TerminatingError?.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal(false, Assert.Single(quiet.Output).BaseObject);

            silent.Heal();
            await Eventually.HoldsAsync(
                () => Task.FromResult(!session.Invoke("Get-MaintenanceWindow OffPeak -Session mute*").HadErrors),
                "the server is asked again");
        }
        finally
        {
            session.Invoke("Disconnect-PerfMonitoring gone*, mute*").MustSucceed();
        }
    }

    [Theory]
    [InlineData("Yes to All", 0)]
    [InlineData("No to All", 3)]
    public void One_answer_holds_for_all_sessions(string answer, int left)
    {
        session.Invoke("$null = New-IndexStrategy items status -IndexName wanted -Session fan*").MustSucceed();
        var asked = session.Host.Prompts.Count;
        session.Host.Answers.Enqueue(answer);

        session.Invoke("Get-IndexStrategy -Session fan* | Remove-IndexStrategy -Confirm").MustSucceed();

        Assert.Equal(asked + 1, session.Host.Prompts.Count);
        Assert.Matches("fan[123]: wanted on public.items", session.Host.Prompts[^1]);
        Assert.Equal(left, session.Invoke("Get-IndexStrategy -Session fan*").MustSucceed().Output.Count);
    }

    [Theory]
    [InlineData(Shape.Live)]
    [InlineData(Shape.Clixml)]
    [InlineData(Shape.Csv)]
    public async Task Objects_find_the_session_of_their_database(Shape shape)
    {
        var strategies = session.Invoke("New-IndexStrategy items status -IndexName wanted -Session fan1, fan2").MustSucceed()
            .Output.Select(s => Shapes.Of(s, shape)).ToArray();
        Assert.Equal(2, strategies.Length);

        var built = session.Invoke("$args[0] | Invoke-IndexCreation -Confirm:$false", [strategies]).MustSucceed();
        var given = session.Invoke("Set-IndexStrategy $args[0] -UsagePattern Sort -PassThru -Session fan*", [strategies])
            .MustSucceed();
        var usage = session.Invoke("$args[0] | Get-IndexUsageStat", [strategies]).MustSucceed();
        var left = session.Invoke("$args[0] | Remove-IndexStrategy -Session fan3, fan1 -Confirm:$false", [strategies]);

        Assert.Equal([.. Everywhere.Take(2)], Targets(built));
        Assert.All(built.Values("State"), s => Assert.Equal("Created", $"{s}"));
        Assert.Equal([.. Everywhere.Take(2)], Targets(given));
        Assert.Equal([.. Everywhere.Take(2)], Targets(usage));
        bool[] exists = await Task.WhenAll(databases.All.Select(
            d => d.ScalarAsync<bool>("select exists (select from pg_indexes where indexname = 'wanted')")));
        Assert.Equal([true, true, false], exists);
        var other = Assert.Single(left.AllErrors);
        Assert.StartsWith("OtherDatabase,", other.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("fan3, fan1", other.ToString(), StringComparison.Ordinal);
        Assert.Contains("Connect-PerfMonitoring", other.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Equal(Everywhere[1], Assert.Single(Targets(session.Invoke("Get-IndexStrategy -Session fan*"))));
    }

    [Fact]
    public void A_change_is_made_once_in_a_database_of_two_sessions()
    {
        session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0] -Name again", databases.All[0].ConnectionString)
            .MustSucceed();
        try
        {
            var reading = session.Invoke("Get-MaintenanceWindow OffPeak -Session fan1, again").MustSucceed();
            var change = session.Invoke("New-IndexStrategy items status -IndexName wanted -Session fan1, again").MustSucceed();
            var routed = session.Invoke("Get-IndexStrategy -Session fan1, again | Set-IndexStrategy -UsagePattern Sort -WhatIf")
                .MustSucceed();

            Assert.Equal([Everywhere[0], Everywhere[0]], Targets(reading));
            Assert.Equal([Everywhere[0]], Targets(change));
            Assert.Contains("'again' is left out", Assert.Single(change.Warnings), StringComparison.Ordinal);
            // The default session is the one that was opened last.
            Assert.DoesNotContain("fan1", routed.HostText, StringComparison.Ordinal);
        }
        finally
        {
            session.Invoke("Disconnect-PerfMonitoring again; $null = Get-PerfMonitoringSession").MustSucceed();
        }
    }

    [Fact]
    public void Values_of_another_database_are_good_for_each()
    {
        session.Invoke("Set-MaintenanceWindow OffPeak '0 4 * * *' -Session fan1").MustSucceed();

        var copied = session.Invoke(
            "Get-MaintenanceWindow OffPeak -Session fan1 | Set-MaintenanceWindow -PassThru -Session fan2, fan3").MustSucceed();
        var own = session.Invoke("Get-MaintenanceWindow OffPeak -Session fan* | Set-MaintenanceWindow -Duration 2h -PassThru")
            .MustSucceed();
        var none = session.Invoke("Get-SlowQuery -Top 1 -Session fan1 | Get-IndexUsageStat");

        Assert.Equal([.. Everywhere.Skip(1)], Targets(copied));
        Assert.All(copied.Values("CronExpression"), c => Assert.Equal("0 4 * * *", c));
        Assert.Equal(Everywhere, Targets(own));
        Assert.StartsWith("ObjectIncomplete,", Assert.Single(none.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(none.Output);
    }

    [Fact]
    public void Lines_say_their_session_and_progress_is_of_the_whole()
    {
        var verbose = session.Invoke("Initialize-PerfMonitoringStore -Session fan1, fan2 -Verbose").MustSucceed();
        var missing = session.Invoke("Get-IndexUsageStat -IndexName nosuch -Session fan1, fan2");
        var one = session.Invoke("Initialize-PerfMonitoringStore -Session fan1 -Verbose").MustSucceed();

        Assert.Equal(
            ["fan1", "fan2"], verbose.Verbose.Select(v => v.Split(':')[0]).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(
            ["fan1: ", "fan2: "], missing.Errors.Select(e => e.ToString()[..6]).Order(StringComparer.Ordinal));
        Assert.Contains(verbose.Progress, p => p.StatusDescription == "1 of 2 sessions");
        Assert.Equal(ProgressRecordType.Completed, verbose.Progress[^1].RecordType);
        Assert.Single(one.Verbose, v => v.StartsWith("The store", StringComparison.Ordinal));
        Assert.DoesNotContain(one.Verbose, v => v.StartsWith("fan1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task No_more_sessions_work_than_allowed_and_all_stop_together()
    {
        var locks = new List<NpgsqlConnection>();
        try
        {
            foreach (var database in databases.All)
            {
                var connection = new NpgsqlConnection(database.UnpooledConnectionString);
                locks.Add(connection);
                await connection.OpenAsync(TestContext.Current.CancellationToken);
                await using var command = new NpgsqlCommand(
                    "begin; lock table perf_monitoring.index_strategy in access exclusive mode", connection);
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }

            var running = session.Start("Get-IndexStrategy -Session fan* -ThrottleLimit 2");
            await Eventually.HoldsAsync(async () => await WaitingAsync() == 2, "two sessions wait for their locks");
            await locks[0].CloseAsync();
            await locks[1].CloseAsync();
            await locks[2].CloseAsync();
            await Eventually.HoldsAsync(async () => await WaitingAsync() == 0, "all are served");
            Assert.False((await running.StopAsync()).HadErrors);

            foreach (var connection in locks)
            {
                await connection.OpenAsync(TestContext.Current.CancellationToken);
                await using var command = new NpgsqlCommand(
                    "begin; lock table perf_monitoring.index_strategy in access exclusive mode", connection);
                await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            }

            running = session.Start("Get-IndexStrategy -Session fan* -ThrottleLimit 2");
            await Eventually.HoldsAsync(async () => await WaitingAsync() == 2, "two sessions wait for their locks");
            var stopped = await running.StopAsync();

            Assert.True(stopped.WasStopped);
            Assert.Empty(stopped.Output);
            await Eventually.HoldsAsync(async () => await WaitingAsync() == 0, "no statement is left behind");
        }
        finally
        {
            foreach (var connection in locks)
            {
                await connection.DisposeAsync();
            }
        }
    }

    private string[] Everywhere => [.. databases.All.Select(d => d.Name)];

    private Task<long> WaitingAsync() => databases.All[0].ScalarAsync<long>(
        "select count(distinct datname) from pg_stat_activity where wait_event_type = 'Lock' and datname in ("
            + $"{string.Join(", ", databases.All.Select(d => $"'{d.Name}'"))})");

    private string[] Targets(ScriptResult result) =>
        [.. result.Values("Target").Select(t => $"{t}".Split('/')[^1]).OrderBy(n => Array.IndexOf(Everywhere, n))];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    // On a busy machine 3 s can be too short for a healthy server.
    private Task ConnectAsync(string name, FaultProxy proxy, int database) => Eventually.HoldsAsync(
        () => Task.FromResult(!session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0] -Name $args[1] -ConnectTimeout 3s -CommandTimeout 3s",
            $"Host=127.0.0.1;Port={proxy.Port};Username=postgres;Database={databases.All[database].Name}", name).HadErrors),
        $"session {name} is open");
}
