using System.Collections.Concurrent;
using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class IndexRemoverTests(SandboxFixture sandbox) : IAsyncLifetime
{
    private readonly ConcurrentQueue<IndexChangeProgress> reports = new();
    private TestDatabase database = null!;
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IndexChangeOptions Options => new()
    {
        LockTimeout = TimeSpan.FromSeconds(0.5), MaximumRetry = 0, RetryDelay = TimeSpan.FromMilliseconds(50),
        CleanUpLimit = TimeSpan.FromSeconds(10),
    };

    private static IndexChangeOptions Patient => Options with { LockTimeout = TimeSpan.FromSeconds(30) };

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        await database.ExecuteAsync(
            "create table orders (id int, status text); create index orders_status_idx on orders (status)");
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
    public async Task An_index_is_dropped_and_the_result_brings_it_back()
    {
        var (result, error) = await RemoveAsync(await IndexAsync(), Options);

        Assert.Null(error);
        Assert.Equal(IndexRemovalState.Removed, result.State);
        Assert.Equal("DROP INDEX CONCURRENTLY public.orders_status_idx", result.Statement);
        Assert.Equal("CREATE INDEX CONCURRENTLY orders_status_idx ON public.orders USING btree (status)", result.UndoStatement);
        await AssertCleanAsync(0, 0);
    }

    [Fact]
    public async Task The_index_of_a_partitioned_table_goes_with_its_parts_after_those_who_use_a_partition()
    {
        await MakePartedAsync();
        await using var reader = await OpenAsync();
        await ExecuteAsync(reader, "begin; select count(*) from p1");
        var removal = RemoveAsync(await IndexAsync("parted_n", "parted"), Patient);
        await WaitForAsync("waiting for the transactions that use the table");

        // Nobody waits behind it meanwhile.
        await using var another = await OpenAsync();
        await ExecuteAsync(another, "set lock_timeout = '100ms'; select count(*) from parted");
        await EndAsync(reader);
        var (result, error) = await removal;

        Assert.Null(error);
        Assert.Equal(IndexRemovalState.Removed, result.State);
        Assert.Equal("DROP INDEX public.parted_n", result.Statement);
        Assert.Equal("CREATE INDEX parted_n ON public.parted USING btree (n)", result.UndoStatement);
        Assert.Equal(
            0, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid in ('parted'::regclass, 'p1'::regclass, 'p2'::regclass)"));
        await AssertCleanAsync(1, 0);
    }

    [Fact]
    public async Task A_partitioned_table_that_stays_in_use_keeps_its_index()
    {
        await MakePartedAsync();
        await using var reader = await OpenAsync();
        await ExecuteAsync(reader, "begin; select count(*) from p2");

        var (result, error) = await RemoveAsync(await IndexAsync("parted_n", "parted"), Options);

        Assert.Equal((IndexRemovalState.Failed, "LockTimeout"), (result.State, error?.ErrorId));
        Assert.Equal(reader.ProcessID, Assert.Single(result.BlockedBy).ProcessId);
        Assert.Equal(
            3, await database.ScalarAsync<long>(
                "select count(*) from pg_index "
                    + "where indrelid in ('parted'::regclass, 'p1'::regclass, 'p2'::regclass) and indisvalid"));
    }

    [Fact]
    public async Task A_reader_that_comes_late_is_not_waited_for_longer_than_a_moment()
    {
        await MakePartedAsync();
        await using var early = await OpenAsync();
        await ExecuteAsync(early, "begin; select count(*) from p1");
        var removal = RemoveAsync(await IndexAsync("parted_n", "parted"), Patient with { MaximumRetry = 5 });
        await WaitForAsync("waiting for the transactions that use the table");
        await using var late = await OpenAsync();
        await ExecuteAsync(late, "begin; select count(*) from p2");
        await EndAsync(early);
        await UntilAsync(
            () => Task.FromResult(reports.Any(r => r.Phase.Contains("before try 2", StringComparison.Ordinal))), "a second try");
        await EndAsync(late);

        var (result, error) = await removal;

        Assert.Null(error);
        Assert.Equal(IndexRemovalState.Removed, result.State);
        Assert.InRange(result.Retries, 1, 5);
        Assert.Contains(late.ProcessID, result.BlockedBy.Select(b => b.ProcessId));
    }

    [Fact]
    public async Task An_index_that_is_gone_by_now_is_no_error()
    {
        var index = await IndexAsync();
        await database.ExecuteAsync("drop index orders_status_idx");

        var (result, error) = await RemoveAsync(index, Options);

        Assert.Null(error);
        Assert.Equal(IndexRemovalState.NotThere, result.State);
    }

    [Fact]
    public async Task An_index_that_is_another_by_now_is_not_dropped()
    {
        var index = await IndexAsync();
        await database.ExecuteAsync("alter index orders_status_idx rename to kept");

        var (result, error) = await RemoveAsync(index, Options);

        Assert.Equal("IndexChanged", error?.ErrorId);
        Assert.Equal(IndexRemovalState.Failed, result.State);
        await AssertCleanAsync(1, 0);
    }

    [Fact]
    public async Task A_transaction_that_uses_the_table_is_waited_for_with_the_index_untouched()
    {
        await using var other = await UseTableAsync();

        var (result, error) = await RemoveAsync(await IndexAsync(), Options with { MaximumRetry = 1 });

        Assert.Equal("LockTimeout", error?.ErrorId);
        Assert.Equal(IndexRemovalState.Failed, result.State);
        Assert.Equal(1, result.Retries);
        Assert.Equal(other.ProcessID, Assert.Single(result.BlockedBy).ProcessId);
        Assert.Null(result.LeftoverIndex);
        await AssertCleanAsync(1, 0);
    }

    [Fact]
    public async Task It_goes_on_when_the_transaction_ends()
    {
        await using var other = await UseTableAsync();
        var removal = RemoveAsync(await IndexAsync(), Patient);
        await WaitForAsync("waiting for the transactions that use the table");
        await EndAsync(other);

        var (result, error) = await removal;

        Assert.Null(error);
        Assert.Equal(IndexRemovalState.Removed, result.State);
        await AssertCleanAsync(0, 0);
    }

    [Fact]
    public async Task Cancelled_while_it_waits_it_leaves_the_index_as_it_was()
    {
        await using var other = await UseTableAsync();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var removal = RemoveAsync(await IndexAsync(), Patient, cancel.Token);
        await WaitForAsync("waiting for the transactions that use the table");
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => removal);

        await AssertCleanAsync(1, 0);
    }

    [Fact]
    public async Task Two_at_once_on_one_index_both_end_well()
    {
        var index = await IndexAsync();

        var results = await Task.WhenAll(RemoveAsync(index, Patient), RemoveAsync(index, Patient));

        Assert.All(results, r => Assert.Null(r.Error));
        Assert.Equal(
            [IndexRemovalState.NotThere, IndexRemovalState.Removed],
            results.Select(r => r.Result.State).OrderByDescending(s => s));
        await AssertCleanAsync(0, 0);
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("pg_cancel_backend")]
    [InlineData("pg_terminate_backend")]
    public async Task A_drop_that_was_begun_is_carried_to_its_end(string how)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var removal = RemoveAsync(await IndexAsync(), Patient, cancel.Token, out var waiting);
        await using var late = await waiting;
        await WaitUntilAsync("select count(*) from pg_index where indrelid = 'orders'::regclass and not indisvalid", 1);
        if (how == "cancel")
        {
            await cancel.CancelAsync();
        }
        else
        {
            await database.ExecuteAsync(
                $"select {how}(pid) from pg_stat_activity where datname = current_database() and state = 'active' and "
                    + "query like 'DROP INDEX CONCURRENTLY%'");
        }

        await WaitForAsync("carrying the drop to its end");
        await EndAsync(late);
        var (result, error) = await removal;

        Assert.Null(error);
        Assert.Equal(IndexRemovalState.Removed, result.State);
        await AssertCleanAsync(0, 0);
    }

    [Fact]
    public async Task What_cannot_be_carried_to_its_end_is_named_and_taken_by_the_next_run()
    {
        var removal = RemoveAsync(
            await IndexAsync(), Options with { LockTimeout = TimeSpan.FromSeconds(2), CleanUpLimit = TimeSpan.FromSeconds(2) },
            Token, out var waiting);
        await using var late = await waiting;

        var (result, error) = await removal;

        Assert.Equal("InvalidIndexLeft", error?.ErrorId);
        Assert.Equal("public.orders_status_idx", result.LeftoverIndex);
        Assert.Equal(IndexRemovalState.Failed, result.State);
        await AssertCleanAsync(0, 1);
        await EndAsync(late);
        Assert.Equal(IndexRemovalState.Removed, (await RemoveAsync(await IndexAsync(), Options)).Result.State);
        await AssertCleanAsync(0, 0);
    }

    [Fact]
    public async Task What_a_foreign_key_refers_to_is_refused_untouched()
    {
        await database.ExecuteAsync(
            "create unique index orders_id on orders (id); create table lines (order_id int references orders (id))");

        var (result, error) = await RemoveAsync(await IndexAsync("orders_id"), Options);

        Assert.Equal("IndexIsNeeded", error?.ErrorId);
        Assert.Equal(IndexRemovalState.Failed, result.State);
        await AssertCleanAsync(2, 0);
    }

    private Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RemoveAsync(
        TableIndex index, IndexChangeOptions options, CancellationToken? token = null) =>
        connection.IndexChanger.DropAsync(index, options, new Report(reports), token ?? Token);

    // The drop waits for a transaction that uses the table. During that wait another transaction begins, so only the statement
    // itself waits for the second one.
    private Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RemoveAsync(
        TableIndex index, IndexChangeOptions options, CancellationToken token, out Task<NpgsqlConnection> late)
    {
        var first = new TaskCompletionSource();
        var removal = RunAsync();
        late = BeginAsync();
        return removal;

        async Task<(IndexRemovalResult, PerfMonitoringException?)> RunAsync()
        {
            await first.Task;
            return await RemoveAsync(index, options, token);
        }

        async Task<NpgsqlConnection> BeginAsync()
        {
            await using var early = await UseTableAsync();
            first.SetResult();
            await WaitForAsync("waiting for the transactions that use the table");
            var second = await UseTableAsync();
            await EndAsync(early);
            return second;
        }
    }

    private Task MakePartedAsync() => database.ExecuteAsync("""
        create table parted (n int) partition by range (n);
        create table p1 partition of parted for values from (0) to (100);
        create table p2 partition of parted for values from (100) to (200);
        insert into parted select g from generate_series(0, 199) g;
        create index parted_n on parted (n);
        """);

    private static async Task ExecuteAsync(NpgsqlConnection other, string sql)
    {
        await using var command = new NpgsqlCommand(sql, other);
        await command.ExecuteNonQueryAsync(Token);
    }

    private async Task<TableIndex> IndexAsync(string name = "orders_status_idx", string of = "orders")
    {
        var table = await connection.Catalog.GetTableAsync(RelationName.Parse("public." + of), Token);
        return (await connection.Catalog.GetIndexesAsync([table.Oid], Token)).Single(i => i.Definition.Name == name);
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var other = new NpgsqlConnection(database.UnpooledConnectionString);
        await other.OpenAsync(Token);
        return other;
    }

    private async Task<NpgsqlConnection> UseTableAsync()
    {
        var other = await OpenAsync();
        await using var command = new NpgsqlCommand("begin; select count(*) from orders", other);
        await command.ExecuteNonQueryAsync(Token);
        return other;
    }

    private static async Task EndAsync(NpgsqlConnection other)
    {
        await using var command = new NpgsqlCommand("commit", other);
        await command.ExecuteNonQueryAsync(Token);
    }

    private Task WaitForAsync(string phase) => UntilAsync(() => Task.FromResult(reports.Any(r => r.Phase == phase)), phase);

    private Task WaitUntilAsync(string sql, long expected) =>
        UntilAsync(async () => await database.ScalarAsync<long>(sql) == expected, sql);

    private static Task UntilAsync(Func<Task<bool>> condition, string what) => Eventually.HoldsAsync(condition, what);

    private async Task AssertCleanAsync(int valid, int invalid)
    {
        Assert.Equal(
            valid, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid = 'orders'::regclass and indisvalid"));
        Assert.Equal(
            invalid,
            await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid = 'orders'::regclass and not indisvalid"));
        Assert.Equal(0, await database.CountAdvisoryLocksAsync());
    }

    private sealed class Report(ConcurrentQueue<IndexChangeProgress> reports) : IProgress<IndexChangeProgress>
    {
        void IProgress<IndexChangeProgress>.Report(IndexChangeProgress value) => reports.Enqueue(value);
    }
}
