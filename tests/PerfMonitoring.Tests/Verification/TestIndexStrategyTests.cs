using System.Globalization;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Verification;

public sealed class TestIndexStrategyTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists orders cascade;
            create extension if not exists pg_stat_statements;
            select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0);
            create table orders (id bigint primary key, customer_id int, status text);
            insert into orders select g, g % 5000, repeat('new', 20) from generate_series(1, 60000) g;
            analyze orders;
            """);
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore",
            database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Fact]
    public async Task Real_executions_before_and_after_a_build_tell_that_it_helped()
    {
        await RunAsync();
        // The build itself brings the log up to date before and after, so that no interval overlaps it.
        var built = session.Invoke(
            "$null = New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();
        Assert.Empty(built.Warnings);
        await RunAsync();
        session.Invoke("$null = Update-QueryPerformanceLog").MustSucceed();

        var result = session.Invoke("""
            $verification = Test-IndexStrategy
            $query = $verification.Queries | Where-Object Query -like 'select count*'
            "$($verification.Verdict) $($query.Verdict) $($query.CallsBefore) $($query.CallsAfter) $($query.IntervalsAfter) $($query.Effect -lt -0.5)"
            $verification.Reason
            """).MustSucceed();

        Assert.Equal("Improved Improved 40 40 1 True", result.Output[0].ToString());
        Assert.StartsWith("Improved: time -", result.Output[1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verdicts_are_told_by_strategy_by_id_and_in_short()
    {
        session.Invoke("$null = New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();
        await LogAsync(before: 5, after: 9);

        var result = session.Invoke("""
            Get-IndexStrategy -Created | Test-IndexStrategy
            Test-IndexStrategy -Id (Get-IndexStrategy -Created).Id -Window '2d'
            Test-IndexStrategy -Since ([datetime]::Now.AddMinutes(-5)) -Window 2d
            """).MustSucceed();

        Assert.Equal(3, result.Output.Count);
        Assert.All(result.Values("Verdict"), v => Assert.Equal("Regressed", $"{v}"));
        Assert.All(result.Values("QueriesRegressed"), v => Assert.Equal(1, v));
        Assert.Equal(false, session.Invoke("Test-IndexStrategy -Quiet").Only().BaseObject);
        Assert.Equal(true, session.Invoke("Test-IndexStrategy -Quiet -MinimumEffect 0.9").Only().BaseObject);
        Assert.Empty(session.Invoke("Test-IndexStrategy -Since ([datetime]::Now.AddMinutes(5))").MustSucceed().Output);
    }

    [Fact]
    public async Task What_was_not_built_here_is_passed_over()
    {
        await database.ExecuteAsync("create index adopted on orders (status)");
        session.Invoke("""
            $null = Update-IndexUsageStat
            $null = New-IndexStrategy -TableName orders -Column status, id -IndexName pending
            """).MustSucceed();

        var none = session.Invoke("Get-IndexStrategy | Test-IndexStrategy -Verbose").MustSucceed();

        Assert.Empty(none.Output);
        Assert.Contains("None of the 3 index(es) was built", Assert.Single(none.Warnings), StringComparison.Ordinal);
        Assert.All(
            new[] { "adopted", "orders_pkey", "pending" }, name => Assert.Single(
                none.Verbose, v => v.StartsWith($"{name} is passed over", StringComparison.Ordinal)));
        Assert.Equal(false, session.Invoke("Get-IndexStrategy | Test-IndexStrategy -Quiet").Output.Single().BaseObject);

        session.Invoke("$null = New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();
        var one = session.Invoke("Get-IndexStrategy | Test-IndexStrategy").MustSucceed();
        Assert.Equal("orders_customer_id_idx", one.Only().Properties["IndexName"].Value);
        Assert.Empty(one.Warnings);

        var unknown = session.Invoke("Test-IndexStrategy -Id ([guid]::NewGuid())");
        Assert.StartsWith(
            "IndexNotCreated,", Assert.Single(unknown.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_missing_for_a_verdict_stands_in_the_table()
    {
        await RunAsync();
        session.Invoke("$null = New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();

        foreach (var width in new[] { 80, 120 })
        {
            var lines = $"{session.Invoke($"Test-IndexStrategy | Out-String -Width {width}").Only().BaseObject}".Split('\n');
            // A long text is cut anywhere to fit its column.
            var text = string.Concat(lines.SelectMany(line => line).Where(c => !char.IsWhiteSpace(c)));

            Assert.All(lines, line => Assert.InRange(line.TrimEnd().Length, 0, width));
            Assert.Contains("InsufficientNoexecutionafterthebuild.", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("-Window 0d", "InvalidWindow,")]
    [InlineData("-Window 7", "ParameterArgumentTransformationError,")]
    [InlineData("-Confidence 1", "ParameterArgumentValidationError,")]
    public void What_cannot_be_meant_is_refused(string arguments, string error)
    {
        var result = session.Invoke($"Test-IndexStrategy {arguments}");

        Assert.StartsWith(error, Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_store_it_says_so()
    {
        var result = session.Invoke("Test-IndexStrategy; Get-IndexStrategyHistory");
        Assert.Empty(result.MustSucceed().Output);

        await database.ExecuteAsync("drop schema perf_monitoring cascade");
        result = session.Invoke("Test-IndexStrategy; Get-IndexStrategyHistory");

        Assert.All(result.AllErrors, e => Assert.StartsWith("StoreMissing,", e.FullyQualifiedErrorId, StringComparison.Ordinal));
        Assert.Equal(2, result.AllErrors.Count);
    }

    [Fact]
    public void The_history_lists_what_was_done()
    {
        session.Invoke("New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false")
            .MustSucceed();

        var action = session.Invoke("Get-IndexStrategy -Created | Get-IndexStrategyHistory -Action Create").Only();

        Assert.Equal(
            ("Succeeded", "orders_customer_id_idx"),
            ($"{action.Properties["Outcome"].Value}", $"{action.Properties["IndexName"].Value}"));
        Assert.Single(session.Invoke("Get-IndexStrategyHistory -TableName ord* -IndexName orders_*").MustSucceed().Output);
        Assert.Empty(session.Invoke("Get-IndexStrategyHistory -IndexName other*").MustSucceed().Output);
        Assert.Contains("orders_customer_id_idx", session.Render("Get-IndexStrategyHistory"), StringComparison.Ordinal);
    }

    private Task RunAsync() => database.ExecuteAsync(string.Concat(
        Enumerable.Range(0, 40)
            .Select(i => string.Create(CultureInfo.InvariantCulture, $"select count(*) from orders where customer_id = {i};"))));

    // Logs hourly intervals before and after the time to which the build is moved.
    private Task LogAsync(double before, double after) => database.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"""
        update perf_monitoring.index_action set started_at = now() - interval '60 s', finished_at = now() - interval '50 s';
        insert into perf_monitoring.query_performance_log (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, database_user, executed_at)
        select gen_random_uuid(), repeat('a', 64), 'update orders set status = $1 where customer_id = $2', (case when g < 0 then {before} else {after} end) * (1 + 0.1 * sin(g)),
            1, 1, 'app', now() - interval '55 s' + g * interval '10 min' + sign(g) * interval '10 s'
        from generate_series(-60, 60) g where g <> 0
        """));
}
