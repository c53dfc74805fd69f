using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Postgres.Store;

/// <summary>One store for several databases, and stores of earlier layouts.</summary>
public sealed class StoreForManyTests(SandboxFixture sandbox)
{
    private const string Schemas =
        "select coalesce(string_agg(nspname, ',' order by nspname), '') from pg_namespace "
            + "where nspname like 'perf\\_monitoring%'";

    // The layout of a schema, with the schema's name taken out.
    private const string Layout = """
        select string_agg(line, E'\n' order by line collate "C")
        from (
            select replace(replace(line, $1 || '.', 's.'), quote_literal($1), '''s''') as line
            from (
            select format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) as line
            from pg_class c
            join pg_attribute a on a.attrelid = c.oid
            left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
            where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p') and c.relname !~ '_\d{8}$' and a.attnum > 0
                and not a.attisdropped
            union all
            select format('%s %s', o.conrelid::regclass, pg_get_constraintdef(o.oid))
            from pg_constraint o
            where o.connamespace = $1::regnamespace and o.conrelid <> 0 and o.conrelid::regclass::text !~ '_\d{8}$'
            union all
            select i.indexdef from pg_indexes i where i.schemaname = $1 and i.tablename !~ '_\d{8}$'
            union all
            select p.proname || ' ' || p.prosrc from pg_proc p where p.pronamespace = $1::regnamespace
            ) x
        ) l
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Databases_with_the_same_tables_do_not_meet()
    {
        var cluster = await sandbox.ClusterAsync();
        await using var store = await TestDatabase.OnAsync(cluster);
        await using var shop = await TestDatabase.OnAsync(cluster);
        await using var blog = await TestDatabase.OnAsync(cluster);
        await using var ours = await ConnectAsync(shop.ConnectionString, store.ConnectionString);
        await using var theirs = await ConnectAsync(blog.ConnectionString, store.ConnectionString);

        // At once, from two sessions.
        await Task.WhenAll(ours.Store.UpgradeAsync(Token), theirs.Store.UpgradeAsync(Token));
        await Task.WhenAll(ours.Strategies.AddAsync([Strategy], Token), theirs.Strategies.AddAsync([Strategy], Token));
        await ours.Thresholds.AddAsync(
            new PerformanceThreshold
            {
                MetricType = MetricType.DeadlockCount, Warning = 1, Critical = 2, Unit = ThresholdUnit.Count,
            }, Token);

        Assert.Equal(
            string.Join(',', new[] { "perf_monitoring", await SchemaAsync(ours), await SchemaAsync(theirs) }.Order()),
            await store.ScalarAsync<string>(Schemas));
        Assert.Equal("", await shop.ScalarAsync<string>(Schemas));
        Assert.Equal(
            [(shop.Name, 1, 1), (blog.Name, 1, 0)],
            [(shop.Name, await CountAsync(ours), (await ours.Thresholds.GetAsync(false, Token)).Count),
                (blog.Name, await CountAsync(theirs), (await theirs.Thresholds.GetAsync(false, Token)).Count)]);
        var entries = await ours.Store.GetEntriesAsync(Token);
        Assert.Equal(new[] { shop.Name, blog.Name }.Order(), entries.Select(e => e.Database).Order());
        Assert.All(entries, e => Assert.Equal((cluster.Port, "127.0.0.1"), (e.Port!.Value, e.HostName)));
    }

    [Fact]
    public async Task The_same_database_under_another_address_is_the_same_entry()
    {
        var cluster = await sandbox.ClusterAsync();
        await using var store = await TestDatabase.OnAsync(cluster);
        await using var shop = await TestDatabase.OnAsync(cluster);
        await using var bouncer = await PgBouncer.StartAsync(cluster);
        await using var first = await ConnectAsync(shop.ConnectionString, store.ConnectionString);
        await first.Store.UpgradeAsync(Token);

        foreach (var address in new[] { shop.ConnectionString.Replace("127.0.0.1", "localhost", StringComparison.Ordinal),
            cluster.ConnectionString(shop.Name).Replace($"{cluster.Port}", $"{bouncer.Port}", StringComparison.Ordinal) })
        {
            await using var again = await ConnectAsync(address, store.ConnectionString);
            Assert.True(await again.Store.IsReadyAsync(Token));
            Assert.Empty(await again.Store.UpgradeAsync(Token));
            Assert.Equal(await SchemaAsync(first), await SchemaAsync(again));
        }

        Assert.Single(await first.Store.GetEntriesAsync(Token));
    }

    [Fact]
    public async Task A_promoted_standby_is_the_same_and_a_base_backup_is_a_copy()
    {
        await using var primary = await SandboxFixture.OwnClusterAsync(new ClusterOptions());
        var shop = await primary.CreateDatabaseAsync("shop", Token);
        await using var store = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await using var session = await ConnectAsync(primary.ConnectionString(shop), store.ConnectionString);
        await session.Store.UpgradeAsync(Token);
        await session.Strategies.AddAsync([Strategy], Token);
        await using var standby = await primary.StartStandbyAsync(null, Token);
        await using var clone = await primary.StartStandbyAsync(null, Token);

        // Without the signal of a standby the backup is a server of its own, with the same timeline.
        await clone.StopAsync(StopMode.Fast, Token);
        File.Delete(Path.Combine(clone.Folder, "data", "standby.signal"));
        await clone.RestartAsync(Token);
        await using var copied = await ConnectAsync(clone.ConnectionString(shop), store.ConnectionString);
        var missing = await Assert.ThrowsAsync<PerfMonitoringException>(() => CountAsync(copied));
        Assert.Equal("StoreMissing", missing.ErrorId);
        Assert.Contains("taken for a copy", missing.Message, StringComparison.Ordinal);
        Assert.Contains("taken for a copy", await copied.Store.GetNoteAsync(Token) ?? "", StringComparison.Ordinal);
        await copied.Store.UpgradeAsync(Token);
        Assert.Equal(0, await CountAsync(copied));

        await using (var reading = await ConnectAsync(standby.ConnectionString(shop), store.ConnectionString))
        {
            Assert.Equal(1, await CountAsync(reading));
        }

        await primary.StopAsync(StopMode.Fast, Token);
        await standby.ExecuteAsync("postgres", "select pg_promote()", Token);
        await using var promoted = await ConnectAsync(standby.ConnectionString(shop), store.ConnectionString);
        Assert.Equal(1, await CountAsync(promoted));
        Assert.Contains("after a failover", await promoted.Store.GetNoteAsync(Token) ?? "", StringComparison.Ordinal);
        await promoted.Store.SaveSightingAsync(Token);
        await using var later = await ConnectAsync(standby.ConnectionString(shop), store.ConnectionString);
        Assert.Null(await later.Store.GetNoteAsync(Token));
        Assert.Equal([0, 1], (await later.Store.GetEntriesAsync(Token)).Select(e => e.Copy).Order());
    }

    [Fact]
    public async Task A_store_for_many_of_the_first_layout_is_split_and_loses_nothing()
    {
        var cluster = await sandbox.ClusterAsync();
        await using var store = await TestDatabase.OnAsync(cluster);
        await using var other = await TestDatabase.OnAsync(cluster);
        var shop = await cluster.CreateDatabaseAsync("shop", Token);
        var role = "collects " + Guid.NewGuid().ToString("N");
        try
        {
            await LoadAsync(store, "0007-many");
            await store.ExecuteAsync($"""
                create role "{role}";
                grant usage on schema perf_monitoring to "{role}";
                grant select on all tables in schema perf_monitoring to "{role}";
                grant insert on perf_monitoring.query_performance_log to "{role}";
                grant execute on function perf_monitoring.add_query_log_partition to "{role}";
                """);
            await using var old = await ConnectAsync(cluster.ConnectionString(shop), store.ConnectionString);
            Assert.Equal(
                "StoreMissing", (await Assert.ThrowsAsync<PerfMonitoringException>(() => CountAsync(old))).ErrorId);
            Assert.False(await old.Store.IsReadyAsync(Token));

            Assert.NotEmpty(await old.Store.UpgradeAsync(Token));

            Assert.Equal(
                ["articles_author_id_idx", "articles_pkey", "by_status_blog", "pending_blog"],
                await ReadAsync(store, "blog", "select index_name from {0}.index_strategy order by 1"));
            Assert.Equal(
                ["by_status_shop", "orders_customer_id_idx", "orders_pkey", "pending_shop"],
                (await ListAsync(old)).Select(s => s.IndexName).Order(StringComparer.Ordinal));
            foreach (var (table, blogs, shops) in new[]
            {
                ("index_action", 1, 1), ("index_action_session", 1, 1), ("index_usage_stats", 2, 2), ("index_usage_detail", 2, 2),
                ("index_strategy_evidence", 1, 1), ("maintenance_schedule", 1, 1), ("performance_threshold", 1, 1),
                ("metric_sample", 1, 1), ("query_statistics_head", 1, 1),
            })
            {
                Assert.Equal([$"{blogs}"], await ReadAsync(store, "blog", $"select count(*)::text from {{0}}.{table}"));
                Assert.Equal([$"{shops}"], await ReadAsync(store, "shop", $"select count(*)::text from {{0}}.{table}"));
            }

            // No row of the log is lost, none is there twice, and each is in its week.
            Assert.Equal("6", string.Concat(
                (await ReadAsync(store, "blog", "select count(*)::text from {0}.query_performance_log"))
                    .Concat(await ReadAsync(store, "shop", "select count(*)::text from {0}.query_performance_log"))
                    .Sum(int.Parse)));
            Assert.Equal(["0"], await ReadAsync(store, "blog", "select count(*)::text from {0}.query_performance_log_default"));
            await AssertLayoutAsync(store, await SchemaOfAsync(store, "blog"));
            await AssertLayoutAsync(store, await SchemaOfAsync(store, "shop"));
            foreach (var schema in new[] { await SchemaOfAsync(store, "blog"), await SchemaOfAsync(store, "shop") })
            {
                Assert.True(await store.ScalarAsync<bool>($"""
                    select has_table_privilege('{role}', '{schema}.query_performance_log', 'insert')
                        and has_function_privilege('{role}', '{schema}.add_query_log_partition(timestamptz)', 'execute')
                        and has_table_privilege('{role}', 'perf_monitoring.registered_database', 'select')
                        and not has_table_privilege('{role}', 'perf_monitoring.registered_database', 'update')
                        and has_table_privilege('{role}', 'perf_monitoring.database_sighting', 'insert')
                    """));
            }

            // The second time there is nothing to do, and another database gets its own schema.
            Assert.Empty(await old.Store.UpgradeAsync(Token));
            await using var next = await ConnectAsync(other.ConnectionString, store.ConnectionString);
            await next.Store.UpgradeAsync(Token);
            Assert.Equal(3, (await next.Store.GetEntriesAsync(Token)).Count);
        }
        finally
        {
            await store.ExecuteAsync($"drop owned by \"{role}\"; drop role \"{role}\"");
            await cluster.DropDatabaseAsync(shop, CancellationToken.None);
        }
    }

    [Fact]
    public async Task A_store_in_the_database_of_the_first_layout_keeps_its_schema()
    {
        var cluster = await sandbox.ClusterAsync();
        await using var database = await TestDatabase.OnAsync(cluster);
        await LoadAsync(database, "0007-one");
        await database.ExecuteAsync($"update perf_monitoring.monitored_database set database_name = '{database.Name}'");
        await using var session = await ConnectAsync(database.ConnectionString, null);

        Assert.Equal(["0008_one_database.sql"], (await session.Store.UpgradeAsync(Token)).Select(m => m.Name));

        Assert.Equal("perf_monitoring", await database.ScalarAsync<string>(Schemas));
        Assert.Equal(3, (await ListAsync(session)).Count);
        Assert.Single(await session.Thresholds.GetAsync(false, Token));
        await AssertLayoutAsync(database, "perf_monitoring");

        // Rows of another database, which used this one as its store, get a schema beside it.
        await using var second = await TestDatabase.OnAsync(cluster);
        await LoadAsync(second, "0007-many");
        await second.ExecuteAsync(
            $"update perf_monitoring.monitored_database set database_name = '{second.Name}' where database_name = 'shop'");
        await using var both = await ConnectAsync(second.ConnectionString, null);
        await both.Store.UpgradeAsync(Token);
        Assert.Equal(4, (await ListAsync(both)).Count);
        Assert.Equal(
            ["4"], await ReadAsync(second, "blog", "select count(*)::text from {0}.index_strategy"));
        Assert.Equal("blog", Assert.Single(await both.Store.GetEntriesAsync(Token)).Database);
    }

    // The upgraded schema is the same as a new one.
    private async Task AssertLayoutAsync(TestDatabase database, string schema)
    {
        await using var fresh = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await using var session = await ConnectAsync(fresh.ConnectionString, null);
        await session.Store.UpgradeAsync(Token);

        Assert.Equal(await LayoutAsync(fresh, "perf_monitoring"), await LayoutAsync(database, schema));
    }

    private static async Task<string> LayoutAsync(TestDatabase database, string schema) =>
        (await database.ScalarAsync<string>(Layout.Replace("$1", $"'{schema}'", StringComparison.Ordinal)))!;

    private static async Task LoadAsync(TestDatabase database, string layout)
    {
        var identity = await database.ScalarAsync<long>("select system_identifier from pg_control_system()");
        var file = Path.Combine(Repository.Root, "tests", "PerfMonitoring.Postgres.Tests", "Store", "Layouts", layout + ".dump");
        await database.ExecuteAsync(
            (await File.ReadAllTextAsync(file, Token)).Replace("{identity}", $"{identity}", StringComparison.Ordinal));
    }

    private static async Task<string> SchemaOfAsync(TestDatabase store, string name) => (await store.ScalarAsync<string>(
        $"select schema_name from perf_monitoring.registered_database where database_name = '{name}'"))!;

    private static async Task<IReadOnlyList<string>> ReadAsync(TestDatabase store, string name, string sql)
    {
        await using var connection = new NpgsqlConnection(store.UnpooledConnectionString);
        await connection.OpenAsync(Token);
        await using var command = new NpgsqlCommand(
            sql.Replace("{0}", await SchemaOfAsync(store, name), StringComparison.Ordinal), connection);
        await using var reader = await command.ExecuteReaderAsync(Token);
        var rows = new List<string>();
        while (await reader.ReadAsync(Token))
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private static async Task<string> SchemaAsync(IMonitoringConnection session) =>
        (await session.Store.FindSchemaAsync(Token))!;

    private static async Task<int> CountAsync(IMonitoringConnection session) => (await ListAsync(session)).Count;

    private static async Task<IReadOnlyList<IndexStrategy>> ListAsync(IMonitoringConnection session)
    {
        var list = new List<IndexStrategy>();
        await foreach (var strategy in session.Strategies.GetAsync(new IndexStrategyFilter { IncludeInactive = true }, Token))
        {
            list.Add(strategy);
        }

        return list;
    }

    private static IndexStrategy Strategy => new()
    {
        Definition = new IndexDefinition
        {
            Table = new RelationName("public", "orders"), Name = "i", Keys = [IndexKey.OnColumn("a")],
        },
    };

    private static Task<IMonitoringConnection> ConnectAsync(string monitored, string? store) =>
        new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = monitored },
            store is null ? null : new ConnectionSettings { ConnectionString = store }, "tester", Token);
}
