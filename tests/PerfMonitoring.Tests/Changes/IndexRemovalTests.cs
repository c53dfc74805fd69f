using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

public sealed class IndexRemovalTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string Status =
        "CREATE INDEX orders_status_idx ON sales.orders USING btree (status DESC NULLS LAST) WITH (fillfactor='70') WHERE (id "
            + "> 1)";

    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync($"""
            drop schema if exists perf_monitoring cascade;
            drop schema if exists sales cascade;
            drop schema if exists other cascade;
            create schema sales;
            create schema other;
            create table sales.orders (id bigint primary key, status text);
            {Status};
            create index "Odd [x]" on sales.orders (status);
            """);
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Invoke("Disconnect-PerfMonitoring");
        session.Dispose();
        return default;
    }

    [Theory]
    [InlineData("orders_status_idx")]
    [InlineData("sales.orders_status_idx")]
    [InlineData("Odd [x]")]
    [InlineData("\"Odd [x]\"")]
    [InlineData("sales.\"Odd [x]\"")]
    public async Task An_index_is_dropped_by_name_and_comes_back_as_it_was(string name)
    {
        var before = await DefinitionsAsync();

        var removed = session.Invoke("$removed = Invoke-IndexRemoval -IndexName $args[0] -Force -Confirm:$false; $removed", name)
            .Only();
        Assert.Equal("Removed", $"{removed.Properties["State"].Value}");
        Assert.Equal(2, await IndexesAsync());

        var restored = session.Invoke("$removed | Undo-IndexRemoval -Confirm:$false").Only();
        Assert.Equal("Created", $"{restored.Properties["State"].Value}");
        Assert.Equal(before, await DefinitionsAsync());
    }

    [Fact]
    public async Task What_is_not_recommended_is_refused_and_the_next_goes_on()
    {
        var result = session.Invoke("Get-IndexUsageStat -TableName orders | Invoke-IndexRemoval -Confirm:$false");

        Assert.Empty(result.Output);
        Assert.Equal(
            ["IndexIsNeeded", "NotRecommendedForDrop", "NotRecommendedForDrop"],
            result.AllErrors.Select(e => e.FullyQualifiedErrorId.Split(',')[0]).Order(StringComparer.Ordinal));
        Assert.Equal(3, await IndexesAsync());
    }

    [Fact]
    public async Task WhatIf_shows_the_statement_and_changes_nothing()
    {
        var result = session.Invoke("Invoke-IndexRemoval orders_status_idx -Force -WhatIf").MustSucceed();

        Assert.Empty(result.Output);
        Assert.Contains("DROP INDEX CONCURRENTLY sales.orders_status_idx", result.HostText, StringComparison.Ordinal);
        Assert.Equal(3, await IndexesAsync());
    }

    [Fact]
    public async Task WhatIf_and_the_result_say_which_known_queries_use_it()
    {
        Assert.Contains(
            "-- which queries get slower is unknown: ",
            session.Invoke("Invoke-IndexRemoval orders_status_idx -Force -WhatIf").MustSucceed().HostText,
            StringComparison.Ordinal);

        await database.ExecuteAsync("""
            create extension pg_stat_statements;
            insert into sales.orders select g, 's' || g from generate_series(1, 5000) g;
            analyze sales.orders;
            select id from sales.orders where status = 's7' and id > 1;
            """);
        try
        {
            var result = session.Invoke("Invoke-IndexRemoval 'Odd [x]' -Force -WhatIf -Verbose").MustSucceed();
            Assert.Matches(@"DROP INDEX CONCURRENTLY sales\.""Odd \[x\]"" -- (1|none) of \d+ known queries", result.HostText);

            var removed = session.Invoke("Invoke-IndexRemoval 'Odd [x]', orders_status_idx -Force -Confirm:$false -Verbose")
                .MustSucceed();
            Assert.All(removed.Values("Impact"), i => Assert.Contains("known queries", $"{i}", StringComparison.Ordinal));
            // The planner may prefer either index while both exist; it uses the last one in any case.
            Assert.Contains("1 of ", $"{removed.Values("Impact")[^1]}", StringComparison.Ordinal);
        }
        finally
        {
            await database.ExecuteAsync("drop extension pg_stat_statements");
        }
    }

    [Fact]
    public async Task It_asks_before_it_drops()
    {
        session.Host.Answers.Enqueue("No");

        Assert.Empty(session.Invoke("Invoke-IndexRemoval orders_status_idx -Force").MustSucceed().Output);

        Assert.Contains(
            "DROP INDEX CONCURRENTLY sales.orders_status_idx", Assert.Single(session.Host.Prompts), StringComparison.Ordinal);
        Assert.Equal(3, await IndexesAsync());
    }

    [Theory]
    [InlineData("Invoke-IndexRemoval nope -Force", "IndexNotFound")]
    [InlineData("Invoke-IndexRemoval 'orders*' -Force", "IndexNotFound")]
    [InlineData("Invoke-IndexRemoval 'x\"; drop table sales.orders; --' -Force", "IndexNotFound")]
    [InlineData("Invoke-IndexRemoval orders_pkey -Force", "IndexIsNeeded")]
    [InlineData("Invoke-IndexRemoval orders_status_idx -LockTimeout 30", "ParameterArgumentTransformationError")]
    [InlineData(
        "$s = Get-IndexUsageStat -IndexName orders_status_idx; [PerfMonitoring.Usage.IndexUsageStat]@{ TableName = "
            + "$s.TableName; IndexName = $s.IndexName; Target = [PerfMonitoring.Common.ServerTarget]@{ HostName = 'db2'; Port "
            + "= 5432; Database = 'app' } } | Invoke-IndexRemoval -Force", "OtherDatabase")]
    public async Task What_cannot_be_meant_is_an_error_that_changes_nothing(string command, string error)
    {
        var result = session.Invoke($"{command} -Confirm:$false");

        Assert.Equal(error, Assert.Single(result.AllErrors).FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal(3, await IndexesAsync());
    }

    [Fact]
    public async Task A_name_that_two_schemas_have_needs_its_schema()
    {
        await database.ExecuteAsync(
            "create table other.orders (status text); create index orders_status_idx on other.orders (status)");

        Assert.Equal(
            "AmbiguousIndexName",
            Assert.Single(
            session.Invoke("Invoke-IndexRemoval orders_status_idx -Force -Confirm:$false").AllErrors).FullyQualifiedErrorId.Split(
                ',')[0]);
        Assert.Equal(
            "other.orders",
            session.Invoke("Invoke-IndexRemoval other.orders_status_idx -Force -Confirm:$false")
            .Only().Properties["TableName"].Value);
    }

    [Fact]
    public async Task The_strategy_of_a_dropped_index_is_not_built_again_until_it_is_undone()
    {
        var result = session.Invoke("""
            $null = Initialize-PerfMonitoringStore
            $null = New-IndexStrategy -TableName sales.orders -Column status, id -IndexName made | Invoke-IndexCreation -Confirm:$false
            $removed = Invoke-IndexRemoval made -Force -Confirm:$false
            Invoke-IndexCreation -Pending -Confirm:$false
            """);
        Assert.Empty(result.MustSucceed().Output);
        Assert.Equal(3, await IndexesAsync());

        session.Invoke("Undo-IndexRemoval $removed -Confirm:$false").MustSucceed();
        Assert.True(
            await database.ScalarAsync<bool>(
                "select is_created and is_active from perf_monitoring.index_strategy where index_name = 'made'"));
        Assert.Equal(4, await IndexesAsync());
    }

    [Fact]
    public async Task What_was_dropped_is_in_the_audit_and_comes_back_from_there()
    {
        var before = await DefinitionsAsync();
        session.Invoke(
            "$null = Initialize-PerfMonitoringStore; $null = Invoke-IndexRemoval orders_status_idx, 'Odd [x]' -Force "
                + "-Confirm:$false").MustSucceed();

        Assert.Equal(
            "DROP SUCCEEDED DROP INDEX CONCURRENTLY sales.orders_status_idx CREATE INDEX CONCURRENTLY orders_status_idx ON "
                + "sales.orders USING btree (status DESC NULLS LAST) WITH (fillfactor='70') WHERE id > 1 0",
            await database.ScalarAsync<string>(
                "select concat_ws(' ', action, outcome, statement, undo_statement, evidence ->> 'totalScans') from "
                    + "perf_monitoring.index_action where index_name = 'orders_status_idx'"));
        var restored = session.Invoke("""
            Undo-IndexRemoval orders_status_idx -Confirm:$false
            Get-IndexStrategyHistory -Action Drop | Where-Object IndexName -eq 'Odd [x]' | Undo-IndexRemoval -Confirm:$false
            """).MustSucceed();
        Assert.All(restored.Values("State"), s => Assert.Equal("Created", $"{s}"));
        Assert.Equal(before, await DefinitionsAsync());
        Assert.Equal(
            2, await database.ScalarAsync<long>(
                "select count(*) from perf_monitoring.index_action where action = 'RESTORE' and outcome = 'SUCCEEDED'"));
    }

    [Fact]
    public async Task A_duplicate_comes_back_beside_the_other()
    {
        await database.ExecuteAsync("create index twin on sales.orders (status)");

        var restored = session.Invoke("Invoke-IndexRemoval twin -Force -Confirm:$false | Undo-IndexRemoval -Confirm:$false")
            .Only();

        Assert.Equal("twin Created", $"{restored.Properties["IndexName"].Value} {restored.Properties["State"].Value}");
    }

    [Theory]
    [InlineData("Undo-IndexRemoval -IndexName nope", "RemovalNotFound")]
    [InlineData(
        "New-IndexStrategy -TableName sales.orders -Column status, id | Invoke-IndexCreation -Confirm:$false | ForEach-Object "
            + "{ Get-IndexStrategyHistory } | Undo-IndexRemoval", "NotUndoable")]
    public void What_was_not_dropped_cannot_come_back(string command, string error) =>
        Assert.Equal(
            error, Assert.Single(
            session.Invoke(
            $"$null = Initialize-PerfMonitoringStore; {command} -Confirm:$false").AllErrors).FullyQualifiedErrorId.Split(',')[0]);

    [Fact]
    public async Task Invalid_leftovers_are_dropped_and_nothing_else()
    {
        await database.ExecuteAsync("""
            create index orders_id_ccnew on sales.orders (id);
            create index orders_left on sales.orders (status);
            update pg_index set indisvalid = false where indexrelid in ('sales.orders_id_ccnew'::regclass, 'sales.orders_left'::regclass);
            """);

        Assert.Contains(
            "DROP INDEX CONCURRENTLY sales.orders_id_ccnew", session.Invoke("Repair-Index -WhatIf").MustSucceed().HostText,
            StringComparison.Ordinal);
        Assert.Equal(
            ["orders_left"], session.Invoke("Repair-Index orders_left -Confirm:$false").MustSucceed().Values("IndexName"));
        Assert.Equal(["orders_id_ccnew"], session.Invoke("Repair-Index -Confirm:$false").MustSucceed().Values("IndexName"));
        Assert.Equal(3, await IndexesAsync());
        Assert.Empty(session.Invoke("Repair-Index -Confirm:$false").MustSucceed().Output);
        Assert.StartsWith(
            "IndexNotInvalid,",
            Assert.Single(session.Invoke("Repair-Index orders_status_idx -Confirm:$false").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_that_is_being_built_is_left_alone()
    {
        await database.ExecuteAsync(TestDatabase.SlowFunction);
        await database.ExecuteAsync("insert into sales.orders select g from generate_series(1, 300) g");
        await database.HoldBuildsAsync();
        var build = database.ExecuteAsync("create index concurrently building on sales.orders (slow(id::int))");
        await database.UntilBuildIsInAsync("building index%");

        var result = session.Invoke("Repair-Index -Confirm:$false");

        Assert.Empty(result.MustSucceed().Output);
        Assert.False(build.IsCompleted);
        await database.ReleaseBuildsAsync();
        await build;
        Assert.True(
            await database.ScalarAsync<bool>("select indisvalid from pg_index where indexrelid = 'sales.building'::regclass"));
    }

    [Fact]
    public async Task Bloated_indexes_are_built_anew()
    {
        await database.ExecuteAsync("""
            drop index sales."Odd [x]";
            alter table sales.orders set (autovacuum_enabled = off);
            insert into sales.orders select g, 's' || g from generate_series(1, 50000) g;
            delete from sales.orders where id % 20 <> 0;
            """);
        await database.ExecuteAsync("vacuum analyze sales.orders");
        var definitions = await DefinitionsAsync();

        Assert.Empty(session.Invoke("Repair-Index -Bloated -Confirm:$false").MustSucceed().Output);
        Assert.Contains(
            "REINDEX INDEX CONCURRENTLY sales.orders_status_idx -- About 9",
            session.Invoke("Repair-Index -Bloated -MinimumWaste 100KB -WhatIf").MustSucceed().HostText, StringComparison.Ordinal);
        var text = session.Render("Repair-Index orders_status_idx -Bloated -MinimumWaste 100KB -Confirm:$false");
        Assert.Matches(@"orders_status_idx\s+Rebuilt\s+0\.\d\s+9\d\s+\d\.\d\s+sales\.orders", text);
        Assert.Equal(definitions, await DefinitionsAsync());
        Assert.StartsWith(
            "IndexNotBloated,",
            Assert.Single(
                session.Invoke(
                "Repair-Index orders_status_idx -Bloated -MinimumWaste 100KB -Confirm:$false").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.Equal(
            ["orders_pkey"],
            session.Invoke("Repair-Index -Bloated -MinimumWaste 100KB -Confirm:$false").MustSucceed().Values("IndexName"));
    }

    [Theory]
    [InlineData("Repair-Index -Bloated -MinimumBloat 2", "ParameterArgumentValidationError")]
    [InlineData("Repair-Index -Bloated -MinimumWaste -1", "ParameterArgumentValidationError")]
    [InlineData("Repair-Index -Bloated -SnapshotTimeout 30", "ParameterArgumentTransformationError")]
    public void What_repair_cannot_mean_is_an_error(string command, string error) =>
        Assert.Equal(
            error, Assert.Single(session.Invoke($"{command} -Confirm:$false").AllErrors).FullyQualifiedErrorId.Split(',')[0]);

    [Fact]
    public void The_table_fits_the_console_and_names_its_units()
    {
        var text = session.Render("Invoke-IndexRemoval orders_status_idx -Force -Confirm:$false");

        Assert.Contains("Size (MB)", text, StringComparison.Ordinal);
        Assert.Matches(@"orders_status_idx\s+Removed\s+\d\d:\d\d:\d\d\.\d\s+0\.0", text);
    }

    private Task<long> IndexesAsync() =>
        database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'sales.orders'::regclass");

    private Task<string?> DefinitionsAsync() => database.ScalarAsync<string>(
        "select string_agg(pg_get_indexdef(indexrelid), E'\\n' order by indexrelid::regclass::text) from pg_index where "
            + "indrelid = 'sales.orders'::regclass");
}
