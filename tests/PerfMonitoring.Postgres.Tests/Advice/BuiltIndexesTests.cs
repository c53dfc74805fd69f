using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

public sealed class BuiltIndexesTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string ByCustomer = "select filler from orders where customer_id = 3";
    private const string ByTag = "select filler from orders where tags @> '{7}'";

    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop table if exists orders, logs;
            create table orders (id int primary key, customer_id int not null, tags int[] not null, filler text not null) with (autovacuum_enabled = off);
            insert into orders select i, i % 5000, array[i % 1000, i % 999], repeat('x', 60) from generate_series(1, 30000) i;
            create table logs (id int, at date not null) partition by range (at);
            create table logs_a partition of logs for values from ('2024-01-01') to ('2024-02-01');
            create table logs_b partition of logs for values from ('2024-02-01') to ('2024-03-01');
            insert into logs select i, date '2024-01-01' + i % 50 from generate_series(1, 20000) i;
            """);
        await database.ExecuteAsync("vacuum analyze");
        await database.CloseSessionsAsync();
        connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_plan_is_as_if_exactly_the_requested_indexes_were_there_and_their_sizes_are_real()
    {
        var (customer, tags) = (Index(1, "orders", "btree", "customer_id"), Index(2, "orders", "gin", "tags"));
        IReadOnlyDictionary<int, long> sizes;
        await using (var whatIf = await OpenAsync())
        {
            Assert.True(whatIf.IsReal);
            Assert.Empty((await AskAsync(whatIf, ByTag)).Candidates);
            var with = await AskAsync(whatIf, ByTag, customer, tags);
            Assert.Equal([2], with.Candidates.Values);
            Assert.Equal([1], (await AskAsync(whatIf, ByCustomer, customer)).Candidates.Values);
            Assert.Empty((await AskAsync(whatIf, ByTag, customer)).Candidates);
            var again = await AskAsync(whatIf, "select filler from orders where tags @> $1", tags);
            Assert.Equal([2], again.Candidates.Values);
            sizes = with.Sizes;
        }

        await AssertNothingLeftAsync();
        await database.ExecuteAsync("create index one on orders (customer_id); create index two on orders using gin (tags)");
        Assert.Equal(await database.ScalarAsync<long>("select pg_relation_size('one')"), sizes[1]);
        Assert.Equal(await database.ScalarAsync<long>("select pg_relation_size('two')"), sizes[2]);
    }

    [Fact]
    public async Task An_index_is_built_once()
    {
        var (customer, tags) = (Index(1, "orders", "btree", "customer_id"), Index(2, "orders", "gin", "tags"));
        await using var whatIf = await OpenAsync();
        await AskAsync(whatIf, ByCustomer, customer, tags);
        // Each built index gets a new file, and the files of dropped indexes stay until the end.
        var files = await FilesAsync();

        await AskAsync(whatIf, ByCustomer);
        await AskAsync(whatIf, ByTag, tags);
        await Assert.ThrowsAsync<PerfMonitoringException>(() => AskAsync(whatIf, "select 'secret'::int from orders", customer));
        Assert.Equal([1], (await AskAsync(whatIf, ByCustomer, customer)).Candidates.Values);

        Assert.Equal(files, await FilesAsync());
    }

    [Fact]
    public async Task An_index_that_the_server_refuses_costs_its_own_place_only()
    {
        var (mutable, good) = (Index(1, "orders", "btree", "tags"), Index(2, "orders", "gin", "tags"));
        mutable = mutable with {
            Definition = mutable.Definition with { Keys = [IndexKey.OnExpression("id + extract(epoch from now())")] } };
        await using var whatIf = await OpenAsync();

        var answer = await AskAsync(whatIf, ByTag, mutable, good);

        Assert.Equal([2], answer.Candidates.Values);
        Assert.Contains("42P17", Assert.Single(answer.Refused).Value, StringComparison.Ordinal);
        Assert.Equal([2], answer.Sizes.Keys);
    }

    [Fact]
    public async Task An_index_that_the_transaction_itself_could_not_use_is_refused_with_the_way_out()
    {
        await using var other = new NpgsqlConnection(database.UnpooledConnectionString);
        await other.OpenAsync(Token);
        // An old snapshot keeps the old row versions, and the new key of the index breaks their chains.
        await using var old = await other.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, Token);
        await new NpgsqlCommand("select count(*) from logs", other).ExecuteScalarAsync(Token);
        await database.ExecuteAsync("alter table orders set (fillfactor = 50)");
        await database.ExecuteAsync("vacuum full orders");
        await database.ExecuteAsync("update orders set customer_id = customer_id + 1 where id % 100 = 0");
        await using var whatIf = await OpenAsync(despiteOthers: true);

        var answer = await AskAsync(whatIf, ByCustomer, Index(1, "orders", "btree", "customer_id"));

        Assert.Contains("vacuum", Assert.Single(answer.Refused).Value, StringComparison.Ordinal);
        Assert.Empty(answer.Candidates);
    }

    [Fact]
    public async Task An_internal_error_of_the_server_costs_its_own_statement_only()
    {
        await database.ExecuteAsync(
            "create or replace function broken() returns int immutable language plpgsql as 'begin raise exception using "
                + "errcode = ''XX000''; end'");
        await using var whatIf = await OpenAsync();
        var index = Index(1, "orders", "btree", "customer_id");
        Assert.Equal([1], (await AskAsync(whatIf, ByCustomer, index)).Candidates.Values);

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => AskAsync(whatIf, "select filler from orders where id = broken()", index));

        Assert.Equal("PlanFailed", error.ErrorId);
        Assert.Equal([1], (await AskAsync(whatIf, ByCustomer, index)).Candidates.Values);
    }

    [Fact]
    public async Task A_candidate_of_several_parts_is_there_with_all_of_them()
    {
        var whole = Index(5, "logs", "btree", "id") with {
            Parts = [Index(0, "logs_a", "btree", "id").Definition, Index(0, "logs_b", "btree", "id").Definition] };
        await using (var whatIf = await OpenAsync())
        {
            var answer = await AskAsync(whatIf, "select * from logs where id = 7", whole);
            Assert.Equal(2, answer.Candidates.Count);
            Assert.All(answer.Candidates.Values, id => Assert.Equal(5, id));
            Assert.Empty((await AskAsync(whatIf, "select * from logs where id = 7")).Candidates);
        }

        await AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Where_others_are_it_is_refused_unless_said_twice()
    {
        await using var other = new NpgsqlConnection(database.UnpooledConnectionString + ";Application Name=shop");
        await other.OpenAsync(Token);

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(() => OpenAsync());
        Assert.Equal("DatabaseInUse", error.ErrorId);
        Assert.Contains("other sessions: 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("-Force", error.Remedy, StringComparison.Ordinal);

        await using var whatIf = await OpenAsync(despiteOthers: true);
        Assert.Equal([1], (await AskAsync(whatIf, ByCustomer, Index(1, "orders", "btree", "customer_id"))).Candidates.Values);
    }

    [Fact]
    public async Task A_cancellation_leaves_nothing()
    {
        await using var whatIf = await OpenAsync();
        await AskAsync(whatIf, ByCustomer, Index(1, "orders", "btree", "customer_id"));
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        var slow = Index(2, "orders", "btree", "id");
        slow = slow with { Definition = slow.Definition with { Keys = [IndexKey.OnExpression("public.slow(id)")] } };
        await database.ExecuteAsync(
            "create or replace function slow(int) returns int immutable language sql as 'select $1 from pg_sleep(0.1)'");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => whatIf.ExplainAsync(new WhatIfRequest(new PlanText(ByCustomer), [slow]), cancel.Token));

        await AssertNothingLeftAsync();
        Assert.Equal([1], (await AskAsync(whatIf, ByCustomer, Index(1, "orders", "btree", "customer_id"))).Candidates.Values);
    }

    [Fact]
    public async Task A_lock_is_not_waited_for_for_long_and_the_error_says_so()
    {
        await using var other = new NpgsqlConnection(database.UnpooledConnectionString);
        await other.OpenAsync(Token);
        await using var transaction = await other.BeginTransactionAsync(Token);
        await new NpgsqlCommand("lock table orders in row exclusive mode", other).ExecuteNonQueryAsync(Token);
        await using var whatIf = await OpenAsync(despiteOthers: true);

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => AskAsync(whatIf, ByCustomer, Index(1, "orders", "btree", "customer_id")));

        Assert.Equal(("IndexNotTried", FailureKind.Busy), (error.ErrorId, error.Kind));
    }

    private Task<IWhatIf> OpenAsync(bool despiteOthers = false) =>
        connection.GetRealWhatIf(despiteOthers).OpenAsync(TimeSpan.FromSeconds(30), Token);

    private static Task<WhatIfPlan> AskAsync(IWhatIf whatIf, string statement, params Candidate[] indexes) =>
        whatIf.ExplainAsync(new WhatIfRequest(new PlanText(statement), indexes), Token);

    private Task<long> FilesAsync() => database.ScalarAsync<long>(
        "select count(*) from pg_ls_dir('base/' || (select oid from pg_database where datname = current_database()))");

    private async Task AssertNothingLeftAsync()
    {
        Assert.Equal(
            0, await database.ScalarAsync<long>("select count(*) from pg_class where relname like 'perf\\_monitoring\\_%'"));
        Assert.Equal(
            1, await database.ScalarAsync<long>(
                "select count(*) from pg_index where indrelid in ('orders'::regclass, 'logs_a'::regclass, 'logs_b'::regclass)"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_locks where relation = 'orders'::regclass"));
        Assert.Equal(
            0, await database.ScalarAsync<long>(
            "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"));
    }

    private static Candidate Index(int id, string table, string method, params string[] columns) => new()
    {
        Id = id,
        SizeBytes = 1,
        Definition = new IndexDefinition {
            Table = new RelationName("public", table), Name = "", Method = method,
            Keys = [.. columns.Select(IndexKey.OnColumn)] },
    };
}
