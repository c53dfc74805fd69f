using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class ImpactEstimatorTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop extension if exists hypopg;
            drop extension if exists pg_stat_statements;
            drop table if exists orders;
            create table orders (id int primary key, customer_id int not null, status text not null, filler text not null);
            insert into orders select i, i % 2000, 's' || i % 3, repeat('x', 100) from generate_series(1, 20000) i;
            create index orders_customer on orders (customer_id);
            create index orders_filler on orders (filler);
            create extension pg_stat_statements;
            select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0);
            analyze orders;
            """);
        // The pool could pass a session with a hidden index on to another user.
        connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString + ";Maximum Pool Size=2" }, null, null, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task Who_uses_the_index_is_known_without_HypoPG()
    {
        await RunAsync("select filler from orders where customer_id = 3", 3);

        var used = await EstimateAsync("orders_customer");
        var unused = await EstimateAsync("orders_filler");

        var query = Assert.Single(used.Queries);
        Assert.Equal("select filler from orders where customer_id = $1", query.Query);
        Assert.True(query is { Calls: 3, CostNow: > 0, CostWithout: null, Increase: null }, $"{query}");
        Assert.Contains("how much slower they get is unknown without HypoPG 1.4", used.ToString(), StringComparison.Ordinal);
        Assert.Empty(unused.Queries);
        Assert.True(unused.KnownQueries > 0);
    }

    [Theory]
    [InlineData("select filler from orders where customer_id = 3", "\"Bitmap Index Scan\"")]
    [InlineData("select filler from orders order by customer_id limit 1", "\"Index Scan\"")]
    public async Task An_index_of_that_name_in_another_schema_is_another_index(string sql, string node)
    {
        Assert.Contains(node, await connection.Plans.ExplainAsync(new PlanText(sql), Token), StringComparison.Ordinal);
        await database.ExecuteAsync("""
            drop schema if exists other cascade;
            create schema other;
            create table other.orders (like orders);
            insert into other.orders select * from orders;
            create index orders_customer on other.orders (customer_id);
            analyze other.orders;
            """);
        await RunAsync(sql, 3);

        Assert.Empty((await EstimateAsync("orders_customer", "other.orders")).Queries);
        Assert.Single((await EstimateAsync("orders_customer")).Queries);
    }

    [Fact]
    public async Task The_stored_log_is_asked_too_and_without_any_nothing_is_claimed()
    {
        await database.ExecuteAsync("drop extension pg_stat_statements");
        Assert.NotNull((await EstimateAsync("orders_customer")).Unknown);

        await connection.Store.UpgradeAsync(Token);
        Assert.NotNull((await EstimateAsync("orders_customer")).Unknown);
        await database.ExecuteAsync($"""
            insert into perf_monitoring.query_performance_log (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, database_user, executed_at)
            values (gen_random_uuid(), repeat('a', 64), 'select filler from orders where customer_id = $1', 5, 1, 1, 'app', now() - interval '1 h')
            """);
        Assert.Equal(new string('a', 64), Assert.Single((await EstimateAsync("orders_customer")).Queries).QueryHash);
    }

    [Fact]
    public async Task A_hidden_index_tells_the_cost_without_it_and_leaves_no_trace()
    {
        Assert.SkipUnless(
            await database.ScalarAsync<bool>(
                "select exists (select from pg_available_extension_versions where name = 'hypopg' and version >= '1.4')"),
            "This server has no HypoPG 1.4.");
        await database.ExecuteAsync("create extension hypopg");
        await RunAsync("select filler from orders where customer_id = 3", 3);
        await RunAsync("select count(*) from orders where customer_id = 4 and status = 's1'", 2);
        await RunAsync("update orders set filler = filler || 'y' where customer_id = 5 and id < 100", 1);

        var alone = await EstimateAsync("orders_customer");
        Assert.Equal(3, alone.Queries.Count);
        Assert.All(alone.Queries, q => Assert.True(q.Increase > 0.5, $"{q}"));
        Assert.Contains("3 of ", alone.ToString(), StringComparison.Ordinal);

        // Another index is nearly as good.
        await database.ExecuteAsync("create index orders_customer_status on orders (customer_id, status)");
        QueryDropImpact[] covered = [
            .. (await EstimateAsync("orders_customer")).Queries, .. (await EstimateAsync("orders_customer_status")).Queries];
        Assert.True(covered.Length >= 3, $"{covered.Length}");
        var without = alone.Queries.ToDictionary(q => q.QueryHash, q => q.Increase);
        Assert.All(covered, q => Assert.True(q.Increase >= 0 && q.Increase < without[q.QueryHash], $"{q}"));
        await database.ExecuteAsync("drop index orders_customer_status");

        // The estimate leaves no trace: a repetition gives the same result, and other sessions plan as before.
        Assert.Equal($"{alone}", $"{await EstimateAsync("orders_customer")}");
        Assert.Contains(
            "orders_customer",
            await connection.Plans.ExplainAsync(new PlanText("select filler from orders where customer_id = 3"), Token),
            StringComparison.Ordinal);
    }

    private async Task<DropImpact> EstimateAsync(string name, string ofTable = "orders")
    {
        var table = await database.ScalarAsync<uint>($"select '{ofTable}'::regclass::oid");
        var index = (await connection.Catalog.GetIndexesAsync([table], Token)).Single(i => i.Definition.Name == name);
        return await new ImpactEstimator(connection).EstimateAsync(index, Token);
    }

    private async Task RunAsync(string sql, int times)
    {
        await using var session = new NpgsqlConnection(database.UnpooledConnectionString);
        await session.OpenAsync(Token);
        for (var i = 0; i < times; i++)
        {
            await using var command = new NpgsqlCommand(sql, session);
            await command.ExecuteNonQueryAsync(Token);
        }
    }
}
