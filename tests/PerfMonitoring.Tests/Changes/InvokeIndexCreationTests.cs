using Npgsql;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

public sealed class InvokeIndexCreationTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync(TestDatabase.SlowFunction + """

            drop schema if exists perf_monitoring cascade;
            drop table if exists orders cascade;
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

        Assert.Equal(
            ["MaintenanceWindow Ok", "Privilege Ok", "Definition Ok"],
            result.MustSucceed().Output.Take(3).Select(o => $"{o.Properties["Check"].Value} {o.Properties["State"].Value}"));
        Assert.All(result.Values("State"), s => Assert.NotEqual("Block", $"{s}"));
        Assert.Contains(
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders USING btree (customer_id)", result.HostText,
            StringComparison.Ordinal);
        Assert.Equal(1, await IndexesAsync());
    }

    // A value that no B-tree accepts.
    private const string LongNote = """
        alter table orders add note text;
        update orders set note = 'short' || id;
        update orders set note = (select string_agg(md5(random()::text || i), '') from generate_series(1, 1000) i) where id = 7;
        analyze orders;
        """;

    [Theory]
    [InlineData(
        "-Column note", "", "Warn", "A value of note that needs more than 2,692 bytes is refused at writing",
        "The longest value that statistics know has ")]
    [InlineData("-Column note", "-Force", "Block", "The widest row of the table needs 32,0", "md5(column)")]
    [InlineData(
        "-Column id -Include note", "-Force", "Block", "A value of note that needs more than 2,6",
        "what is only read along can be left out")]
    [InlineData("-Column note -IndexType Hash", "-Force", "Ok", "Every row that may be written fits into it.", "")]
    [InlineData("-Column status -Where 'id < 5'", "-Force", "Warn", "A value of status", "")]
    [InlineData("-Expression 'md5(note)'", "-Force", "Ok", "Every row", "")]
    [InlineData(
        "-Expression 'note::int'", "", "Warn",
        "A row for which its expression or condition raises an error is refused at writing.", "")]
    [InlineData("-Column customer_id", "", "Ok", "Every row", "")]
    public async Task What_an_index_refuses_is_a_finding(string index, string force, string state, string reason, string remedy)
    {
        await database.ExecuteAsync(LongNote);

        var result = session.Invoke($"New-IndexStrategy -TableName orders {index} | Invoke-IndexCreation {force} -WhatIf")
            .MustSucceed();

        var finding = result.Output.Single(o => $"{o.Properties["Check"].Value}" == "EntrySize");
        Assert.Equal(state, $"{finding.Properties["State"].Value}");
        Assert.Contains(reason, (string)finding.Properties["Reason"].Value, StringComparison.Ordinal);
        Assert.Contains(remedy, (string)finding.Properties["Reason"].Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_is_too_long_is_told_with_the_way_out_and_nothing_is_left()
    {
        await database.ExecuteAsync(LongNote);

        var built = session.Invoke("New-IndexStrategy -TableName orders -Column note | Invoke-IndexCreation -Confirm:$false");
        var blocked = session.Invoke(
            "New-IndexStrategy -TableName orders -Column note | Invoke-IndexCreation -Force -Confirm:$false");
        var failing = session.Invoke(
            "New-IndexStrategy -TableName orders -Expression 'note::int' | Invoke-IndexCreation -Confirm:$false");

        Assert.StartsWith("IndexEntryTooLarge,", Assert.Single(built.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("-IndexType Hash", built.AllErrors[0].ErrorDetails?.RecommendedAction, StringComparison.Ordinal);
        Assert.StartsWith("PreflightBlocked,", Assert.Single(blocked.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith(
            "IndexExpressionFailed,", Assert.Single(failing.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.DoesNotContain("short", failing.AllErrors[0].Exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, await IndexesAsync());
    }

    [Theory]
    [InlineData("-Column note", false)]
    [InlineData("-Column customer_id -Include note", true)]
    [InlineData("-Column customer_id -Include id", false)]
    public async Task A_column_that_is_only_read_along_and_may_be_too_long_is_a_warning(string index, bool isWarned)
    {
        await database.ExecuteAsync(LongNote);

        var result = session.Invoke($"New-IndexStrategy -TableName orders {index}").MustSucceed();

        Assert.Equal(
            isWarned,
            result.Warnings.Any(w => $"{w}".Contains("A value of note that needs more than", StringComparison.Ordinal)));
        Assert.Equal(
            index.Contains("note", StringComparison.Ordinal),
            ((string)result.Only().Properties["Reason"].Value).Contains("is refused at writing", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_budget_that_is_too_small_builds_what_fits()
    {
        await database.ExecuteAsync(
            "insert into orders select g, g % 50, 'new' from generate_series(1001, 50000) g; analyze orders");

        var result = session.Invoke("""
            (New-IndexStrategy -TableName orders -Column customer_id), (New-IndexStrategy -TableName orders -Column id, status) |
                Invoke-IndexCreation -MaximumDatabaseGrowth 600kB -Confirm:$false
            """);

        Assert.Equal(["Created", "Failed"], result.Values("State").Select(s => $"{s}"));
        Assert.StartsWith("PreflightBlocked,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("-MaximumDatabaseGrowth is 0.6 MB", result.AllErrors[0].Exception.Message, StringComparison.Ordinal);
        Assert.Equal(2, await IndexesAsync());
    }

    [Fact]
    public async Task Under_load_it_waits_and_then_leaves_it_for_later()
    {
        await using var busy = new NpgsqlConnection(database.UnpooledConnectionString);
        await busy.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("select pg_sleep(60)", busy) { CommandTimeout = 0 };
        var sleeping = command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var result = session.Invoke(
            "New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -MaximumActiveSession 0 "
                + "-LoadTimeout 00:00:03 -Confirm:$false");
        command.Cancel();
        await Assert.ThrowsAnyAsync<Exception>(() => sleeping);

        Assert.Equal("Deferred", $"{result.Only().Properties["State"].Value}");
        Assert.Contains(
            "active; -MaximumActiveSession is 0", (string)result.Only().Properties["Reason"].Value, StringComparison.Ordinal);
        Assert.Contains(result.Progress, p => p.StatusDescription.StartsWith("waiting for the load: ", StringComparison.Ordinal));
        Assert.Equal(1, await IndexesAsync());
    }

    [Fact]
    public async Task An_autovacuum_is_waited_for_and_never_cancelled()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(
            new ClusterOptions { Settings = new Dictionary<string, string> { ["autovacuum_naptime"] = "1" } });
        await using var vacuumed = await TestDatabase.OnAsync(cluster);
        await vacuumed.ExecuteAsync("""
            create table orders (id int, customer_id int, status text)
                with (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
            insert into orders select g, g % 50, repeat('x', 1000) from generate_series(1, 3000) g;
            delete from orders where id > 500;
            """);
        session.Invoke("Disconnect-PerfMonitoring; Connect-PerfMonitoring -ConnectionString $args[0]", vacuumed.ConnectionString)
            .MustSucceed();
        await Eventually.HoldsAsync(HasAutovacuumAsync, "autovacuum comes");

        var result = session.Invoke(
            "New-IndexStrategy -TableName orders -Column customer_id "
                + "| Invoke-IndexCreation -LoadTimeout 00:00:02 -Confirm:$false").Only();

        Assert.Equal("Deferred", $"{result.Properties["State"].Value}");
        Assert.Contains("-CancelAutovacuum", (string)result.Properties["Reason"].Value, StringComparison.Ordinal);
        Assert.True(await HasAutovacuumAsync());
        Assert.Equal(
            "Created",
            $"{session.Invoke("New-IndexStrategy orders customer_id | Invoke-IndexCreation -CancelAutovacuum -Confirm:$false")
                .Only().Properties["State"].Value}");

        Task<bool> HasAutovacuumAsync() => vacuumed.ScalarAsync<bool>(
            "select exists (select from pg_locks l join pg_stat_activity a using (pid) where a.backend_type = 'autovacuum "
                + "worker' and l.relation = 'orders'::regclass and l.mode = 'ShareUpdateExclusiveLock' and l.granted)");
    }

    [Fact]
    public async Task It_asks_before_it_builds()
    {
        session.Host.Answers.Enqueue("No");

        var result = session.Invoke("New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation");

        Assert.Empty(result.MustSucceed().Output);
        Assert.Contains(
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx", Assert.Single(session.Host.Prompts), StringComparison.Ordinal);
        Assert.Equal(1, await IndexesAsync());
    }

    [Fact]
    public async Task One_that_fails_is_told_and_the_next_goes_on()
    {
        var result = session.Invoke("""
            $first = New-IndexStrategy -TableName orders -Column status
            $second = New-IndexStrategy -TableName orders -Column customer_id
            $wrong = [PerfMonitoring.Strategies.IndexStrategy]@{
                Target = $first.Target
                Definition = [PerfMonitoring.Indexes.IndexDefinition]@{
                    Table = $first.Definition.Table; Name = 'wrong'; Keys = [PerfMonitoring.Indexes.IndexKey[]]@([PerfMonitoring.Indexes.IndexKey]::OnColumn('nope')) } }
            $first, $wrong, $second | Invoke-IndexCreation -Confirm:$false
            """);

        Assert.Equal(["Created", "Failed", "Created"], result.Values("State").Select(s => $"{s}"));
        var error = Assert.Single(result.AllErrors);
        Assert.Equal(
            "InvalidIndexDefinition,PerfMonitoring.Changes.InvokeIndexCreationCommand",
            error.FullyQualifiedErrorId);
        Assert.Equal(3, await IndexesAsync());
    }

    [Fact]
    public async Task A_strategy_of_another_database_is_refused()
    {
        var result = session.Invoke("""
            $strategy = New-IndexStrategy -TableName orders -Column customer_id
            $other = [PerfMonitoring.Common.ServerTarget]@{ HostName = 'db2'; Port = 5432; Database = 'app' }
            [PerfMonitoring.Strategies.IndexStrategy]@{ Definition = $strategy.Definition; Target = $other } | Invoke-IndexCreation -Confirm:$false
            """);

        Assert.StartsWith("OtherDatabase,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
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
            2, await database.ScalarAsync<long>(
                "select count(*) from perf_monitoring.index_strategy_detail d join perf_monitoring.index_strategy s on s.id = "
                    + "d.index_strategy_id where d.size_bytes = pg_relation_size(s.index_name::regclass)"));
    }

    [Fact]
    public void An_unknown_id_is_an_error()
    {
        var result = session.Invoke(
            "$null = Initialize-PerfMonitoringStore; Invoke-IndexCreation -Id ([guid]::NewGuid()) -Confirm:$false");

        Assert.StartsWith("StrategyNotFound,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopped_half_way_it_leaves_no_index_and_no_lock()
    {
        await database.HoldBuildsAsync();
        var running = session.Start(
            "New-IndexStrategy -TableName orders -Expression 'slow(customer_id)' | Invoke-IndexCreation -Confirm:$false");
        await running.WaitForProgressAsync(p => p.StatusDescription.StartsWith("building index", StringComparison.Ordinal));

        var result = await running.StopAsync();

        Assert.True(result.WasStopped);
        Assert.Empty(result.Output);
        Assert.Equal(1, await IndexesAsync());
        Assert.Equal(0, await database.CountAdvisoryLocksAsync());
        Assert.Equal(
            "Created",
            $"{session.Invoke("New-IndexStrategy orders customer_id | Invoke-IndexCreation -Confirm:$false")
                .Only().Properties["State"].Value}");
    }

    private const string Tables = """
        drop table if exists lines, parts cascade;
        create table lines (id bigint primary key, n int);
        create table parts (id bigint primary key, n int);
        insert into lines select g, g from generate_series(1, 500) g;
        insert into parts select g, g from generate_series(1, 150) g;
        """;

    private const string Several = """
        $on = { param($table, $column, $name) [PerfMonitoring.Strategies.IndexStrategy]@{ Target = (Get-PerfMonitoringSession)[-1].Target; Definition = [PerfMonitoring.Indexes.IndexDefinition]@{
            Table = [PerfMonitoring.Common.RelationName]::new('public', $table); Name = $name
            Keys = [PerfMonitoring.Indexes.IndexKey[]]@([PerfMonitoring.Indexes.IndexKey]::OnExpression($column)) } } }
        $several = (& $on lines 'public.slow(n)' lines_slow), (& $on lines 'n + 1' lines_next), (& $on parts 'public.slow(n)' parts_slow), (& $on parts 'nope' parts_wrong), (& $on orders 'customer_id' orders_customer)

        """;

    [Fact]
    public async Task Several_are_built_at_once_on_different_tables()
    {
        await database.ExecuteAsync(Tables);
        await database.HoldBuildsAsync();
        using var done = new CancellationTokenSource();
        var watch = WatchAsync();

        var result = session.Invoke(Several + "$several | Invoke-IndexCreation -MaximumParallelBuild 3 -Confirm:$false");
        await done.CancelAsync();

        // Results come in the order in which builds end; those of one table come in the order of the input.
        var states = result.Output.Select(o => $"{o.Properties["IndexName"].Value} {o.Properties["State"].Value}").ToList();
        Assert.Contains("orders_customer Created", states);
        Assert.Equal(
            ["parts_slow Created", "parts_wrong Failed"], states.Where(s => s.StartsWith("parts", StringComparison.Ordinal)));
        Assert.Equal(
            ["lines_slow Created", "lines_next Created"], states.Where(s => s.StartsWith("lines", StringComparison.Ordinal)));
        var ends = result.Output.Select(
            o => (DateTimeOffset)o.Properties["StartedAt"].Value + (TimeSpan)o.Properties["Duration"].Value).ToList();
        Assert.All(
            ends.Zip(ends.Skip(1)), e => Assert.True(e.Second > e.First - TimeSpan.FromSeconds(0.5), string.Join(", ", ends)));
        Assert.StartsWith(
            "InvalidIndexDefinition,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        var (atOnce, onOneTable) = await watch;
        Assert.InRange(atOnce, 2, 3);
        Assert.Equal(1, onOneTable);
        Assert.Equal([0, 1, 2], result.Progress.Select(p => p.ActivityId).Distinct().Order());
        Assert.Equal(5, result.Progress.Count(p => p.RecordType == System.Management.Automation.ProgressRecordType.Completed));

        // The most builds that were seen at the same time, in total and on one table.
        async Task<(int AtOnce, int OnOneTable)> WatchAsync()
        {
            var most = (AtOnce: 0, OnOneTable: 0);
            for (; !done.IsCancellationRequested; await Task.Delay(50, TestContext.Current.CancellationToken))
            {
                var seen = await database.ScalarAsync<string>(
                    "select coalesce(string_agg(relid::text, ','), '') from pg_stat_progress_create_index where datname = "
                        + "current_database()");
                var tables = seen!.Split(',', StringSplitOptions.RemoveEmptyEntries);
                if (tables.Length > 1)
                {
                    await database.ReleaseBuildsAsync();
                }

                most = (Math.Max(most.AtOnce, tables.Length),
                    Math.Max(most.OnOneTable, tables.GroupBy(t => t).Select(g => g.Count()).DefaultIfEmpty(0).Max()));
            }

            return most;
        }
    }

    [Fact]
    public async Task Several_that_are_stopped_leave_nothing_and_what_was_done_is_said()
    {
        await database.ExecuteAsync(Tables);
        await database.HoldBuildsAsync();
        var running = session.Start(
            Several + "$several[0], $several[2] | Invoke-IndexCreation -MaximumParallelBuild 2 -Confirm:$false");
        await running.WaitForProgressAsync(
            p => p.ActivityId == 0 && p.StatusDescription.StartsWith("building index", StringComparison.Ordinal));
        await running.WaitForProgressAsync(
            p => p.ActivityId == 1 && p.StatusDescription.StartsWith("building index", StringComparison.Ordinal));

        var result = await running.StopAsync();

        Assert.True(result.WasStopped);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
        Assert.Equal(
            2, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid in ('lines'::regclass, 'parts'::regclass)"));
        Assert.Equal(0, await database.CountAdvisoryLocksAsync());
    }

    [Fact]
    public async Task Several_share_one_budget()
    {
        await database.ExecuteAsync(Tables + """
            insert into lines select g, g from generate_series(501, 50000) g;
            insert into parts select g, g from generate_series(151, 50000) g;
            analyze lines; analyze parts;
            """);

        var result = session.Invoke("""
            (New-IndexStrategy -TableName lines -Column n), (New-IndexStrategy -TableName parts -Column n) |
                Invoke-IndexCreation -MaximumParallelBuild 2 -MaximumDatabaseGrowth 1500kB -Confirm:$false
            """);

        Assert.Equal(["Created", "Failed"], result.Values("State").Select(s => $"{s}").Order(StringComparer.Ordinal));
        Assert.StartsWith("PreflightBlocked,", Assert.Single(result.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30")]
    [InlineData("'-00:00:01'")]
    [InlineData("'25.00:00:00'")]
    public void A_lock_timeout_that_cannot_be_meant_is_refused(string value)
    {
        var result = session.Invoke($"Invoke-IndexCreation -Pending -LockTimeout {value}");

        Assert.Matches(
            "^(InvalidLockTimeout|ParameterArgumentTransformationError),", Assert.Single(result.AllErrors).FullyQualifiedErrorId);
    }

    [Fact]
    public void The_table_fits_the_console_and_names_its_units()
    {
        var text = session.Render(
            "New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false");

        Assert.Contains("Duration", text, StringComparison.Ordinal);
        Assert.Contains("Size (MB)", text, StringComparison.Ordinal);
        Assert.Matches(@"orders_customer_id_idx\s+Created\s+\d\d:\d\d:\d\d\.\d\s+0\.0", text);
    }

    private Task<long> IndexesAsync() =>
        database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'orders'::regclass");
}
