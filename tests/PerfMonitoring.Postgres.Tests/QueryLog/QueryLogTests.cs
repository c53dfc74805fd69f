using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.QueryLog;

public sealed class QueryLogTests(SandboxFixture sandbox)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Slow_queries_are_listed_filtered_and_ordered(int version)
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync(version), store: false, schema: "stats \"x\"");
        await lab.RunAsync("select count(*) from item where n = 5", 3);
        await lab.RunAsync("select * from item where id in (1, 2, 3)", 5);
        await lab.Database.ExecuteAsync("vacuum item");
        // What versions of Npgsql ask when they connect, from 4 on, and what an upgrade of earlier versions asks.
        foreach (var own in new[]
        {
            "/*** Load all supported types ***/ SELECT ns.nspname, a.typname FROM pg_type a, pg_namespace ns",
            "\nSELECT ns.nspname, t.oid, t.typname FROM pg_type t, pg_namespace ns",
            "-- Load enum fields\nSELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid",
            "SELECT version()", "select case\n    when pg_catalog.to_regclass('x') is not null then 1\n    else 0\nend",
            "select /* perf_monitoring */ 1 from pg_type",
        })
        {
            await lab.RunAsync(own, 1);
        }

        var all = await lab.SlowAsync(new SlowQueryFilter());

        Assert.Equal(
            2, all.Count(
            q => q.Query.Contains("item", StringComparison.Ordinal) && q.Query.StartsWith("select", StringComparison.Ordinal)));
        Assert.DoesNotContain(
            all, q =>
                q.Query.StartsWith("vacuum", StringComparison.Ordinal)
                || q.Query.Contains("perf_monitoring", StringComparison.Ordinal)
                || q.Query.Contains("pg_type", StringComparison.Ordinal)
                || q.Query.Contains("pg_enum", StringComparison.Ordinal)
                || q.Query.Contains("version()", StringComparison.Ordinal)
                || q.Query.Contains("to_regclass", StringComparison.Ordinal));
        Assert.Equal(all.OrderByDescending(q => q.TotalTimeMs).Select(q => q.QueryId), all.Select(q => q.QueryId));
        Assert.Equal(1, all.Sum(q => q.TimeShare!.Value), 1e-4);

        var filter = new SlowQueryFilter {
            Like = ["FROM ITEM where"], ExcludeLike = ["*count*"], Users = ["post*"], MinimumCalls = 5, Top = 1 };
        var one = Assert.Single(await lab.SlowAsync(filter));
        Assert.Equal((5, 15, "postgres", lab.Database.Name), (one.Calls, one.Rows, one.UserName, one.DatabaseName));
        Assert.Equal(QueryText.Hash("select * from item where id in ($1)"), one.QueryHash);
        Assert.Equal(1, one.TotalTimeMs / 5 / one.MeanTimeMs, 1e-5);
        Assert.True(one.MaxTimeMs >= one.MinTimeMs);
        Assert.NotNull(one.BlockTimeMs);
        Assert.Equal(version >= 14, one.Since is not null);
        Assert.Equal(version >= 14 ? true : null, one.TopLevel);

        Assert.Equal(
            5, (await lab.SlowAsync(new SlowQueryFilter { OrderBy = SlowQueryOrder.Calls, Like = ["select*item*"] }))[0].Calls);
        Assert.Empty(await lab.SlowAsync(new SlowQueryFilter { Databases = ["no such *"] }));
        Assert.True((await lab.SlowAsync(new SlowQueryFilter { Databases = ["*"] })).Count >= all.Count);
    }

    // The server counts each length of a list, each role and each nesting level apart.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_query_is_one_whatever_the_length_of_its_list_and_whoever_runs_it(int version)
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync(version));
        var role = $"app_{Guid.NewGuid():N}";
        await lab.Database.ExecuteAsync($"create role {role}; grant select on item to {role}");
        await lab.UpdateAsync();
        for (var length = 1; length <= 4; length++)
        {
            await lab.RunAsync($"select * from item where id in ({string.Join(", ", Enumerable.Range(1, length))})", length);
        }

        await lab.RunAsync("select * from item where n in (1, 2)", 1);
        await lab.RunAsync("select max(n) from item where id > 3", 1);
        await lab.RunAsync($"set role {role}; select * from item where id in (1, 2)", 5);
        await lab.UpdateAsync();

        foreach (var fromLog in new[] { false, true })
        {
            Task<List<SlowQuery>> ReadAsync(SlowQueryFilter filter) =>
                fromLog ? lab.FromLogAsync(filter with { Since = DateTimeOffset.UtcNow.AddDays(-1) }) : lab.SlowAsync(filter);
            var filter = new SlowQueryFilter {
                Like = ["from item where"], ExcludeLike = ["count("], OrderBy = SlowQueryOrder.Calls };

            var all = await ReadAsync(filter);
            var two = await ReadAsync(filter with { Top = 2 });

            Assert.Equal(3, all.Count);
            Assert.Equal(all.Take(2).Select(q => q.QueryHash), two.Select(q => q.QueryHash));
            Assert.Equal(
                (15, 40, QueryText.Hash("select * from item where id in ($1)"), null, null),
                (all[0].Calls, all[0].Rows, all[0].QueryHash, all[0].UserName, all[0].QueryId));
            Assert.Equal(new[] { role, "postgres" }.Order(), all[0].UserNames.Order());
            Assert.Equal(1, all[0].TotalTimeMs / 15 / all[0].MeanTimeMs, 1e-5);
            Assert.Equal(all[0].QueryHash, Assert.Single(await ReadAsync(filter with { MinimumCalls = 15 })).QueryHash);
            Assert.Empty(await ReadAsync(filter with { MinimumCalls = 16 }));
            Assert.Equal(10, Assert.Single(await ReadAsync(filter with { Users = ["postgres"], MinimumCalls = 10 })).Calls);
            Assert.Equal(1, all.Sum(q => q.TimeShare!.Value), 1e-4);
        }

        // A text that one length of the list has stands for the query.
        Assert.Equal(15, Assert.Single(await lab.SlowAsync(new SlowQueryFilter { Like = ["id in ($1)"] })).Calls);
        await lab.Database.ExecuteAsync($"drop owned by {role}; drop role {role}");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Statements_with_parameters_have_a_plan_and_nothing_is_executed(int version)
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync(version), store: false);

        var plan = QueryPlan(
            await lab.Connection.Plans.ExplainAsync(new PlanText("select * from item where id = $1 and n > $2 limit $3"), Token));
        Assert.Equal(["item_pkey"], plan.Indexes);
        Assert.NotEmpty(
            QueryPlan(
                await lab.Connection.Plans.ExplainAsync(
                    new PlanText("select extract($1 from at), $2 - n from item where at > date $3 - interval $4"), Token)).Scans);
        Assert.NotNull(await lab.Connection.Plans.ExplainAsync(new PlanText("insert into item (n) values (1)"), Token));
        Assert.NotNull(await lab.Connection.Plans.ExplainAsync(new PlanText("update item set n = $1 where id = $2"), Token));
        Assert.NotNull(await lab.Connection.Plans.ExplainAsync(new PlanText("delete from item"), Token));
        Assert.NotNull(await lab.Connection.Plans.ExplainAsync(new PlanText("delete from item"), Token));

        foreach (var refused in new[] {
            "select 1; drop table item", "drop table item", "explain analyze delete from item", "vacuum", "" })
        {
            var error = await Assert.ThrowsAsync<PerfMonitoringException>(
                () => lab.Connection.Plans.ExplainAsync(new PlanText(refused), Token));
            Assert.Equal("NotPlannable", error.ErrorId);
        }

        var failure = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => lab.Connection.Plans.ExplainAsync(new PlanText("select 'hunter2'::int from item"), Token));
        Assert.Equal("PlanFailed", failure.ErrorId);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
        Assert.Contains(
            "no_such",
            (await Assert.ThrowsAsync<PerfMonitoringException>(
                () => lab.Connection.Plans.ExplainAsync(new PlanText("select * from no_such"), Token))).Message,
            StringComparison.Ordinal);
        Assert.Equal(1000, await lab.Database.ScalarAsync<long>("select count(*) from item where n = id % 100"));
    }

    // The state after pg_upgrade.
    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_extension_of_an_older_version_is_read_by_all_who_read_it(int version)
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync(version));
        await lab.Database.ExecuteAsync("drop extension pg_stat_statements; create extension pg_stat_statements version '1.8'");
        await lab.UpdateAsync();
        await lab.RunAsync("select count(*) from item where n = 5", 3);

        var slow = Assert.Single(await lab.SlowAsync(new SlowQueryFilter { Like = ["count(`*)"] }));
        var sample = (await lab.Connection.Metrics.SampleAsync(Token)).Statements!;

        Assert.Equal((3, null, null), (slow.Calls, slow.TopLevel, slow.Since));
        Assert.Equal(3, (await lab.UpdateAsync()).Calls);
        Assert.Equal(3, sample.Statements.Single(s => s.Key.QueryId == slow.QueryId).Calls);
        Assert.Contains(
            "count(",
            await lab.Connection.Metrics.GetStatementTextAsync(
                sample.Statements.Single(s => s.Key.QueryId == slow.QueryId).Key, Token), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_log_has_what_happened_since_the_last_run(int version)
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync(version));
        await lab.UpdateAsync();
        await lab.RunAsync("select count(*) from item where n = 5", 3);

        var first = await lab.UpdateAsync();
        await lab.RunAsync("select count(*) from item where n = 6", 4);
        var second = await lab.UpdateAsync();
        var third = await lab.UpdateAsync();

        Assert.Equal((3, 4, 0), (first.Calls, second.Calls, third.Calls));
        Assert.Equal(first.IntervalEnd, second.IntervalStart);
        Assert.Equal((0, 0, null), (second.Gaps, third.Gaps, third.GapSince));
        Assert.Equal(version >= 14 ? 0L : null, second.Deallocations);

        var entries = await lab.LogAsync(new QueryPerformanceLogFilter { QueryHash = [CountHash] });
        Assert.Equal([4, 3], entries.Select(e => e.Calls!.Value));
        Assert.Equal(entries.Select(e => e.Id).OrderDescending(), entries.Select(e => e.Id));
        Assert.All(entries, e =>
        {
            Assert.Equal("select count(*) from item where n = $1", e.Query);
            Assert.Equal(1, e.TotalTimeMs!.Value / e.Calls!.Value / e.ExecutionTimeMs, 1e-5);
            Assert.Equal((1, false, 1000.0, "postgres"), (e.RowsReturned, e.IsSlowQuery, e.SlowQueryThresholdMs, e.DatabaseUser));
            Assert.Null(e.RowsExamined);
            Assert.Null(e.UsedIndex);
        });
        Assert.Equal((second.IntervalEnd, second.IntervalStart), (entries[0].ExecutedAt, entries[0].IntervalStart));

        var sum = Assert.Single(
            await lab.FromLogAsync(new SlowQueryFilter { Like = ["count(`*)"], Since = first.IntervalStart }));
        Assert.Equal((7, 7, CountHash), (sum.Calls, sum.Rows, sum.QueryHash));
        Assert.Equal(1, entries.Sum(e => e.TotalTimeMs!.Value) / sum.TotalTimeMs, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_reset_is_a_gap_and_never_negative(int version)
    {
        // On a shared server the other tests would lose their counters.
        await using var cluster = await SandboxFixture.OwnClusterAsync(
            new ClusterOptions { Installation = await EmbeddedPostgres.InstallAsync(version, Token) });
        await using var lab = await Lab.OnAsync(cluster);
        await lab.RunAsync("select count(*) from item where n = 5", 10);
        var before = await lab.UpdateAsync();

        await lab.Database.ExecuteAsync("select pg_stat_statements_reset()");
        await lab.RunAsync("select count(*) from item where n = 5", 2);
        var after = await lab.UpdateAsync();

        Assert.Equal(version >= 14, after.WasReset);
        Assert.True(after.Gaps >= 1);
        Assert.Equal(before.IntervalEnd, after.GapSince);
        Assert.Equal(
            [2, 10], (await lab.LogAsync(new QueryPerformanceLogFilter { QueryHash = [CountHash] })).Select(e => e.Calls!.Value));

        var next = await lab.UpdateAsync();
        Assert.Equal((0, false, 0L), (next.Gaps, next.WasReset, next.Calls));
    }

    [Fact]
    public async Task Evicted_statements_are_gaps()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(
            new ClusterOptions { Settings = new Dictionary<string, string> { ["pg_stat_statements.max"] = "100" } });
        await using var lab = await Lab.OnAsync(cluster);
        await lab.RunAsync("select count(*) from item where n = 5", 1);
        await lab.UpdateAsync();

        for (var i = 0; i < 300; i++)
        {
            await lab.RunAsync($"select {string.Join(", ", Enumerable.Repeat("n", i + 1))} from item where false", 2);
        }

        var update = await lab.UpdateAsync();

        Assert.True(update.Gaps > 0);
        Assert.True(update.Deallocations > 0);
        Assert.False(update.WasReset);
        Assert.All(await lab.LogAsync(new QueryPerformanceLogFilter()), e => Assert.True(e.Calls > 0 && e.ExecutionTimeMs >= 0));
    }

    [Fact]
    public async Task Two_runs_at_once_count_everything_once()
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync());
        await using var other = await lab.ConnectAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var load = Enumerable.Range(0, 2)
            .Select(_ => Task.Run(() => lab.LoadAsync("select count(*) from item where n = 5", stop.Token), Token)).ToArray();

        var updates = Enumerable.Range(0, 2).Select(i => Task.Run(
            async () =>
            {
                for (var n = 0; n < 12; n++)
                {
                    await (i == 0 ? lab.Connection : other).QueryLog.UpdateAsync(new Silence(), Token);
                }
            },
            Token)).ToArray();
        await Task.WhenAll(updates);
        await stop.CancelAsync();
        var executed = (await Task.WhenAll(load)).Sum();
        await lab.UpdateAsync();

        Assert.True(executed > 0);
        Assert.Equal(executed, (await lab.LogAsync(new QueryPerformanceLogFilter { QueryHash = [CountHash] })).Sum(e => e.Calls));
        Assert.Equal(executed, (await lab.SlowAsync(new SlowQueryFilter { Like = ["count(`*) from item"] })).Sum(q => q.Calls));
    }

    [Fact]
    public async Task A_run_that_is_killed_leaves_everything_to_the_next()
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync());
        await lab.UpdateAsync();
        await lab.RunAsync("select count(*) from item where n = 5", 6);

        // The last step of the transaction waits for this lock; the server then ends the session.
        await using var blocker = new NpgsqlConnection(lab.Database.UnpooledConnectionString);
        await blocker.OpenAsync(Token);
        await using (var transaction = await blocker.BeginTransactionAsync(Token))
        {
            await using var block = new NpgsqlCommand("lock table perf_monitoring.query_statistics in exclusive mode", blocker);
            await block.ExecuteNonQueryAsync(Token);
            var update = lab.UpdateAsync();
            const string waiting =
                "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like "
                    + "'%perf_monitoring.query_statistics%' and datname = current_database()";
            while (await lab.Database.ScalarAsync<int>(waiting) == 0)
            {
                await Task.Delay(20, Token);
            }

            await lab.Database.ExecuteAsync($"select pg_terminate_backend(pid) from ({waiting}) w");
            var error = await Assert.ThrowsAsync<PerfMonitoringException>(() => update);
            Assert.Equal("ConnectionFailed", error.ErrorId);
        }

        Assert.Empty(await lab.LogAsync(new QueryPerformanceLogFilter { QueryHash = [CountHash] }));
        await lab.UpdateAsync();
        Assert.Equal(6, (await lab.LogAsync(new QueryPerformanceLogFilter { QueryHash = [CountHash] })).Sum(e => e.Calls));
    }

    [Fact]
    public async Task The_threshold_in_force_decides_and_slow_statements_have_their_plan()
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync());
        await lab.UpdateAsync();
        await lab.Database.ExecuteAsync("""
            insert into perf_monitoring."user" (name) values ('t') on conflict do nothing;
            insert into perf_monitoring.performance_threshold
                (id, metric_type, table_name, warning_threshold, critical_threshold, threshold_unit, created_by, is_active, created_at, updated_at)
            select gen_random_uuid(), 'QUERY_TIME', t, w, w, 'MILLISECONDS', u.id, a, now() + s * interval '1 second', now() + s * interval '1 second'
            from perf_monitoring."user" u, (values (null, 7000.0, true, 1), (null, 0.0001, true, 2), (null, 9000.0, false, 3), ('item', 8000.0, true, 4)) v (t, w, a, s)
            where u.name = 't'
            """);
        await lab.RunAsync("select * from item where id = 7", 1);
        await lab.RunAsync("select count(*) from item where n = 5", 1);
        var longText = "select " + string.Join(" + ", Enumerable.Range(0, 400).Select(i => $"length('{i}')")) + " from item";
        await lab.RunAsync(longText, 1);

        var update = await lab.UpdateAsync();

        Assert.Equal(0.0001, update.SlowQueryThresholdMs);
        Assert.Equal((3, 3, 3), (update.Statements, update.SlowStatements, update.Plans));
        var entries = await lab.LogAsync(new QueryPerformanceLogFilter { SlowOnly = true });
        var byKey = entries.Single(e => e.Query.Contains("id = $1", StringComparison.Ordinal));
        Assert.Equal(
            ("[\"item_pkey\"]", true, 1, true),
            (byKey.IndexesUsed, byKey.UsedIndex!.Value, byKey.RowsExamined!.Value, byKey.RowsExaminedIsEstimate!.Value));
        Assert.Contains("Index Scan", byKey.ExecutionPlan, StringComparison.Ordinal);
        var whole = entries.Single(e => e.QueryHash == CountHash);
        Assert.Equal(("[]", false, 1000), (whole.IndexesUsed, whole.UsedIndex!.Value, whole.RowsExamined!.Value));
        var cut = entries.Single(e => e.Query.StartsWith("select length", StringComparison.Ordinal));
        Assert.Equal(2000, cut.Query.Length);
        Assert.Equal(QueryText.Hash(QueryText.Normalize(longText)), cut.QueryHash);
    }

    [Fact]
    public async Task Clearing_drops_whole_partitions_and_deletes_the_rest()
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync());
        var now = DateTimeOffset.UtcNow;
        await lab.Database.ExecuteAsync("""
            create function pg_temp.put(at timestamptz, of_interval boolean) returns void language sql as $$
                with e as (
                    insert into perf_monitoring.query_performance_log (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, database_user, executed_at)
                    values (perf_monitoring.uuid_v7_floor(at), repeat('a', 64), 'select 1', 1, 1, 1, 'u', at) returning id)
                insert into perf_monitoring.query_performance_interval
                    (id, queryid, dbid, userid, toplevel, calls, total_time_ms, rows, shared_blocks_hit, shared_blocks_read, temp_blocks_written, interval_end)
                select e.id, 1, 1, 1, true, 1, 1, 1, 1, 1, 1, at from e where of_interval
            $$;
            select perf_monitoring.add_query_log_partition(now() - i * interval '7 days') from generate_series(4, 5) i;
            select perf_monitoring.add_query_log_partition(now() - interval '28 days');
            select pg_temp.put(now() - i * interval '7 days', true) from generate_series(4, 5) i;
            select pg_temp.put(now() - interval '100 days', true);
            select pg_temp.put(now() - interval '1 hour', false);
            """);
        var before = now - (14 * 24 * Hour);

        var would = await lab.Connection.QueryLog.CountAsync(before, Token);
        var did = await lab.Connection.QueryLog.ClearAsync(before, Token);

        Assert.Equal(would, did);
        Assert.Equal((2, 2, 1, 3), (did.Partitions, did.RowsInPartitions, did.RowsDeleted, did.Rows));
        Assert.Equal(1, await lab.Database.ScalarAsync<long>("select count(*) from perf_monitoring.query_performance_log"));
        Assert.Equal(0, await lab.Database.ScalarAsync<long>("select count(*) from perf_monitoring.query_performance_interval"));
        Assert.Equal(0, (await lab.Connection.QueryLog.ClearAsync(before, Token)).Rows);
        Assert.Single(await lab.LogAsync(new QueryPerformanceLogFilter { Since = now - (2 * Hour) }));
        Assert.Empty(await lab.LogAsync(new QueryPerformanceLogFilter { Until = now - (2 * Hour) }));
    }

    [Fact]
    public async Task Partitions_made_by_many_at_once_are_made_once()
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync());

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => lab.Database.ExecuteAsync(
            "select perf_monitoring.add_query_log_partition('2031-01-01 12:00+00'::timestamptz + i * interval '1 day') from "
                + "generate_series(0, 20) i")));

        Assert.Equal(
            4, await lab.Database.ScalarAsync<long>(
            "select count(*) from pg_class where relname ~ '^query_performance_log_(203012|203101)\\d\\d$' and relkind = 'r'"));
    }

    [Fact]
    public async Task What_is_missing_is_said_with_its_remedy()
    {
        await using var bare = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await using var connection = await Lab.OpenAsync(bare);
        var missing = await Assert.ThrowsAsync<PerfMonitoringException>(
            async () => await connection.Queries.GetSlowQueriesAsync(new SlowQueryFilter(), null, Token).FirstAsync(Token));
        Assert.Equal("ExtensionMissing", missing.ErrorId);
        Assert.Contains("CREATE EXTENSION pg_stat_statements", missing.Remedy, StringComparison.Ordinal);

        await bare.ExecuteAsync("create extension pg_stat_statements");
        var store = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => connection.QueryLog.UpdateAsync(new Silence(), Token));
        Assert.Equal("StoreMissing", store.ErrorId);

        await using var unloaded = await SandboxFixture.OwnClusterAsync(new ClusterOptions { PreloadExtensions = false });
        await using var there = await TestDatabase.OnAsync(unloaded);
        await there.ExecuteAsync("create extension pg_stat_statements");
        await using var second = await Lab.OpenAsync(there);
        var idle = await Assert.ThrowsAsync<PerfMonitoringException>(
            async () => await second.Queries.GetSlowQueriesAsync(new SlowQueryFilter(), null, Token).FirstAsync(Token));
        Assert.Equal("ExtensionNotLoaded", idle.ErrorId);
    }

    [Fact]
    public async Task Statements_of_other_roles_are_hidden_and_counted()
    {
        await using var lab = await Lab.OnAsync(await sandbox.ClusterAsync(), store: false);
        await lab.RunAsync("select count(*) from item where n = 5", 1);
        var role = $"watcher_{Guid.NewGuid():N}";
        await lab.Database.ExecuteAsync($"create role {role} login");
        await using (var connection = await Lab.OpenAsync(lab.Database, role))
        {
            Assert.True(await connection.Queries.CountHiddenAsync(new SlowQueryFilter(), Token) > 0);
            Assert.DoesNotContain(
                await connection.Queries.GetSlowQueriesAsync(new SlowQueryFilter(), null, Token).ToListAsync(Token), q =>
                    q.UserName == "postgres");
            await lab.Database.ExecuteAsync($"grant pg_read_all_stats to {role}");
            Assert.Equal(0, await connection.Queries.CountHiddenAsync(new SlowQueryFilter(), Token));
        }

        await lab.Database.ExecuteAsync($"drop role {role}");
    }

    private static string CountHash => QueryText.Hash("select count(*) from item where n = $1");

    private static PlanSummary QueryPlan(string json) => PlanSummary.Read(json);

    private sealed class Silence : IProgress<string>
    {
        public void Report(string value)
        {
        }
    }

    /// <summary>A database with a table, the extension and, by default, the store.</summary>
    private sealed class Lab(TestDatabase database, IMonitoringConnection connection) : IAsyncDisposable
    {
        public TestDatabase Database => database;

        public IMonitoringConnection Connection => connection;

        public static async Task<Lab> OnAsync(PostgresCluster cluster, bool store = true, string schema = "public")
        {
            var database = await TestDatabase.OnAsync(cluster);
            var quoted = PerfMonitoring.Common.Identifier.Quote(schema);
            await database.ExecuteAsync($"""
                create schema if not exists {quoted};
                create extension pg_stat_statements schema {quoted};
                create table item (id int primary key, n int not null, at timestamptz not null default now());
                insert into item select g, g % 100 from generate_series(1, 1000) g;
                analyze item;
                """);
            var connection = await OpenAsync(database);
            if (store)
            {
                await connection.Store.UpgradeAsync(Token);
            }

            return new Lab(database, connection);
        }

        public static Task<IMonitoringConnection> OpenAsync(TestDatabase database, string? user = null) =>
            new PostgresBackend()
                .ConnectAsync(
                    new ConnectionSettings { ConnectionString = database.ConnectionString, UserName = user }, null, null, Token);

        public Task<IMonitoringConnection> ConnectAsync() => OpenAsync(database);

        public Task<QueryPerformanceLogUpdate> UpdateAsync() => connection.QueryLog.UpdateAsync(new Silence(), Token);

        public async Task<List<SlowQuery>> SlowAsync(SlowQueryFilter filter) =>
            await connection.Queries.GetSlowQueriesAsync(filter, null, Token).ToListAsync(Token);

        public async Task<List<SlowQuery>> FromLogAsync(SlowQueryFilter filter) =>
            await connection.QueryLog.GetSlowQueriesAsync(filter, Token).ToListAsync(Token);

        public async Task<List<QueryPerformanceEntry>> LogAsync(QueryPerformanceLogFilter filter) =>
            await connection.QueryLog.GetAsync(filter, Token).ToListAsync(Token);

        public async Task RunAsync(string sql, int times)
        {
            await using var client = new NpgsqlConnection(database.UnpooledConnectionString);
            await client.OpenAsync(Token);
            for (var i = 0; i < times; i++)
            {
                await using var command = new NpgsqlCommand(sql, client);
                await command.ExecuteNonQueryAsync(Token);
            }
        }

        public async Task<long> LoadAsync(string sql, CancellationToken until)
        {
            await using var client = new NpgsqlConnection(database.UnpooledConnectionString);
            await client.OpenAsync(Token);
            var count = 0L;
            while (!until.IsCancellationRequested)
            {
                await using var command = new NpgsqlCommand(sql, client);
                await command.ExecuteNonQueryAsync(Token);
                count++;
            }

            return count;
        }

        public async ValueTask DisposeAsync()
        {
            await connection.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
