using PerfMonitoring.Testing;

namespace PerfMonitoring.IndexCreation;

public sealed class InvokeIndexCreationTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists orders cascade;
            create or replace function slow(n int) returns int immutable language plpgsql as 'begin perform pg_sleep(0.006); return n; end';
            create table orders (id bigint primary key, customer_id int, status text);
            insert into orders select g, g % 50, 'new' from generate_series(1, 500) g;
            """);
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Fact]
    public async Task WhatIf_shows_the_statement_and_changes_nothing()
    {
        var result = session.Invoke("New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -WhatIf");

        Assert.Empty(result.MustSucceed().Output);
        Assert.Contains("CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders USING btree (customer_id)", result.HostText, StringComparison.Ordinal);
        Assert.Equal(1, await IndexesAsync());
    }

    [Fact]
    public async Task It_asks_before_it_builds()
    {
        session.Host.Answers.Enqueue("No");

        var result = session.Invoke("New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation");

        Assert.Empty(result.MustSucceed().Output);
        Assert.Contains("CREATE INDEX CONCURRENTLY orders_customer_id_idx", Assert.Single(session.Host.Prompts), StringComparison.Ordinal);
        Assert.Equal(1, await IndexesAsync());
    }

    [Fact]
    public async Task One_that_fails_is_told_and_the_next_goes_on()
    {
        var result = session.Invoke("""
            $first = New-IndexStrategy -TableName orders -Column status
            $second = New-IndexStrategy -TableName orders -Column customer_id
            $wrong = [PerfMonitoring.Model.IndexStrategy]@{
                Definition = [PerfMonitoring.Indexes.IndexDefinition]@{
                    Table = $first.Definition.Table; Name = 'wrong'; Keys = [PerfMonitoring.Indexes.IndexKey[]]@([PerfMonitoring.Indexes.IndexKey]::OnColumn('nope')) } }
            $first, $wrong, $second | Invoke-IndexCreation -Confirm:$false
            """);

        Assert.Equal(["Created", "Failed", "Created"], result.Values("State").Select(s => $"{s}"));
        var error = Assert.Single(result.AllErrors);
        Assert.Equal("InvalidIndexDefinition,PerfMonitoring.Commands.IndexCreation.InvokeIndexCreationCommand", error.FullyQualifiedErrorId);
        Assert.Equal(3, await IndexesAsync());
    }

    [Fact]
    public async Task A_strategy_of_another_database_is_refused()
    {
        var result = session.Invoke("""
            $strategy = New-IndexStrategy -TableName orders -Column customer_id
            $other = [PerfMonitoring.Model.ServerTarget]@{ HostName = 'db2'; Port = 5432; Database = 'app' }
            [PerfMonitoring.Model.IndexStrategy]@{ Definition = $strategy.Definition; Target = $other } | Invoke-IndexCreation -Confirm:$false
            """);

        Assert.StartsWith("WrongServer,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Null(result.Exception);
        Assert.Equal(1, await IndexesAsync());
    }

    [Fact]
    public async Task Stored_strategies_are_built_by_id_or_when_pending_and_marked()
    {
        var result = session.Invoke("""
            $null = Initialize-PerfMonitoringStore
            $first = New-IndexStrategy -TableName orders -Column customer_id
            $null = New-IndexStrategy -TableName orders -Column status
            Invoke-IndexCreation -Id $first.Id -Confirm:$false
            Invoke-IndexCreation -Pending -Confirm:$false
            Invoke-IndexCreation -Pending -Confirm:$false
            """).MustSucceed();

        Assert.Equal(["orders_customer_id_idx", "orders_status_idx"], result.Values("IndexName"));
        Assert.All(result.Values("State"), s => Assert.Equal("Created", $"{s}"));
        Assert.Equal(2, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_strategy where is_created"));
        Assert.Equal(
            2, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_strategy_detail d join perf_monitoring.index_strategy s on s.id = d.index_strategy_id where d.size_bytes = pg_relation_size(s.index_name::regclass)"));
    }

    [Fact]
    public void An_unknown_id_is_an_error()
    {
        var result = session.Invoke("$null = Initialize-PerfMonitoringStore; Invoke-IndexCreation -Id ([guid]::NewGuid()) -Confirm:$false");

        Assert.StartsWith("StrategyNotFound,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopped_half_way_it_leaves_no_index_and_no_lock()
    {
        var running = session.Start("New-IndexStrategy -TableName orders -Expression 'slow(customer_id)' | Invoke-IndexCreation -Confirm:$false");
        await running.WaitForProgressAsync(p => p.StatusDescription.StartsWith("building index", StringComparison.Ordinal));

        var result = await running.StopAsync();

        Assert.True(result.WasStopped);
        Assert.Empty(result.Output);
        Assert.Equal(1, await IndexesAsync());
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"));
        Assert.Equal("Created", $"{session.Invoke("New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false").Only().Properties["State"].Value}");
    }

    [Theory]
    [InlineData("30")]
    [InlineData("'-00:00:01'")]
    [InlineData("'25.00:00:00'")]
    public void A_lock_timeout_that_cannot_be_meant_is_refused(string value)
    {
        var result = session.Invoke($"Invoke-IndexCreation -Pending -LockTimeout {value}");

        Assert.StartsWith("InvalidLockTimeout,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_fits_the_console_and_names_its_units()
    {
        var text = session.Render("New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false");

        Assert.Contains("Duration (s)", text, StringComparison.Ordinal);
        Assert.Contains("Size (MB)", text, StringComparison.Ordinal);
        Assert.Contains("Retries", text, StringComparison.Ordinal);
        Assert.Matches(@"public\.orders\s+orders_customer_id_idx\s+Created\s+\d+\.\d\s+0\.0\s+0", text);
    }

    private Task<long> IndexesAsync() => database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'orders'::regclass");
}
