using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class IndexRebuilderTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string Snapshot = "begin isolation level repeatable read; select count(*) from pg_am";

    private static readonly IndexChangeOptions Quick = new()
    {
        LockTimeout = TimeSpan.FromSeconds(1), SnapshotTimeout = TimeSpan.FromSeconds(1), MaximumRetry = 0,
    };

    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop schema if exists "Sales x" cascade;
            create schema "Sales x";
            set search_path = "Sales x";
            create table orders (id int primary key, customer_id int, status text, ref uuid);
            alter table orders set (autovacuum_enabled = off);
            create index "by customer" on orders (customer_id, status) where id % 2 = 0;
            insert into orders select g, g % 5000, 's' || g % 7, md5(g::text)::uuid from generate_series(1, 100000) g;
            delete from orders where id % 10 <> 0;
            """);
        await database.ExecuteAsync("vacuum analyze \"Sales x\".orders");
        await database.ExecuteAsync("create index by_ref on \"Sales x\".orders (ref)");
        connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task What_is_bloated_is_found_and_built_anew_and_then_is_not()
    {
        await connection.Store.UpgradeAsync(Token);
        var before = await DefinitionsAsync();
        var bloated = await FindAsync();

        Assert.Equal(["by customer", "orders_pkey"], bloated.Select(b => b.Index.Definition.Name).Order(StringComparer.Ordinal));
        Assert.All(bloated, b => Assert.InRange(b.Bloat, 0.7, 0.99));
        foreach (var index in bloated)
        {
            var (result, error) = await index.RunAsync(connection, Quick, new Progress<IndexChangeProgress>(), Token);

            Assert.Null(error);
            Assert.Equal((IndexRepairState.Rebuilt, null), (result.State, result.LeftoverIndex));
            Assert.Equal(index.Index.SizeBytes, result.SizeBytesBefore);
            // The estimate is the promised size.
            Assert.InRange((double)result.SizeBytes!.Value / result.EstimatedSizeBytes, 0.9, 1.1);
        }

        Assert.Empty(await FindAsync());
        Assert.Equal(before, await DefinitionsAsync());
        Assert.Equal(2, await database.ScalarAsync<long>("""
            select count(*) from perf_monitoring.index_action
            where action = 'REPAIR' and outcome = 'SUCCEEDED' and statement like 'REINDEX INDEX CONCURRENTLY "Sales x".%' and undo_statement is null
                and reason like 'About % are bloat%' and (evidence ->> 'sizeBytes')::bigint > (evidence ->> 'estimatedSizeBytes')::bigint
            """));
    }

    [Fact]
    public async Task Who_uses_the_table_is_waited_for_with_the_index_untouched()
    {
        var index = (await FindAsync())[0];
        await using var blocker = await BeginAsync("begin; update \"Sales x\".orders set status = 'x' where id = 10");

        var (result, error) = await index.RunAsync(
            connection, Quick with { MaximumRetry = 1, RetryDelay = TimeSpan.FromMilliseconds(10) },
            new Progress<IndexChangeProgress>(), Token);

        Assert.Equal((IndexRepairState.Failed, "LockTimeout", 1), (result.State, error?.ErrorId, result.Retries));
        Assert.Contains("was not touched", error!.Message, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_lock_that_is_not_to_be_had_leaves_the_index_as_it_was()
    {
        var index = (await FindAsync())[0];
        await using var blocker = await BeginAsync("begin; lock table \"Sales x\".orders in share update exclusive mode");

        var (result, error) = await index.RunAsync(connection, Quick, new Progress<IndexChangeProgress>(), Token);

        Assert.Equal((IndexRepairState.Failed, "LockTimeout"), (result.State, error?.ErrorId));
        Assert.NotEmpty(result.BlockedBy);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_snapshot_that_is_held_too_long_leaves_the_index_as_it_was()
    {
        var index = (await FindAsync())[0];
        await using var blocker = await BeginAsync(Snapshot);

        var (result, error) = await index.RunAsync(
            connection, Quick with { MaximumRetry = 1, RetryDelay = TimeSpan.FromMilliseconds(10) },
            new Progress<IndexChangeProgress>(), Token);

        Assert.Equal((IndexRepairState.Failed, "SnapshotTimeout", 1), (result.State, error?.ErrorId, result.Retries));
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task Cancelled_it_leaves_nothing()
    {
        var index = (await FindAsync())[0];
        await using var blocker = await BeginAsync(Snapshot);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var running = index.RunAsync(
            connection, Quick with { SnapshotTimeout = TimeSpan.Zero }, new Progress<IndexChangeProgress>(), cancel.Token);
        await database.UntilBuildIsInAsync("waiting%");

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task A_killed_backend_leaves_nothing()
    {
        var index = (await FindAsync())[0];
        await using var blocker = await BeginAsync(Snapshot);
        var running = index.RunAsync(
            connection, Quick with { SnapshotTimeout = TimeSpan.Zero }, new Progress<IndexChangeProgress>(), Token);
        await database.UntilBuildIsInAsync("waiting%");

        await database.EndIndexBuildsAsync();
        var (result, error) = await running;

        Assert.Equal((IndexRepairState.Failed, "IndexInterrupted"), (result.State, error?.ErrorId));
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task What_is_not_that_index_any_more_is_left_alone()
    {
        var index = (await FindAsync()).Single(b => b.Index.Definition.Name == "by customer");
        await database.ExecuteAsync("alter index \"Sales x\".\"by customer\" rename to other");
        Assert.Equal(
            "IndexChanged",
            (await index.RunAsync(connection, Quick, new Progress<IndexChangeProgress>(), Token)).Error?.ErrorId);

        await database.ExecuteAsync("drop index \"Sales x\".other");
        Assert.Equal(
            IndexRepairState.NotThere,
            (await index.RunAsync(connection, Quick, new Progress<IndexChangeProgress>(), Token)).Result.State);
    }

    private Task<IReadOnlyList<BloatedIndex>> FindAsync() => BloatedIndex.FindAsync(connection, 0.5, 100 * 1024, Token);

    private Task<string?> DefinitionsAsync() => database.ScalarAsync<string>(
        "select string_agg(pg_get_indexdef(indexrelid) || indisvalid || indisprimary, E'\\n' order by "
            + "indexrelid::regclass::text) from pg_index where indrelid = '\"Sales x\".orders'::regclass");

    private async Task NothingIsLeftAsync()
    {
        Assert.Equal(
            3, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid = '\"Sales x\".orders'::regclass and indisvalid"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
        Assert.Equal(0, await database.CountAdvisoryLocksAsync());
        Assert.Equal(2, (await FindAsync()).Count);
    }

    private async Task<NpgsqlConnection> BeginAsync(string sql)
    {
        var session = new NpgsqlConnection(database.UnpooledConnectionString);
        await session.OpenAsync(Token);
        await using var command = new NpgsqlCommand(sql, session);
        await command.ExecuteNonQueryAsync(Token);
        return session;
    }
}
