using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

public sealed class IndexAdvisorTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("""
            create table orders (
                id int primary key, customer_id int not null, created_at timestamp not null, status text not null, email text not null,
                deleted_at date, doc jsonb not null, filler text not null);
            insert into orders select i, i % 5000, timestamp '2024-01-01' + i * interval '1 minute', 'open', 'User' || i || '@example.org',
                case when i % 10 > 0 then date '2024-06-01' end, jsonb_build_object('city', 'c' || i % 900), repeat('x', 60)
                from generate_series(1, 60000) i;
            create table customers (id int primary key, name text not null);
            insert into customers select i, 'name ' || i from generate_series(0, 4999) i;
            analyze orders;
            analyze customers;
            """);
        connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
            await database.ExecuteAsync("drop table orders, customers");
        }
    }

    // Statements -> exactly this set.
    [Theory]
    [InlineData("select filler from orders where customer_id = $1", "(customer_id)")]
    [InlineData("select filler from orders where customer_id = 5 order by created_at desc limit 5", "(customer_id, created_at)")]
    [InlineData(
        "select filler from orders where customer_id between 7 and 99 and deleted_at is null order by created_at limit 5",
        "(created_at) WHERE deleted_at IS NULL")]
    [InlineData("select filler from orders where lower(email) = 'user7@example.org'", "((lower(email)))")]
    [InlineData("select filler from orders where doc ->> 'city' = 'c3'", "((doc ->> 'city'::text))")]
    [InlineData("select filler from orders where created_at::date = '2024-01-05'", "(((created_at)::date))")]
    [InlineData("select max(created_at) from orders", "(created_at)")]
    [InlineData(
        "select c.name, o.filler from customers c join orders o on o.customer_id = c.id where c.name = 'name 7'",
        "(customer_id)|(name)")]
    [InlineData("update orders set filler = '' where customer_id = $1", "(customer_id)")]
    [InlineData("delete from orders where customer_id = any ($1)", "(customer_id)")]
    [InlineData("select filler from orders where id = 5", "")]
    [InlineData("select count(*) from orders where status = 'open'", "")]
    public async Task The_advice_is_exactly_this(string statement, string expected)
    {
        var advice = await AdviseAsync([statement], new AdvisorOptions { MinimumGain = 0.1 });

        Assert.Empty(advice.Skipped);
        Assert.Equal(
            expected.Split('|', StringSplitOptions.RemoveEmptyEntries),
            Keys(advice));
        Assert.All(
            advice.Strategies, s =>
                Assert.True(
                s.CostAfter < s.CostBefore && s.QueriesHelped > 0 && s.QueriesHurt == 0 && s.Evidence == EvidenceSource.WhatIf));
    }

    // An index on the age alone would read all orders before the first open one, and no statistics show this. So an index for
    // reports is not advised without the index that avoids such reads.
    [Fact]
    public async Task A_limit_is_not_left_to_be_met_last()
    {
        await database.ExecuteAsync(
            "update orders set status = case when id > 57000 then 'open' else 'done' end; analyze orders");
        string[] statements =
        [
            "select count(*), max(filler) from orders where created_at >= timestamp '2024-02-11'",
            "select id, customer_id from orders where status = 'open' and created_at < timestamp '2024-03-01' order by "
                + "created_at limit 10",
        ];

        var advice = await AdviseAsync(statements, new AdvisorOptions { MinimumGain = 0.1 });

        Assert.Equal(["(created_at)", "(status, created_at)"], Keys(advice));
        var guard = advice.Strategies.Single(s => s.Definition.Keys[0].Column == "status");
        Assert.Contains(
            "It protects 1 statement from a plan that may run longer than the planner expects", guard.Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_planned_is_left_out_without_its_constants()
    {
        var advice = await AdviseAsync(
            ["select filler from orders where customer_id = 3", "select 'secret' + id from orders", "vacuum orders",
                "select 1; drop table orders", "select 1 from nowhere"],
            new AdvisorOptions());

        Assert.Equal(4, advice.Skipped.Count);
        Assert.DoesNotContain(advice.Skipped, s => s.Reason.Contains("secret", StringComparison.Ordinal));
        Assert.Single(advice.Strategies);
        Assert.Equal(60000, await database.ScalarAsync<long>("select count(*) from orders"));
    }

    [Fact]
    public async Task An_index_that_is_there_is_named_where_a_new_one_does_its_work_too()
    {
        await database.ExecuteAsync("""
            create index by_customer on orders (customer_id);
            create unique index by_customer_and_id on orders (customer_id, id);
            """);

        var advice = await AdviseAsync(
            ["select filler from orders where customer_id = 7 and created_at > '2024-02-10'"], new AdvisorOptions());

        var strategy = Assert.Single(advice.Strategies, s => s.Replaces.Count > 0);
        Assert.StartsWith(
            "(customer_id, created_at", strategy.Definition.ToAnonymousStatement().Split("USING btree ")[1],
            StringComparison.Ordinal);
        Assert.Equal(["by_customer"], strategy.Replaces);
        Assert.Contains("It does the work of by_customer too", strategy.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_estimate_is_close_to_what_is_built_and_the_budget_holds()
    {
        var advice = await AdviseAsync(
            ["select filler from orders where customer_id = 3", "select filler from orders where lower(email) = 'x'",
                "select filler from orders where created_at = now()::timestamp"],
            new AdvisorOptions { StorageBudget = 3_000_000 });

        Assert.NotEmpty(advice.Strategies);
        Assert.True(advice.Strategies.Sum(s => s.SizeBytes) <= 3_000_000);
        foreach (var strategy in advice.Strategies)
        {
            await database.ExecuteAsync(strategy.Definition.ToCreateStatement(concurrently: false));
            var real = await database.ScalarAsync<long>($"select pg_relation_size('{strategy.IndexName}')");
            Assert.InRange((double)strategy.SizeBytes!.Value / real, 0.85, 1.15);
        }
    }

    [Fact]
    public async Task Nothing_is_left_behind()
    {
        await AdviseAsync(["select filler from orders where customer_id = $1 and status = $2"], new AdvisorOptions());

        // The session's pool returns the same backend.
        await using (var whatIf = await connection.WhatIf.OpenAsync(TimeSpan.FromSeconds(5), Token))
        {
            var answer = await whatIf.ExplainAsync(
                new WhatIfRequest(new PlanText("select filler from orders where customer_id = 3"), []), Token);
            Assert.All(answer.Plan.All(), n => Assert.Null(n.IndexName));
        }

        Assert.Equal(
            2, await database.ScalarAsync<long>(
                "select count(*) from pg_index i join pg_class c on c.oid = i.indrelid "
                    + "where c.relnamespace = 'public'::regnamespace"));
    }

    [Fact]
    public async Task What_the_server_counted_of_writes_weighs_against_an_index()
    {
        await database.ExecuteAsync(
            "insert into orders select i, i % 5000, now(), 'open', '', null, '{}', '' from generate_series(100001, 130000) i; "
                + "delete from orders where id > 100000; analyze orders");
        // A session tells of its counts when it ends or when it is idle for a while.
        await Eventually.HoldsAsync(
            async () => await database.ScalarAsync<long>(
                "select n_tup_ins from pg_stat_user_tables where relname = 'orders'") >= 90000,
            "the inserts are counted");

        const string Statement = "select filler from orders where customer_id = $1";
        async Task<IReadOnlyList<IndexStrategy>> Advise(TimeSpan? window, double weight) =>
            (await new IndexAdvisor(
                connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target).AdviseAsync(
                [new WorkloadStatement(Statement, "h", Statement, 10, null) { Window = window }],
                new AdvisorOptions { WriteWeight = weight }, null, Token)).Strategies;

        Assert.Single(await Advise(null, 1));
        Assert.Empty(await Advise(TimeSpan.MaxValue, 1));
        Assert.Single(await Advise(TimeSpan.MaxValue, 0));
        Assert.True(Assert.Single(await Advise(TimeSpan.MaxValue, 0.001)).WriteCost > 0);
        Assert.Single(await Advise(TimeSpan.FromMilliseconds(1), 1));
    }

    [Fact]
    public async Task A_foreign_key_without_an_index_is_found_where_rows_are_deleted()
    {
        await database.ExecuteAsync("""
            create table regions (id int primary key, code int unique);
            alter table customers add region int;
            alter table orders add foreign key (customer_id) references customers (id) on delete cascade;
            alter table customers add foreign key (region) references regions (id);
            """);
        var customers = new RelationName("public", "customers");
        async Task<IReadOnlyList<ForeignKeyNeed>> Find(params TableWrite[] writes) =>
            await ForeignKeyNeed.FindAsync(
                connection.Catalog, await connection.Catalog.GetForeignKeysAsync([customers], Token),
                new WriteLoad(writes.Select(w => (w, 100.0)), [], null), Token);
        try
        {
            // The table's own foreign keys and those that refer to it, with the known facts about the rows there.
            Assert.Equal(
                ["public.customers(region) public.regions(id) ", "public.orders(customer_id) public.customers(id) 5000"],
                (await connection.Catalog.GetForeignKeysAsync([customers], Token))
                    .Select(k =>
                        $"{k.Table}({string.Join(' ', k.Columns)}) "
                            + $"{k.ReferencedTable}({string.Join(' ', k.ReferencedColumns)}) {k.ReferencedRows}"));
            var need = Assert.Single(await Find(new TableWrite(customers, "Delete", 2, null)));
            Assert.Equal("CREATE INDEX ON public.orders USING btree (customer_id)", need.Definition.ToAnonymousStatement());
            Assert.Contains("deleted from public.customers (200 in the workload's time)", need.Reason, StringComparison.Ordinal);
            // An index makes the check cheap, which is the saved cost.
            Assert.InRange(need.Gain, 200 * 1000, 200 * 3000);
            Assert.Single(await Find(new TableWrite(customers, "Update", 2, new HashSet<string> { "id" })));
            Assert.Empty(await Find(new TableWrite(customers, "Update", 2, new HashSet<string> { "name" })));
            Assert.Empty(await Find(new TableWrite(customers, "Insert", 2, null)));
            Assert.Empty(await Find());

            await database.ExecuteAsync("create index on orders (customer_id, id)");
            Assert.Empty(await Find(new TableWrite(customers, "Delete", 2, null)));
        }
        finally
        {
            await database.ExecuteAsync("alter table orders drop constraint orders_customer_id_fkey; drop table regions cascade");
        }
    }

    [Fact]
    public async Task Without_the_extension_the_error_says_what_to_do()
    {
        await using var bare = await TestDatabase.OnAsync(database.Cluster);
        await using var other = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = bare.ConnectionString }, null, null, Token);

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => other.WhatIf.OpenAsync(TimeSpan.FromSeconds(5), Token));

        Assert.Equal("HypoPgMissing", error.ErrorId);
        Assert.Contains("create extension hypopg", error.Remedy!, StringComparison.Ordinal);
    }

    // The text after the method, in order.
    private static IEnumerable<string> Keys(IndexAdvice advice) =>
        advice.Strategies.Select(s => s.Definition.ToAnonymousStatement().Split("USING btree ")[1]).Order(StringComparer.Ordinal);

    private Task<IndexAdvice> AdviseAsync(IEnumerable<string> statements, AdvisorOptions options) =>
        new IndexAdvisor(connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target)
            .AdviseAsync(
            [.. statements.Select(
                s => new WorkloadStatement(s, QueryText.Hash(QueryText.Normalize(s)), QueryText.Normalize(s), 1, null))], options,
                null, Token);
}
