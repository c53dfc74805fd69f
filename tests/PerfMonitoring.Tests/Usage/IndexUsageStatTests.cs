using PerfMonitoring.Testing;

namespace PerfMonitoring.Usage;

public sealed class IndexUsageStatTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop schema if exists sales cascade;
            create schema sales;
            create table sales.orders (id bigint primary key, status text);
            create index orders_status_idx on sales.orders (status);
            create table sales."Odd [x]" (id int constraint "odd [x] key" primary key);
            """);
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Theory]
    [InlineData("", 3)]
    [InlineData("-TableName orders", 2)]
    [InlineData("-TableName sales.orders", 2)]
    [InlineData("-TableName SALES.*", 3)]
    [InlineData("-TableName orders -IndexName *status*", 1)]
    [InlineData("-TableName orders, 'Odd `[x`]'", 3)]
    [InlineData("-IndexName 'odd [x] key'", 1)]
    [InlineData("-Unused", 3)]
    [InlineData("-RecommendedForDrop", 0)]
    [InlineData("-TableName none*", 0)]
    public void Names_and_patterns_choose(string arguments, int expected) =>
        Assert.Equal(expected, session.Invoke($"Get-IndexUsageStat {arguments}").MustSucceed().Output.Count);

    [Fact]
    public async Task The_rest_of_a_build_that_failed_is_no_index_that_was_created()
    {
        await database.ExecuteAsync("insert into sales.orders values (1, 'x'), (2, 'x')");
        session.Invoke(
            "$null = Initialize-PerfMonitoringStore; $null = New-IndexStrategy sales.orders status -Unique -IndexName proposed")
            .MustSucceed();
        await Assert.ThrowsAsync<Npgsql.PostgresException>(
            () => database.ExecuteAsync("create unique index concurrently proposed on sales.orders (status)"));
        await Assert.ThrowsAsync<Npgsql.PostgresException>(
            () => database.ExecuteAsync("create unique index concurrently unknown on sales.orders (status, (1))"));

        var stored = session.Invoke("Update-IndexUsageStat").MustSucceed().Values("IndexName");

        Assert.Equal(["odd [x] key", "orders_pkey", "orders_status_idx"], stored.Order());
        Assert.Equal("proposed", Assert.Single(session.Invoke("Get-IndexStrategy -Pending").MustSucceed().Values("IndexName")));
    }

    [Theory]
    [InlineData("-TableName nope")]
    [InlineData("-IndexName nope")]
    [InlineData("-TableName 'x\"; drop table t; --'")]
    public void A_name_that_is_not_there_is_an_error(string arguments)
    {
        var result = session.Invoke($"Get-IndexUsageStat {arguments}");

        Assert.StartsWith("IndexNotFound,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Null(result.Exception);
    }

    [Theory]
    [InlineData("Get-IndexUsageStat -Replica nope", "SessionNotFound")]
    [InlineData("Get-IndexUsageStat -Replica $null", "ParameterArgumentValidationError")]
    [InlineData(
        "$null = Connect-PerfMonitoring -ConnectionString $args[0] -Name again; Get-IndexUsageStat -Replica again",
        "ReplicaIsNotStandby")]
    [InlineData("Update-IndexUsageStat -Replica nope", "SessionNotFound")]
    [InlineData("Get-IndexUsageStat -Window 6d", "InvalidWindow")]
    [InlineData("Get-IndexUsageStat -Window 30", "ParameterArgumentTransformationError")]
    [InlineData("Update-IndexUsageStat -Window 99999d", "InvalidWindow")]
    [InlineData("Invoke-IndexRemoval orders_status_idx -Force -Confirm:$false -Window 0d", "InvalidWindow")]
    [InlineData("Invoke-IndexRemoval orders_status_idx -Force -Confirm:$false -Replica nope", "SessionNotFound")]
    public async Task A_replica_or_window_that_is_none_is_an_error_and_changes_nothing(string command, string error)
    {
        var result = session.Invoke(command, database.ConnectionString);

        Assert.StartsWith(error, Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(
            2, await database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'sales.orders'::regclass"));
    }

    [Fact]
    public void Creation_results_pipe()
    {
        var stat = session.Invoke(
            "New-IndexStrategy -TableName sales.orders -Column id, status | Invoke-IndexCreation -Confirm:$false | "
                + "Get-IndexUsageStat").Only();

        Assert.Equal("orders_id_status_idx", stat.Properties["IndexName"].Value);
        Assert.Null(stat.Properties["AvgScanTimeMs"].Value);
    }

    [Fact]
    public void Without_a_store_there_is_no_history_to_read_or_write()
    {
        foreach (var command in new[] { "Get-IndexUsageStat -Since 2026-01-01", "Update-IndexUsageStat" })
        {
            Assert.StartsWith(
                "StoreMissing,", Assert.Single(session.Invoke(command).AllErrors).FullyQualifiedErrorId,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task WhatIf_stores_nothing()
    {
        var result = session.Invoke("$null = Initialize-PerfMonitoringStore; Update-IndexUsageStat -WhatIf").MustSucceed();

        Assert.Contains("usage of 3 index(es)", result.HostText, StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_strategy"));
    }

    [Fact]
    public async Task What_was_stored_is_read_back()
    {
        var result = session.Invoke("""
            $null = Initialize-PerfMonitoringStore
            $null = Update-IndexUsageStat -TableName orders
            $null = Update-IndexUsageStat -TableName orders
            Get-IndexUsageStat -Since ([datetime]::UtcNow) -IndexName *pkey
            """);

        Assert.Equal("orders_pkey", result.Only().Properties["IndexName"].Value);
        Assert.Contains(
            "It is the primary key.",
            ((System.Collections.IEnumerable)result.Only().Properties["Blockers"].Value).Cast<object>()
                .Select(b => b.ToString()));
        Assert.Equal(2, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_usage_stats"));
        Assert.Empty(session.Invoke("Get-IndexUsageStat -Until 2020-01-01").MustSucceed().Output);
    }

    [Fact]
    public void The_table_fits_the_console_and_names_its_units()
    {
        var text = session.Render("Get-IndexUsageStat");

        Assert.Contains("Size (MB)", text, StringComparison.Ordinal);
        Assert.Contains("Reason", text, StringComparison.Ordinal);
        Assert.Contains("The statistics", text, StringComparison.Ordinal);
    }
}
