using PerfMonitoring.Testing;

namespace PerfMonitoring.QueryLog;

public sealed class QueryCommandsTests : IClassFixture<TestDatabase>, IAsyncLifetime, IDisposable
{
    private readonly TestDatabase database;
    private readonly ModuleRunspace session = new();

    public QueryCommandsTests(TestDatabase database) => this.database = database;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            create extension if not exists pg_stat_statements;
            create table if not exists item (id int primary key, n int not null);
            insert into item select g, g % 100 from generate_series(1, 500) g on conflict do nothing;
            """);
        await database.ExecuteAsync("select count(*) from item where n = 1");
        session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore",
            database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose() => session.Dispose();

    [Fact]
    public void Slow_queries_fit_a_console_of_120_columns()
    {
        var text = session.Render("Get-SlowQuery -Top 3");

        Assert.Contains("Total (ms)", text, StringComparison.Ordinal);
        Assert.Contains("Mean (ms)", text, StringComparison.Ordinal);
        Assert.Contains("Query", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 120));
    }

    [Fact]
    public void Slow_queries_are_filtered_and_go_down_the_pipeline()
    {
        Assert.Equal(
            "select count(*) from item where n = $1",
            session.Invoke("Get-SlowQuery -Like 'count(`*) from item' -User postgres -Top 1 -OrderBy Calls")
            .Only().Properties["Query"].Value);
        Assert.Empty(session.Invoke("Get-SlowQuery -Database 'no such*'").MustSucceed().Output);
        Assert.StartsWith(
            "DatabaseNotFound,",
            Assert.Single(session.Invoke("Get-SlowQuery -Database 'no such database'").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "ParameterArgumentValidationError",
            Assert.Single(session.Invoke("Get-SlowQuery -Top 0").AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);

        session.Invoke("$null = Update-QueryPerformanceLog").MustSucceed();
        var history = session.Invoke("Get-SlowQuery -Like 'count(`*) from item' -Top 1 | Get-QueryPerformanceLog").MustSucceed();
        Assert.NotEmpty(history.Output);
        Assert.All(history.Values("Query"), query => Assert.Equal("select count(*) from item where n = $1", query));
    }

    [Fact]
    public void The_log_is_brought_up_to_date_read_and_cleared()
    {
        Assert.Contains(
            "What if:", session.Invoke("Update-QueryPerformanceLog -WhatIf").MustSucceed().HostText, StringComparison.Ordinal);
        var update = session.Invoke("Update-QueryPerformanceLog").Only();
        Assert.Equal(0, update.Properties["Gaps"].Value);
        Assert.Contains("Gaps", session.Render("Update-QueryPerformanceLog"), StringComparison.Ordinal);

        var rows = session.Invoke("Get-QueryPerformanceLog").MustSucceed().Output.Count;
        Assert.True(rows > 0);
        Assert.Single(session.Invoke("Get-QueryPerformanceLog -First 1").MustSucceed().Output);
        Assert.Empty(session.Invoke("Get-QueryPerformanceLog -Since ([DateTime]::Now.AddHours(1))").MustSucceed().Output);
        Assert.All(session.Render("Get-QueryPerformanceLog").Split('\n'), line => Assert.InRange(line.Length, 0, 120));
        foreach (var log in new[] {
            "-FromLog", "-Since ([DateTime]::Now.AddHours(-1))", "-FromLog -Until ([DateTime]::Now)",
            "-Since ([DateTime]::Now.AddHours(-1)) -Until ([DateTime]::Now)", "-Until ([DateTime]::Now)" })
        {
            Assert.All(
                session.Invoke($"Get-SlowQuery {log} -Top 2").MustSucceed().Values("Source"), source =>
                    Assert.Equal("QueryPerformanceLog", $"{source}"));
        }

        var whatIf = session.Invoke("Clear-QueryPerformanceLog -Before ([DateTime]::Now) -WhatIf").MustSucceed();
        Assert.Contains($"Remove {rows} row(s)", whatIf.HostText, StringComparison.Ordinal);
        session.Host.Answers.Enqueue("No");
        Assert.Empty(session.Invoke("Clear-QueryPerformanceLog -Before ([DateTime]::Now)").MustSucceed().Output);
        Assert.Equal(rows, session.Invoke("Get-QueryPerformanceLog").MustSucceed().Output.Count);
        Assert.Equal(
            (long)rows,
            session.Invoke("Clear-QueryPerformanceLog -Before ([DateTime]::Now) -Confirm:$false")
            .Only().Properties["Rows"].Value);
        Assert.Empty(session.Invoke("Get-QueryPerformanceLog").MustSucceed().Output);
    }

    [Fact]
    public async Task What_is_missing_is_an_error_with_its_remedy()
    {
        await using var bare = await TestDatabase.OnAsync(database.Cluster);
        session.Invoke("$bare = Connect-PerfMonitoring -ConnectionString $args[0]", bare.ConnectionString).MustSucceed();

        var extension = Assert.Single(session.Invoke("Get-SlowQuery -Session $bare").AllErrors);
        Assert.Equal("ExtensionMissing,PerfMonitoring.QueryLog.GetSlowQueryCommand", extension.FullyQualifiedErrorId);
        Assert.Contains(
            "CREATE EXTENSION pg_stat_statements", extension.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        foreach (var command in new[] {
            "Get-QueryPerformanceLog", "Get-SlowQuery -FromLog", "Clear-QueryPerformanceLog -Before 2020-01-01 -Confirm:$false" })
        {
            Assert.StartsWith(
                "StoreMissing,", Assert.Single(session.Invoke($"{command} -Session $bare").AllErrors).FullyQualifiedErrorId,
                StringComparison.Ordinal);
        }

        session.Invoke("Disconnect-PerfMonitoring -Session $bare").MustSucceed();
    }
}
