using System.Collections.Concurrent;
using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class IndexBuilderTests(SandboxFixture sandbox) : IAsyncLifetime
{
    private const string Orders = TestDatabase.SlowFunction + """

        create table orders (id bigint primary key, customer_id int, status text);
        insert into orders select g, g % 50, (array['new', 'paid'])[1 + g % 2] from generate_series(1, 500) g;
        """;

    private readonly ConcurrentQueue<IndexChangeProgress> reports = new();
    private TestDatabase database = null!;
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IndexChangeOptions Options => new()
    {
        LockTimeout = TimeSpan.FromSeconds(0.5), SnapshotTimeout = TimeSpan.FromSeconds(0.5), MaximumRetry = 0,
        RetryDelay = TimeSpan.FromMilliseconds(50), CleanUpLimit = TimeSpan.FromSeconds(10),
    };

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        await database.ExecuteAsync(Orders);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task An_index_is_built_and_measured()
    {
        var (result, error) = await BuildAsync(Strategy("orders_customer_id_idx", IndexKey.OnColumn("customer_id")));

        Assert.Null(error);
        Assert.Equal(IndexCreationState.Created, result.State);
        Assert.Equal(await database.ScalarAsync<long>("select pg_relation_size('orders_customer_id_idx')"), result.SizeBytes);
        Assert.Equal("public.orders", result.TableName);
        Assert.Equal(
            "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders USING btree (customer_id)",
            result.IndexDefinition);
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task Progress_is_told_with_phase_and_percent()
    {
        await database.HoldBuildsAsync();
        var building = BuildAsync(Slow("orders_slow_idx"));
        await UntilReportedAsync(r => r.Phase == "building index: scanning table" && r.Percent is null or (>= 0 and <= 100));
        await database.ReleaseBuildsAsync();

        Assert.Equal(IndexCreationState.Created, (await building).Result.State);
    }

    [Theory]
    [InlineData("create index old on orders (customer_id)", null, null, true)]
    [InlineData("create index old on orders (customer_id) with (fillfactor = 70)", null, null, true)]
    [InlineData("create index old on orders (customer_id desc)", null, null, false)]
    [InlineData("create index old on orders (customer_id, status)", null, null, false)]
    [InlineData("create index old on orders (customer_id) include (status)", null, null, false)]
    [InlineData("create index old on orders (customer_id) where status = 'new'", null, null, false)]
    [InlineData("create index old on orders (customer_id) where status = 'new'", null, "status = 'new'", true)]
    [InlineData("create index old on orders (customer_id) where status = 'new'", null, "status = 'paid'", false)]
    [InlineData("create index old on orders (lower(status))", "lower(status)", null, true)]
    [InlineData("create index old on orders (lower(status))", "LOWER((status)::text)", null, true)]
    [InlineData("create index old on orders (lower(status))", "upper(status)", null, false)]
    [InlineData("create index old on orders (lower(status) text_pattern_ops)", "lower(status)", null, false)]
    public async Task An_equal_index_is_recognised(string existing, string? expression, string? where, bool isEqual)
    {
        await database.ExecuteAsync(existing);
        var strategy = Strategy(
            "fresh", expression is null ? IndexKey.OnColumn("customer_id") : IndexKey.OnExpression(expression));

        var (result, error) = await BuildAsync(strategy with { Definition = strategy.Definition with { Where = where } });

        Assert.Null(error);
        Assert.Equal(isEqual ? IndexCreationState.AlreadyExists : IndexCreationState.Created, result.State);
        Assert.Equal(isEqual ? "old" : "fresh", result.IndexName);
        Assert.True(result.SizeBytes > 0);
        await AssertCleanAsync(validIndexes: isEqual ? 2 : 3);
    }

    [Fact]
    public async Task A_unique_index_serves_where_a_plain_one_was_wanted()
    {
        var (result, _) = await BuildAsync(Strategy("fresh", IndexKey.OnColumn("id")));

        Assert.Equal(IndexCreationState.AlreadyExists, result.State);
        Assert.Equal("orders_pkey", result.IndexName);
    }

    [Theory]
    [InlineData("create index taken on orders (status)")]
    [InlineData("create table taken (id int)")]
    [InlineData("create sequence taken")]
    [InlineData("create table other (customer_id int); create index taken on other (customer_id)")]
    public async Task A_taken_name_is_an_error(string existing)
    {
        await database.ExecuteAsync(existing);

        var (result, error) = await BuildAsync(Strategy("taken", IndexKey.OnColumn("customer_id")));

        Assert.Equal("IndexNameTaken", error?.ErrorId);
        Assert.Equal(IndexCreationState.Failed, result.State);
        Assert.Null(result.LeftoverIndex);
    }

    [Fact]
    public async Task The_invalid_rest_of_an_earlier_build_is_replaced()
    {
        await LeaveInvalidAsync("rest");

        var (result, _) = await BuildAsync(Slow("rest"));

        Assert.Equal(IndexCreationState.Created, result.State);
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task What_another_session_builds_is_left_alone()
    {
        await database.HoldBuildsAsync();
        await using var other = await OpenAsync();
        var building = ExecuteAsync(other, "create index concurrently theirs on orders (slow(customer_id))");
        await UntilAsync("select exists (select from pg_class where relname = 'theirs')");

        var (_, error) = await BuildAsync(Slow("theirs"));
        await database.ReleaseBuildsAsync();
        await building;

        Assert.Equal("IndexBeingBuilt", error?.ErrorId);
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task Duplicates_fail_a_unique_index_and_are_not_told()
    {
        await database.ExecuteAsync("insert into orders values (9001, 1, 'card 4111-1111'), (9002, 1, 'card 4111-1111')");
        var strategy = Strategy("u", IndexKey.OnColumn("status"));

        var (result, error) = await BuildAsync(strategy with { Definition = strategy.Definition with { IsUnique = true } });

        Assert.Equal("DuplicateValues", error?.ErrorId);
        Assert.Equal(IndexCreationState.Failed, result.State);
        Assert.DoesNotContain("4111", result.Error, StringComparison.Ordinal);
        await AssertCleanAsync(validIndexes: 1);
    }

    [Theory]
    [InlineData("nope", "InvalidIndexDefinition")]
    [InlineData("x\"; drop table orders; --", "InvalidIndexDefinition")]
    public async Task A_column_that_does_not_exist_is_an_error(string column, string errorId)
    {
        var (_, error) = await BuildAsync(Strategy("i", IndexKey.OnColumn(column)));

        Assert.Equal(errorId, error?.ErrorId);
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task Any_name_can_be_built()
    {
        await database.ExecuteAsync(
            "create schema \"Sälés\"; create table \"Sälés\".\"Order \"\"Items\"\"\" (\"Qty; drop\" int)");
        var name = "ü\"; drop table orders; --" + new string('x', 37);
        var strategy = new IndexStrategy
        {
            Definition = new IndexDefinition
            {
                Table = new RelationName("Sälés", "Order \"Items\""), Name = name, Keys = [IndexKey.OnColumn("Qty; drop")],
            },
        };

        var (result, error) = await BuildAsync(strategy);

        Assert.Null(error);
        Assert.Equal(name, result.IndexName);
        Assert.Equal(
            63, await database.ScalarAsync<int>("select octet_length(relname::text) from pg_class where relname like 'ü%'"));
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task A_partitioned_table_is_built_leaf_by_leaf_at_any_depth()
    {
        await MakePartedAsync();

        var (result, error) = await BuildAsync(Parted("parted_n_idx", IndexKey.OnColumn("n")));

        Assert.Null(error);
        Assert.Equal((IndexCreationState.Created, "parted_n_idx"), (result.State, result.IndexName));
        Assert.Equal(
            5, await database.ScalarAsync<long>(
                "select count(*) from pg_partition_tree('parted_n_idx') t "
                    + "join pg_index i on i.indexrelid = t.relid where indisvalid"));
        Assert.Equal(
            result.SizeBytes,
            await database.ScalarAsync<long>(
                "select sum(pg_relation_size(relid))::bigint from pg_partition_tree('parted_n_idx')"));
        Assert.Contains(
            reports, r =>
                r.Phase.StartsWith("partition 1 of 3, public.p1: ", StringComparison.Ordinal)
                || r.Phase == "attaching the indexes of the partitions");
        Assert.Equal(IndexCreationState.AlreadyExists, (await BuildAsync(Parted("again", IndexKey.OnColumn("n")))).Result.State);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
    }

    [Fact]
    public async Task What_was_built_of_a_partitioned_table_is_taken_over()
    {
        await MakePartedAsync();
        await database.ExecuteAsync(
            "create index parted_n_idx on only parted (n); create index mine on p1 (n); alter index parted_n_idx attach "
                + "partition mine; create index loose on p2a (n)");

        var (result, error) = await BuildAsync(Parted("parted_n_idx", IndexKey.OnColumn("n")));

        Assert.Null(error);
        Assert.Equal(IndexCreationState.Created, result.State);
        Assert.True(
            await database.ScalarAsync<bool>("select indisvalid from pg_index where indexrelid = 'parted_n_idx'::regclass"));
        Assert.Equal(
            2, await database.ScalarAsync<long>(
                "select count(*) from pg_partition_tree('parted_n_idx') where relid in ('mine'::regclass, 'loose'::regclass)"));
        Assert.Equal(5, await database.ScalarAsync<long>("select count(*) from pg_partition_tree('parted_n_idx')"));
    }

    [Fact]
    public async Task Cancelled_half_way_a_partitioned_table_has_no_invalid_index_and_goes_on_later()
    {
        await MakePartedAsync();
        await database.HoldBuildsAsync(from: 100);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var building = BuildAsync(Parted("parted_slow_idx", IndexKey.OnExpression("public.slow(n)")), null, cancel.Token);
        await UntilReportedAsync(r => r.Phase.StartsWith("partition 2 of 3, public.p2a: building", StringComparison.Ordinal));
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);
        await database.ReleaseBuildsAsync();

        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'p1'::regclass"));
        Assert.Equal(
            IndexCreationState.Created,
            (await BuildAsync(Parted("parted_slow_idx", IndexKey.OnExpression("public.slow(n)")))).Result.State);
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'p1'::regclass"));
    }

    [Fact]
    public async Task A_unique_index_without_the_partition_key_is_refused_before_anything_is_built()
    {
        await MakePartedAsync();
        var strategy = Parted("u", IndexKey.OnColumn("n"));

        var (_, error) = await BuildAsync(strategy with { Definition = strategy.Definition with { IsUnique = true } });

        Assert.Equal("InvalidIndexDefinition", error?.ErrorId);
        Assert.Equal(
            0, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid in (select relid from pg_partition_tree('parted'))"));
    }

    private Task MakePartedAsync() => database.ExecuteAsync("""
        create table parted (id int, n int) partition by range (id);
        create table p1 partition of parted for values from (0) to (100);
        create table p2 partition of parted for values from (100) to (300) partition by range (id);
        create table p2a partition of p2 for values from (100) to (200);
        create table p2b partition of p2 for values from (200) to (300);
        insert into parted select g, g from generate_series(0, 299) g;
        """);

    private static IndexStrategy Parted(string name, params IndexKey[] keys) => new()
    {
        Definition = new IndexDefinition { Table = new RelationName("public", "parted"), Name = name, Keys = keys },
    };

    [Theory]
    [InlineData("building index: scanning table", false)]
    [InlineData("waiting for writers before build", true)]
    public async Task Cancelled_half_way_nothing_is_left(string phase, bool withWriter)
    {
        await database.HoldBuildsAsync();
        await using var writer = await OpenAsync();
        if (withWriter)
        {
            await ExecuteAsync(writer, "begin; update orders set status = 'new' where id = 1");
        }

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var building = BuildAsync(Slow("i"), Options with { SnapshotTimeout = TimeSpan.Zero }, cancel.Token);
        await UntilReportedAsync(r => r.Phase == phase);
        await cancel.CancelAsync();
        if (withWriter)
        {
            // A drop also waits for transactions that use the table.
            await Task.Delay(500, Token);
            await ExecuteAsync(writer, "rollback");
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task A_killed_backend_leaves_nothing()
    {
        await database.HoldBuildsAsync();
        var building = BuildAsync(Slow("i"));
        await database.UntilBuildIsInAsync("building%");
        await database.EndIndexBuildsAsync();

        var (result, error) = await building;

        Assert.Equal("IndexCreationInterrupted", error?.ErrorId);
        Assert.Equal(IndexCreationState.Failed, result.State);
        Assert.Null(result.LeftoverIndex);
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task A_statement_that_is_cancelled_on_the_server_is_told_as_cancelled()
    {
        await database.HoldBuildsAsync();
        var building = BuildAsync(Slow("i"));
        await database.UntilBuildIsInAsync("building%");
        await database.ExecuteAsync(
            "select pg_cancel_backend(pid) from pg_stat_progress_create_index where datname = current_database()");

        var (result, error) = await building;

        Assert.Equal("IndexCreationCancelled", error?.ErrorId);
        Assert.Equal(IndexCreationState.Cancelled, result.State);
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task An_old_snapshot_is_waited_for_retried_and_named()
    {
        await using var old = await OpenAsync("the old one");
        await ExecuteAsync(old, "begin isolation level repeatable read; select 1");

        var (result, error) = await BuildAsync(
            Strategy("i", IndexKey.OnColumn("customer_id")),
            Options with { MaximumRetry = 2, SnapshotTimeout = TimeSpan.FromSeconds(1.5) });

        Assert.Equal("SnapshotTimeout", error?.ErrorId);
        Assert.Equal(2, result.Retries);
        var blocker = Assert.Single(result.BlockedBy);
        Assert.Equal(old.ProcessID, blocker.ProcessId);
        Assert.Equal("the old one", blocker.ApplicationName);
        Assert.Equal("idle in transaction", blocker.State);
        Assert.Contains($"{old.ProcessID}", error!.Message, StringComparison.Ordinal);
        Assert.Contains(reports, r => r.Phase == "waiting for old snapshots" && r.BlockedBy.Count == 1);
        Assert.Contains(reports, r => r.Phase.EndsWith("before try 3 of 3", StringComparison.Ordinal));
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task Behind_an_old_snapshot_a_short_limit_for_the_lock_hurts_nobody()
    {
        await using var old = await OpenAsync();
        await ExecuteAsync(old, "begin isolation level repeatable read; select 1");

        var building = BuildAsync(
            Strategy("i", IndexKey.OnColumn("customer_id")), Options with { SnapshotTimeout = TimeSpan.FromMinutes(1) });
        await UntilReportedAsync(r => r.Phase == "waiting for old snapshots" && r is { BlockedBy.Count: 1, Percent: null });
        await Task.Delay(1500, Token);
        await ExecuteAsync(old, "rollback");

        var (result, _) = await building;
        Assert.Equal((IndexCreationState.Created, 0), (result.State, result.Retries));
        Assert.True(result.BuildTime < result.Duration - TimeSpan.FromSeconds(1), $"{result.BuildTime} of {result.Duration}");
    }

    [Fact]
    public async Task A_lock_that_is_not_to_be_had_is_told_before_anything_is_built()
    {
        await using var holder = await OpenAsync("the holder");
        await ExecuteAsync(holder, "begin; lock table orders in share update exclusive mode");

        var (result, error) = await BuildAsync(
            Strategy("i", IndexKey.OnColumn("customer_id")), Options with { SnapshotTimeout = TimeSpan.FromMinutes(1) });

        Assert.Equal("LockTimeout", error?.ErrorId);
        Assert.Equal("the holder", Assert.Single(result.BlockedBy).ApplicationName);
        Assert.Contains(reports, r => r.Phase == "waiting for the lock on the table");
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task When_the_old_snapshot_goes_a_retry_succeeds()
    {
        await using var old = await OpenAsync();
        await ExecuteAsync(old, "begin isolation level repeatable read; select 1");

        var building = BuildAsync(Strategy("i", IndexKey.OnColumn("customer_id")), Options with { MaximumRetry = 5 });
        await UntilReportedAsync(r => r.Retries == 1);
        await ExecuteAsync(old, "rollback");

        var (result, _) = await building;
        Assert.Equal(IndexCreationState.Created, result.State);
        Assert.True(result.Retries >= 1);
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task What_cannot_be_dropped_is_named()
    {
        await using var reader = await OpenAsync();
        await ExecuteAsync(reader, "begin isolation level repeatable read; select * from orders limit 1");

        var (result, error) = await BuildAsync(
            Strategy("i", IndexKey.OnColumn("customer_id")), Options with { CleanUpLimit = TimeSpan.FromSeconds(1) });
        await ExecuteAsync(reader, "rollback");

        Assert.Equal("InvalidIndexLeft", error?.ErrorId);
        Assert.Equal("public.i", result.LeftoverIndex);
        Assert.Contains("DROP INDEX CONCURRENTLY public.i", error!.Remedy, StringComparison.Ordinal);
        Assert.Equal(
            IndexCreationState.Created, (await BuildAsync(Strategy("i", IndexKey.OnColumn("customer_id")))).Result.State);
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task Of_two_at_once_the_second_waits_and_finds_the_index()
    {
        await database.HoldBuildsAsync();
        var first = BuildAsync(Slow("i"));
        await database.UntilBuildIsInAsync();

        var second = BuildAsync(Slow("j"));
        await UntilReportedAsync(r => r.Phase == "waiting for another builder" && r.BlockedBy.Count == 1);
        await database.ReleaseBuildsAsync();

        Assert.Equal(IndexCreationState.Created, (await first).Result.State);
        Assert.Equal(IndexCreationState.AlreadyExists, (await second).Result.State);
        Assert.Equal("i", (await second).Result.IndexName);
        await AssertCleanAsync(validIndexes: 2);
    }

    [Fact]
    public async Task A_partition_and_its_tree_are_one_table()
    {
        await database.ExecuteAsync(
            "create table tree (n int) partition by range (n); create table leaf partition of tree for values from (0) to "
                + "(1000); insert into tree select g from generate_series(0, 499) g");
        var many = Options with {
            ThrottleLimit = 4, LockTimeout = TimeSpan.FromMinutes(1), SnapshotTimeout = TimeSpan.FromMinutes(1) };
        await database.HoldBuildsAsync();
        var first = BuildAsync(On("tree", "public.slow(n)"), many);
        await database.UntilBuildIsInAsync();

        var second = BuildAsync(On("leaf", "n + 1"), many);
        var third = BuildAsync(Strategy("i", IndexKey.OnColumn("customer_id")), many);

        // Meanwhile another table's index is built.
        await UntilAsync(
            "select count(*) = 2 from pg_stat_progress_create_index where datname = current_database() and relid in "
                + "('leaf'::regclass, 'orders'::regclass)");
        await UntilReportedAsync(r => r.Phase == "waiting for another builder" && r.BlockedBy.Count == 1);
        await database.ReleaseBuildsAsync();
        Assert.All(await Task.WhenAll(first, second, third), r => Assert.Equal(IndexCreationState.Created, r.Result.State));
        await AssertCleanAsync(validIndexes: 5);

        static IndexStrategy On(string table, string expression) => new()
        {
            Definition = new IndexDefinition {
                Table = new RelationName("public", table), Name = table + "_i", Keys = [IndexKey.OnExpression(expression)] },
        };
    }

    [Fact]
    public async Task A_build_that_has_to_end_is_left_for_later_with_nothing_left_of_it()
    {
        await database.HoldBuildsAsync();
        var (result, error) = await BuildAsync(Slow("i"), Options with { EndAt = DateTimeOffset.UtcNow.AddSeconds(1.5) });

        Assert.Null(error);
        Assert.Equal(IndexCreationState.Deferred, result.State);
        Assert.True(result.Duration > TimeSpan.FromSeconds(1), $"{result.Duration}");
        await AssertCleanAsync(validIndexes: 1);
    }

    [Fact]
    public async Task A_name_that_is_taken_meanwhile_is_not_cleared_away()
    {
        await database.ExecuteAsync("create table other (n int)");
        await using var holder = await OpenAsync();
        await ExecuteAsync(holder, "begin; lock table orders in exclusive mode");
        var building = BuildAsync(
            Strategy("same", IndexKey.OnColumn("customer_id")),
            Options with { LockTimeout = TimeSpan.FromMinutes(1), SnapshotTimeout = TimeSpan.FromMinutes(1) });
        await UntilReportedAsync(r => r.Phase == "waiting for the lock on the table");

        await database.ExecuteAsync(
            "create index same on other (n); update pg_index set indisvalid = false where indexrelid = 'same'::regclass");
        await ExecuteAsync(holder, "rollback");
        var (result, error) = await building;

        Assert.Equal((IndexCreationState.Failed, "IndexNameTaken"), (result.State, error!.ErrorId));
        Assert.Null(result.LeftoverIndex);
        Assert.True(
            await database.ScalarAsync<bool>(
                "select indrelid = 'other'::regclass from pg_index where indexrelid = 'same'::regclass"));
    }

    [Fact]
    public async Task A_server_that_dies_and_stays_away_is_told_with_the_name_that_is_left()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions());
        await using var own = await TestDatabase.OnAsync(cluster);
        await own.ExecuteAsync(Orders);
        await using var session = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = own.ConnectionString }, null, null, Token);

        await own.HoldBuildsAsync();
        var building = session.IndexChanger.BuildAsync(
            Slow("i"), Options with { CleanUpLimit = TimeSpan.FromSeconds(2) }, new Reports(reports), Token);
        await UntilReportedAsync(r => r.Phase.StartsWith("building", StringComparison.Ordinal));
        await cluster.StopAsync(StopMode.Immediate, Token);
        var (result, error) = await building;
        await cluster.RestartAsync(Token);
        await own.ReleaseBuildsAsync();

        Assert.Equal("InvalidIndexLeft", error?.ErrorId);
        Assert.Equal("public.i", result.LeftoverIndex);
        var (again, _) = await session.IndexChanger.BuildAsync(Slow("i"), Options, new Reports(reports), Token);
        Assert.Equal(IndexCreationState.Created, again.State);
    }

    [Fact]
    public async Task What_a_build_would_wait_for_is_found_out_before()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(
            new ClusterOptions { Settings = new Dictionary<string, string> { ["max_prepared_transactions"] = "2" } });
        await using var own = await TestDatabase.OnAsync(cluster);
        await own.ExecuteAsync(Orders);
        await own.ExecuteAsync("begin; update orders set status = 'new' where id = 1; prepare transaction 'forgotten'");
        await using var session = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = own.ConnectionString }, null, null, Token);
        await using var writer = new NpgsqlConnection(own.UnpooledConnectionString + ";Application Name=writer");
        await writer.OpenAsync(Token);
        await ExecuteAsync(writer, "begin; update orders set status = 'new' where id = 2");
        await using var reader = new NpgsqlConnection(own.UnpooledConnectionString + ";Application Name=reader");
        await reader.OpenAsync(Token);
        await ExecuteAsync(reader, "begin isolation level repeatable read; select 1");
        await using var harmless = new NpgsqlConnection(own.UnpooledConnectionString + ";Application Name=harmless");
        await harmless.OpenAsync(Token);
        await ExecuteAsync(harmless, "begin");
        await Task.Delay(1200, Token);

        var table = await session.Catalog.GetTableAsync(new RelationName("public", "orders"), Token);
        var facts = await session.IndexChanger.GetBuildFactsAsync(table, null, Token);
        // A database with a prepared transaction cannot be dropped.
        await own.ExecuteAsync("rollback prepared 'forgotten'");

        Assert.Equal(["writer", "reader"], facts.OlderTransactions.Select(o => o.ApplicationName));
        Assert.Equal(["forgotten"], facts.PreparedTransactions);
        Assert.True(
            facts is {
            IsStandby: false, IsOwner: true, SeesOthers: true, HasAutovacuum: false, Standbys: 0, ActiveSessions: 0,
            FreeDiskBytes: > 0 });
        Assert.Empty(facts.OtherBuilds);
    }

    [Fact]
    public async Task A_role_that_sees_little_knows_that_it_does()
    {
        await database.ExecuteAsync("do $$ begin create role blind login; exception when duplicate_object then null; end $$");
        await using var session = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString, UserName = "blind" }, null, null, Token);

        var table = await session.Catalog.GetTableAsync(new RelationName("public", "orders"), Token);
        var facts = await session.IndexChanger.GetBuildFactsAsync(table, null, Token);

        Assert.True(facts is { IsOwner: false, SeesOthers: false, ActiveSessions: null, FreeDiskBytes: null });
    }

    private static IndexStrategy Strategy(string name, params IndexKey[] keys) => new()
    {
        Definition = new IndexDefinition { Table = new RelationName("public", "orders"), Name = name, Keys = keys },
    };

    private static IndexStrategy Slow(string name) => Strategy(name, IndexKey.OnExpression("public.slow(customer_id)"));

    private Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(
        IndexStrategy strategy, IndexChangeOptions? options = null, CancellationToken? cancellationToken = null) =>
        connection.IndexChanger.BuildAsync(strategy, options ?? Options, new Reports(reports), cancellationToken ?? Token);

    private async Task LeaveInvalidAsync(string name)
    {
        await database.HoldBuildsAsync();
        await using var session = await OpenAsync();
        var building = ExecuteAsync(session, $"create index concurrently {name} on orders (slow(customer_id))");
        await database.UntilBuildIsInAsync("building%");
        await database.EndIndexBuildsAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => building);
        await database.ReleaseBuildsAsync();
        Assert.False(await database.ScalarAsync<bool>($"select indisvalid from pg_index where indexrelid = '{name}'::regclass"));
    }

    // The state that a user expects: no invalid index, no lock, no running build.
    private async Task AssertCleanAsync(int validIndexes)
    {
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
        Assert.Equal(
            validIndexes,
            await database.ScalarAsync<long>(
                "select count(*) from pg_index i join pg_class c on c.oid = indexrelid where relnamespace not in (11, 99) and "
                    + "relname !~ '^pg_'"));
        Assert.Equal(0, await database.CountAdvisoryLocksAsync());
        Assert.Equal(
            0, await database.ScalarAsync<long>(
                "select count(*) from pg_stat_progress_create_index where datname = current_database()"));
    }

    private async Task<NpgsqlConnection> OpenAsync(string application = "test")
    {
        var session = new NpgsqlConnection(database.UnpooledConnectionString + $";Application Name={application}");
        await session.OpenAsync(Token);
        return session;
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(Token);
    }

    private Task UntilAsync(string condition) =>
        Eventually.HoldsAsync(() => database.ScalarAsync<bool>(condition)!, condition);

    private Task UntilReportedAsync(Func<IndexChangeProgress, bool> condition) =>
        Eventually.HoldsAsync(() => Task.FromResult(reports.Any(condition)), "such progress is reported");

    private sealed class Reports(ConcurrentQueue<IndexChangeProgress> reports) : IProgress<IndexChangeProgress>
    {
        public void Report(IndexChangeProgress value) => reports.Enqueue(value);
    }
}
