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

    // Casts that change nothing: the type below a domain, text for varchar, inet for cidr. Those that change a value need an
    // index on the cast, which no day of a time with a time zone can have.
    [Fact]
    public async Task A_domain_and_a_type_that_uses_the_operators_of_another_are_searched_like_it()
    {
        await database.ExecuteAsync("""
            create domain whole as int check (value > 0);
            create domain whole_nested as whole;
            create domain large as bigint;
            create domain price as numeric(10, 2);
            create domain key as uuid;
            create domain day as date;
            create domain moment as timestamptz;
            create domain word as text;
            create domain short as varchar(40);
            create table typed (whole whole, nested whole_nested, large large, price price, key key, day day, moment moment, word word,
                short short, label varchar(30), net cidr, kind regclass, filler text);
            insert into typed select i, i, i, i, md5(i::text)::uuid, date '2020-01-01' + i % 9000,
                timestamptz '2020-01-01' + i * interval '1 min', 'w' || i, 'v' || i, 'w' || i, set_masklen('10.0.0.0'::cidr + i, 32),
                i::oid::regclass, repeat('x', 100) from generate_series(1, 30000) i;
            analyze typed;
            """);
        (string Condition, string Keys)[] cases =
        [
            ("whole = 5", "(whole)"),
            ("whole = $1", "(whole)"),
            ("nested in (3, 4)", "(nested)"),
            ("nested = any ($1)", "(nested)"),
            ("large = 5", "(large)"),
            ("price = 5", "(price)"),
            ("price = 5.00::numeric(10, 2)", "(price)"),
            ("price > 59990 and price < $1", "(price)"),
            ("key = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b'", "(key)"),
            ("day = '2021-01-01'", "(day)"),
            ("moment < '2020-01-01 00:05'", "(moment)"),
            ("word = 'w5'", "(word)"),
            ("word like 'w599%'", "(word text_pattern_ops)"),
            ("short = $1", "(short)"),
            ("label = 'w5'", "(label)"),
            ("net = '10.0.0.5'", "(net)"),
            ("kind = 2613", "(kind)"),
            ("whole::text = '5'", "(((whole)::text))"),
            ("lower(short) = 'v5'", "((lower((short)::text)))"),
            ("moment::date = '2020-01-05'", ""),
            ("(whole, large) > (59990, 1) order by whole, large limit 10", "(whole)"),
        ];

        var found = new List<(string, string)>();
        foreach (var (condition, _) in cases)
        {
            var advice = await AdviseAsync(
                ["select filler from typed where " + condition], new AdvisorOptions { MinimumGain = 0.1 });
            found.Add((condition, string.Join(" | ", Keys(advice))));
        }

        Assert.Equal(cases, found);
        await database.ExecuteAsync(
            "drop table typed; drop domain whole_nested, whole, large, price, key, day, moment, word, short");
    }

    // The trigger of a foreign key searches by equality, so it needs no entry for a null.
    [Fact]
    public async Task A_foreign_key_that_is_null_everywhere_gets_an_index_without_nulls()
    {
        await database.ExecuteAsync("alter table orders add parent_id int references orders; analyze orders");

        var advice = await AdviseAsync(["delete from orders where id = 5"], new AdvisorOptions());

        Assert.Equal(["(parent_id) WHERE parent_id IS NOT NULL"], Keys(advice));
        await database.ExecuteAsync("create index without_nulls on orders (parent_id) where parent_id is not null");
        Assert.Empty((await AdviseAsync(["delete from orders where id = 5"], new AdvisorOptions())).Strategies);
    }

    // Everything in one database: the advice is built, and then the server must use each index of it.
    [Fact]
    public async Task The_advice_for_searches_is_used_once_it_is_built()
    {
        await database.ExecuteAsync("""
            create extension if not exists pg_trgm;
            create extension if not exists hstore;
            create table people (
                id int primary key, username text not null, domain text, first text not null, last text not null, bio text not null,
                lang regconfig not null, words tsvector, doc jsonb, tags text[], attributes hstore, during int4range,
                ip inet, net cidr, approved boolean not null, flag boolean, place point, filler text);
            insert into people select i, 'user' || md5(i::text), case when i % 3 > 0 then 'dom' || i % 500 || '.org' end,
                'first' || md5((i % 7000)::text), 'last' || md5((i % 9000)::text), md5(i::text) || ' ' || md5((i * 7)::text), 'simple',
                to_tsvector('simple', md5((i % 900)::text) || ' ' || md5((i + 1)::text)),
                jsonb_build_object('k', i % 20000, 'a', jsonb_build_object('b', 'v' || i % 9000)),
                array['t' || i % 3000, 'u' || i % 5000], hstore('k', (i % 9000)::text), int4range(i, i + 10), '10.0.0.0'::inet + i,
                set_masklen('10.0.0.0'::cidr + i * 16, 28), i % 50 > 0, case when i % 300 > 1 then true when i % 300 > 0 then false end,
                point(i % 1000, i / 1000), repeat('x', 100)
                from generate_series(1, 30000) i;
            """);
        await database.ExecuteAsync("vacuum analyze people");
        const string Searched =
            "setweight(to_tsvector('simple', username), 'A') || setweight(to_tsvector('simple', coalesce(domain, '')), 'C')";
        (string Where, string Index)[] cases =
        [
            ($"({Searched}) @@ to_tsquery('simple', 'user5')", "gin ((setweight("),
            ("to_tsvector('simple', bio) @@ websearch_to_tsquery('simple', 'abc def')",
                "gin ((to_tsvector('simple'::regconfig, bio)))"),
            ("to_tsvector(lang, bio) @@ plainto_tsquery('simple', 'abc')", "gin ((to_tsvector(lang, bio)))"),
            ("words @@ to_tsquery('simple', 'abc & def')", "gin (words)"),
            ("username ilike '%abcd%' or domain ilike '%abcd%'", "gin (username public.gin_trgm_ops"),
            ("username ilike '%abcde%' and first ilike '%bcdef%'", "gin ("),
            ("id = 77 or username ilike '%abcde%'", "gin (username public.gin_trgm_ops)"),
            ("(first || ' ' || last) ilike '%abcdef%'", "gin (((first || ' '::text) || last) public.gin_trgm_ops)"),
            ("lower(username) like '%abcdef%'", "gin ((lower(username)) public.gin_trgm_ops)"),
            ("username ~* 'abcdef'", "gin (username public.gin_trgm_ops)"),
            ("id::text like '%5555%'", "gin (((id)::text) public.gin_trgm_ops)"),
            ("username like 'userabc%'", "btree (username text_pattern_ops)"),
            ("doc @> '{\"k\": 5}'", "gin (doc jsonb_path_ops)"),
            ("doc -> 'a' ->> 'b' = 'v5'", "btree (((doc -> 'a'::text) ->> 'b'::text))"),
            ("tags @> array['t5']", "gin (tags)"),
            ("tags && array['t5', 'u7']", "gin (tags)"),
            ("attributes @> 'k=>5'", "gin (attributes)"),
            ("during @> 5", "gist (during)"),
            ("ip <<= '10.0.5.0/28'", "gist (ip inet_ops)"),
            ("flag is not true", "btree (flag) WHERE flag IS NOT TRUE"),
            ("not approved and first = 'x'", "btree (first)"),
        ];

        foreach (var (where, index) in cases)
        {
            var statement = "select filler from people where " + where;
            var advice = await AdviseAsync([statement], new AdvisorOptions { MinimumGain = 0.1 });
            var built = advice.Strategies.Select(s => s.Definition).ToList();
            Assert.Contains(
                built, d => d.ToAnonymousStatement().Contains("USING " + index, StringComparison.Ordinal));
            foreach (var definition in built)
            {
                await database.ExecuteAsync(definition.ToCreateStatement(concurrently: false));
            }

            // Autovacuum gives an expression its statistics.
            await database.ExecuteAsync("analyze people");
            var plan = PlanNode.Parse((await database.ScalarAsync<string>("explain (format json) " + statement))!);
            var used = plan.All().Select(n => n.IndexName).ToList();
            Assert.All(built, d => Assert.True(used.Contains(d.Name), $"{where}: {d} is not used"));
            await database.ExecuteAsync(string.Concat(built.Select(d => $"drop index {d.QualifiedName};")));
        }

        // What no index serves, or the server does not build.
        foreach (var where in new[] {
            "'t5' = any (tags)", "doc -> 'k' = '5'", "string_to_array(username, '-') = array['x']", "tags[1:2] = array['t5']" })
        {
            Assert.Empty((await AdviseAsync(["select filler from people where " + where], new AdvisorOptions())).Strategies);
        }

        foreach (var expression in new[] { "concat_ws(' ', first, last)", "to_char(flag::int, username)" })
        {
            var advice = await AdviseAsync(
                [$"select filler from people where {expression} ilike '%abcd%'"], new AdvisorOptions());
            Assert.Empty(advice.Strategies);
            Assert.Contains("IMMUTABLE", Assert.Single(advice.Hints), StringComparison.Ordinal);
        }

        await database.ExecuteAsync("drop table people");
    }

    // A B-tree holds no documents, collections, ranges and shapes, neither as keys nor beside them.
    [Fact]
    public async Task Values_without_an_order_are_in_no_btree()
    {
        await database.ExecuteAsync("""
            create type pair as (x int, y int);
            create domain codes as int[];
            create table odd (id int primary key, n int not null, doc jsonb, raw json, tags text[], codes codes, words tsvector,
                during int4range, prices numrange, place point, area polygon, x xml, q tsquery, two pair);
            insert into odd select i, i % 3000, jsonb_build_object('k', i % 900), '{}', array['t' || i % 900], array[i % 900], 'a',
                int4range(i, i + 3), numrange(i, i + 3), point(i, i), polygon(box(point(i, i), point(i + 1, i))), '<a/>', 'a',
                row(i, i)::pair from generate_series(1, 20000) i;
            """);
        await database.ExecuteAsync("vacuum analyze odd");
        string[] columns = ["doc", "raw", "tags", "codes", "words", "during", "prices", "place", "area", "x", "q", "two"];
        var statements = columns.Select(c => $"select n, {c} from odd where n = 5")
            .Concat(columns.Select(c => $"select count(*) from odd where {c} is null"))
            .Concat(columns.Except(["raw", "place", "area", "x"]).SelectMany(
                c => new[] {
                    $"select {c}, count(*) from odd group by {c}", $"select id from odd order by {c} limit 5",
                    $"select id from odd where n = 5 order by {c}",
                    $"select count(*) from odd a join odd b on a.{c} = b.{c} where b.id = 5",
                    $"select id from odd where {c} = (select {c} from odd where id = 7)",
                    $"select max(n) from odd where {c} > $1" }))
            .Concat(["select id from odd where doc -> 'k' = '5'", "select id from odd where 't5' = any (tags)",
                "select count(*) from odd where 5 = any (codes)", "select doc -> 'k', count(*) from odd group by 1"])
            .ToList();

        var advice = await AdviseAsync(statements, new AdvisorOptions { StorageBudget = 1 << 30 });

        var trees = advice.Candidates.Select(c => c.Definition).Where(d => d.Method == "btree").ToList();
        Assert.Contains(trees, d => d.Keys[0].Column == "n");
        Assert.All(
            trees, d => Assert.DoesNotContain(
                d.Keys.SelectMany(k => new[] { k.Column, k.Expression }).Concat(d.Include),
                name => columns.Contains(name) || name == "doc -> 'k'::text"));
        await database.ExecuteAsync("drop table odd; drop domain codes; drop type pair");
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
