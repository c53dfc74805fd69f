using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>Tests the candidates of statements that a real planner plans, on a schema with statistics.</summary>
public sealed class CandidateTests(CandidateTests.Shop shop) : IClassFixture<CandidateTests.Shop>
{
    // Statement -> exactly these candidates.
    [Theory]
    // Equality, ranges, orders.
    [InlineData("select note from items where code = 'abc'", "btree (code)|hash (code)")]
    [InlineData("select note from items where shop_id = $1", "btree (shop_id)")]
    [InlineData("select note from items where shop_id = 5 and id = 7", "btree (id)|btree (shop_id)")]
    [InlineData(
        "select note from items where shop_id in (1, 2) and made > '2020-03-08'",
        "btree (made)|btree (shop_id)|btree (shop_id, made)")]
    [InlineData("select note from items where number between 5 and 6", "btree (number)")]
    [InlineData("select note from items where number between 5 and 90000", "")]
    [InlineData("select note from items where shop_id = 5 order by made desc limit 10", "btree (shop_id)|btree (shop_id, made)")]
    [InlineData("select note from items order by number desc nulls last limit 10", "btree (number DESC NULLS LAST)")]
    [InlineData("select note from items order by shop_id, number desc limit 10", "btree (shop_id, number DESC)")]
    [InlineData("select note from items order by number", "")]
    [InlineData(
        "select note from items where (made, id) < ('2020-03-01', 5) order by made desc, id desc limit 9",
        "btree (made)|btree (made, id)")]
    [InlineData("select max(number) from items where shop_id = 5", "btree (shop_id)|btree (shop_id, number)")]
    [InlineData("select max(number) from items", "btree (number)")]
    [InlineData("select note from items where shop_id = 5 or number = 7", "btree (number)|btree (shop_id)")]
    [InlineData("select note from items where shop_id = 5 or note = ''", "btree (note)|btree (shop_id)|hash (note)")]
    [InlineData("select note from items where shop_id = 5 or random() < 0.5", "")]
    // Index-only scans.
    [InlineData("select shop_id, count(*) from items group by shop_id", "btree (shop_id)")]
    [InlineData(
        "select distinct on (shop_id) shop_id, kind from items order by shop_id, kind desc", "btree (shop_id, kind DESC)")]
    [InlineData("select row_number() over (partition by kind order by shop_id) from items", "btree (kind, shop_id)")]
    [InlineData("select sum(price) from items where shop_id = 5", "btree (shop_id)|btree (shop_id) INCLUDE (price)")]
    [InlineData("select avg(shop_id) from items", "btree (shop_id)")]
    [InlineData("select * from items", "")]
    // Recurring conditions, nulls, flags.
    [InlineData(
        "select note from items where status = 'open' and shop_id = 5",
        "btree (shop_id)|btree (shop_id) WHERE status = 'open'::text|btree (shop_id, status)")]
    [InlineData("select note from items where status = 'open'", "btree (status)|btree (status) WHERE status = 'open'::text")]
    [InlineData("select note from items where status = $1", "btree (status)")]
    [InlineData(
        "select note from items where status = 'open' order by made limit 9",
        "btree (made) WHERE status = 'open'::text|btree (status)|btree (status, made)")]
    [InlineData(
        "select note from items where status <> 'done' and shop_id = $1",
        "btree (shop_id)|btree (shop_id) WHERE status <> 'done'::text")]
    [InlineData("select note from items where kind <> 3 and shop_id = $1", "btree (shop_id)")]
    [InlineData(
        "select note from items where status in ('open', 'done') and shop_id = $1", "btree (shop_id)|btree (shop_id, status)")]
    [InlineData(
        "select note from items where status in ('open', $2) and shop_id = $1", "btree (shop_id)|btree (shop_id, status)")]
    [InlineData(
        "select note from items where kind in (3, 4) and shop_id = $1",
        "btree (kind)|btree (shop_id)|btree (shop_id) WHERE kind = ANY ('{3,4}'::integer[])|btree (shop_id, kind)")]
    [InlineData(
        "select note from items where gone is null and shop_id = $1",
        "btree (shop_id)|btree (shop_id) WHERE gone IS NULL|btree (shop_id, gone)")]
    [InlineData("select note from items where seldom = 5", "btree (seldom)|btree (seldom) WHERE seldom IS NOT NULL")]
    [InlineData(
        "select note from items where is_hidden and shop_id = 5",
        "btree (shop_id)|btree (shop_id) WHERE is_hidden|btree (shop_id, is_hidden)")]
    // Expressions.
    [InlineData("select note from items where lower(code) = 'abc'", "btree ((lower(code)))")]
    [InlineData("select note from items where made::date = '2020-03-01'", "btree (((made)::date))")]
    [InlineData("select note from items where date_trunc('day', made) = '2020-03-01'", "btree ((date_trunc('day'::text, made)))")]
    [InlineData("select note from items where date_trunc('day', seen) = '2020-03-01'", "")]
    [InlineData("select note from items where doc ->> 'city' = 'c3'", "btree ((doc ->> 'city'::text))")]
    [InlineData("select note from items where coalesce(seldom, 0) = 3", "btree ((COALESCE(seldom, 0)))")]
    [InlineData("select note from items where shop_id + number = 3", "btree ((shop_id + number))")]
    [InlineData("select note from items where seen > now() - interval '1 hour'", "btree (seen)")]
    // Other methods.
    [InlineData("select note from items where doc @> '{\"city\":\"c3\"}'", "gin (doc jsonb_path_ops)")]
    [InlineData("select note from items where doc ? 'city' and doc @> '{}'", "gin (doc)")]
    [InlineData("select note from items where doc @? '$.city'", "gin (doc jsonb_path_ops)")]
    [InlineData("select note from items where tags && '{t1,t2}'", "gin (tags)")]
    [InlineData("select note from items where 't1' = any (tags)", "")]
    [InlineData("select note from items where words @@ to_tsquery('simple', 'word1')", "gin (words)")]
    [InlineData(
        "select note from items where to_tsvector('simple', note) @@ plainto_tsquery('simple', 'x')",
        "gin ((to_tsvector('simple'::regconfig, note)))")]
    [InlineData("select note from items where code like 'ab%'", "btree (code text_pattern_ops)")]
    [InlineData("select note from items where code like '%abc%'", "gin (code public.gin_trgm_ops)")]
    [InlineData("select note from items where code ilike 'abc%'", "gin (code public.gin_trgm_ops)")]
    [InlineData("select note from items where code like '%ab%'", "")]
    [InlineData("select note from items where during && int4range(5, 10)", "gist (during)")]
    [InlineData("select note from items where during @> 5", "gist (during)")]
    [InlineData("select note from items where place <@ box '((0,0),(9,9))'", "gist (place)")]
    [InlineData("select note from items order by place <-> point '(5,5)' limit 9", "gist (place)")]
    [InlineData("select note from items where address << '10.0.0.0/8'", "gist (address inet_ops)")]
    // Writes and joins.
    [InlineData("delete from items where shop_id = 5 and price > 3", "btree (price)|btree (shop_id)|btree (shop_id, price)")]
    [InlineData("update items set note = '' where number = 5", "btree (number)")]
    [InlineData(
        "select s.name, i.note from shops s join items i on i.shop_id = s.id where s.city = 'c5'",
        "btree (shop_id)|shops: btree (city)|shops: btree (city, id)|shops: btree (id)")]
    [InlineData(
        "select s.name from shops s where exists (select from items i where i.shop_id = s.id and i.number = 5)",
        "btree (number)|btree (shop_id)|shops: btree (id)")]
    public async Task The_candidates_are_exactly_these(string statement, string expected)
    {
        var found = await CandidatesAsync(statement);

        Assert.Equal(
            expected.Split('|', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            found.Select(c => Written(c.Definition)).Order(StringComparer.Ordinal));
    }

    private static string Written(IndexDefinition index) =>
        (index.Table.Name == "items" ? "" : index.Table.Name + ": ") + index.ToAnonymousStatement().Split(" USING ")[1];

    // Two equalities, two ranges, a join, an order.
    [Fact]
    public async Task There_are_few_for_a_use_that_wants_much()
    {
        var found = await CandidatesAsync("""
            select i.note from items i join shops s on s.id = i.shop_id
            where i.kind = 3 and i.number = 5 and i.made > '2020-03-01' and i.price < 5 and s.city = 'c5' order by i.seen limit 5
            """);

        Assert.InRange(found.Count(c => c.Definition.Table.Name == "items"), 5, 25);
    }

    [Fact]
    public async Task Patterns_wait_for_an_extension_that_is_not_there()
    {
        var needed = Assert.Single(await CandidatesAsync("select note from items where code like '%abc%'", isInstalled: false));

        Assert.Equal("create extension pg_trgm", needed.Requires);
    }

    [Fact]
    public async Task Values_that_ANALYZE_counts_too_few_of_are_there_all_the_same()
    {
        await shop.Database.ExecuteAsync("""
            create table visits (page text not null);
            insert into visits select case when i % 5 < 2 then 'home' else 'page ' || i end from generate_series(1, 200000) i;
            create index sized on visits (page);
            """);
        await shop.Database.ExecuteAsync("analyze visits");
        try
        {
            var (table, ratio) = await EstimateAsync("visits");

            Assert.True(table.Columns[0].CountDistinct(200_000) < 60_000);
            // The mean width is also that of the common value, which is shorter.
            Assert.InRange(ratio, 0.95, 1.05);

            // A value that the owner has set is not an estimate.
            await shop.Database.ExecuteAsync("alter table visits alter page set (n_distinct = 2000)");
            await shop.Database.ExecuteAsync("analyze visits");
            table = await shop.Connection.Catalog.GetTableAsync(new RelationName("public", "visits"), Token);
            Assert.Equal(2_000, DistinctValues.Of(table.Columns[0], 200_000));
        }
        finally
        {
            await shop.Database.ExecuteAsync("drop table visits");
        }
    }

    [Fact]
    public async Task Columns_that_hang_together_are_known_by_extended_statistics()
    {
        await shop.Database.ExecuteAsync("""
            create table shipments (sent date not null, arrived date not null, weight int not null);
            insert into shipments select date '2020-01-01' + i % 1000, date '2020-01-03' + i % 1000 + (i / 1000) % 3, i % 700 from generate_series(1, 200000) i;
            create index sized on shipments (sent, arrived);
            """);
        await shop.Database.ExecuteAsync("analyze shipments");
        try
        {
            Assert.InRange((await EstimateAsync("shipments")).Ratio, 1.5, 10);

            // An expression has no name of a column, and dependencies are not counts.
            await shop.Database.ExecuteAsync("""
                create statistics counted (ndistinct) on sent, arrived, (weight / 7) from shipments;
                create statistics other (dependencies) on sent, weight from shipments
                """);
            await shop.Database.ExecuteAsync("analyze shipments");
            Assert.InRange((await EstimateAsync("shipments")).Ratio, 0.9, 1.1);
        }
        finally
        {
            await shop.Database.ExecuteAsync("drop table shipments");
        }
    }

    // The built index -> the largest relative error of the estimate.
    [Theory]
    [InlineData("(id)", 0.08)]
    [InlineData("(shop_id)", 0.08)]
    [InlineData("(code)", 0.08)]
    [InlineData("(note)", 0.08)]
    [InlineData("(price)", 0.08)]
    [InlineData("(key)", 0.08)]
    [InlineData("(made)", 0.08)]
    [InlineData("(seen)", 0.08)]
    [InlineData("(seldom)", 0.08)]
    [InlineData("(sparse)", 0.08)]
    [InlineData("(abbreviation)", 0.08)]
    [InlineData("(kind, is_hidden)", 0.08)]
    [InlineData("(shop_id, made)", 0.08)]
    [InlineData("(shop_id) include (kind)", 0.08)]
    [InlineData("(id) include (code, price, made)", 0.08)]
    [InlineData("(shop_id) where gone is null", 0.08)]
    [InlineData("(seldom) where seldom is not null", 0.08)]
    [InlineData("(lower(code))", 0.08)]
    [InlineData("((made::date))", 0.08)]
    [InlineData("(shop_id) with (fillfactor = 50)", 0.08)]
    [InlineData("(seldom, gone)", 0.08)]
    [InlineData("(gone, seldom)", 0.08)]
    [InlineData("(shop_id, sparse) where sparse is not null", 0.08)]
    [InlineData("(sparse) where sparse is not null", 0.08)]
    [InlineData("(is_hidden, number) where is_hidden", 0.08)]
    [InlineData("(coalesce(seldom, 0))", 0.08)]
    [InlineData("((doc ->> 'city'))", 0.15)]
    [InlineData("(date_trunc('hour', made))", 0.15)]
    [InlineData("(shop_id) with (deduplicate_items = off)", 0.08)]
    [InlineData("using hash (id)", 0.15)]
    [InlineData("using hash (code)", 0.15)]
    [InlineData("using hash (kind)", 0.15)]
    [InlineData("using hash (shop_id)", 0.15)]
    [InlineData("using hash (seldom)", 0.15)]
    [InlineData("using brin (made)", 0.4)]
    [InlineData("using brin (code)", 0.4)]
    // The sample of ANALYZE is another one in each run, and shows a part of the words and keys only. Of a hundred documents that
    // are kept, the number of different ones follows only roughly.
    [InlineData("using gin (tags)", 0.5)]
    [InlineData("using gin (doc)", 0.9)]
    [InlineData("using gin (doc jsonb_path_ops)", 0.9)]
    [InlineData("using gin (words)", 0.35)]
    [InlineData("using gin (code gin_trgm_ops)", 0.35)]
    [InlineData("using gin (lower(code) gin_trgm_ops, status gin_trgm_ops)", 0.35)]
    [InlineData("using gin (to_tsvector('simple', coalesce(status, '')))", 0.35)]
    [InlineData("using gin ((to_tsvector('simple', note) || setweight(to_tsvector('simple', status), 'B')))", 0.35)]
    [InlineData("using gist (during)", 0.5)]
    [InlineData("using gist (place)", 0.5)]
    public async Task Sizes_are_those_of_built_indexes(string index, double tolerance)
    {
        var table = await shop.TableAsync("items");
        await shop.Database.ExecuteAsync("create index sized on items " + index);
        try
        {
            var built = (await shop.Connection.Catalog.GetIndexesAsync([table.Oid], Token))
                .Single(i => i.Definition.Name == "sized");
            var rows = built.Definition.Where is { } where
                ? PlanNode.Parse(await shop.ExplainAsync("select from items where " + where)).Rows
                : (double?)null;

            var estimate = IndexSize.Estimate(
                built.Definition,
                await ExpressionStatistics.AddValuesAsync(shop.Connection.Catalog, built.Definition, table, Token),
                rows);

            Assert.InRange((double)estimate!.Value, built.SizeBytes * (1 - tolerance), built.SizeBytes * (1 + tolerance));
        }
        finally
        {
            await shop.Database.ExecuteAsync("drop index sized");
        }
    }

    // Compares the estimated cost with an index that HypoPG does not support with the planner's cost after a build.
    [Theory]
    [InlineData("select note from items where doc @> '{\"city\":\"c3\"}'", "gin (doc jsonb_path_ops)")]
    [InlineData("select note from items where doc @> '{\"city\":\"c3\"}' and kind = 3", "gin (doc jsonb_path_ops)")]
    [InlineData("select note from items where doc @> '{\"city\":\"c3\"}' order by number limit 10", "gin (doc jsonb_path_ops)")]
    [InlineData("select note from items where tags @> '{t1,u5}'", "gin (tags)")]
    [InlineData("select note from items where words @@ to_tsquery('simple', 'word77')", "gin (words)")]
    [InlineData("select note from items where code like '%abcd%'", "gin (code public.gin_trgm_ops)")]
    [InlineData("select note from items where during && int4range(500, 600)", "gist (during)")]
    [InlineData("select note from items where place <@ box '((0,0),(90,90))'", "gist (place)")]
    [InlineData("select note from items order by place <-> point '(5,5)' limit 9", "gist (place)")]
    [InlineData(
        "select s.name, i.note from shops s join items i on i.shop_id = s.id where i.doc @> '{\"city\":\"c3\"}'",
        "gin (doc jsonb_path_ops)")]
    [InlineData("select count(*) from items where doc @> '{\"city\":\"c3\"}'", "gin (doc jsonb_path_ops)")]
    public async Task Costs_are_close_to_those_with_the_index_built(string statement, string index)
    {
        var table = await shop.TableAsync("items");
        var plan = PlanNode.Parse(await shop.ExplainAsync(statement));
        var use = PlanReader.Read(plan, statement, tables: await shop.TablesAsync()).Relations
            .Single(r => r.Table.Name == "items");
        var proposed = (await CandidatesAsync(statement)).Single(c => Written(c.Definition) == index).Definition;
        var sized = await ExpressionStatistics.AddValuesAsync(shop.Connection.Catalog, proposed, table, Token);
        var candidate = new Candidate { Id = 0, Definition = proposed, SizeBytes = IndexSize.Estimate(proposed, sized)!.Value };

        var estimate = AccessEstimate.CostWith(plan, use, candidate, table);

        await shop.Database.ExecuteAsync(
            proposed.ToAnonymousStatement().Replace(" ON ", " costed ON ", StringComparison.Ordinal));
        try
        {
            var real = PlanNode.Parse(await shop.ExplainAsync(statement));
            Assert.Contains(real.All(), n => n.IndexName == "costed");
            Assert.InRange(estimate!.Value, real.TotalCost / 2, real.TotalCost * 2);
            Assert.True(estimate < plan.TotalCost);
        }
        finally
        {
            await shop.Database.ExecuteAsync("drop index costed");
        }
    }

    [Fact]
    public async Task An_index_that_finds_too_much_has_no_estimate()
    {
        var table = await shop.TableAsync("items");
        var statement = "select note from items where doc @> '{}'";
        var plan = PlanNode.Parse(await shop.ExplainAsync(statement));
        var use = Assert.Single(PlanReader.Read(plan, statement).Relations);
        var proposed = Assert.Single(await CandidatesAsync(statement)).Definition;

        Assert.Null(
            AccessEstimate.CostWith(plan, use, new Candidate { Id = 0, Definition = proposed, SizeBytes = 1_000_000 }, table));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // A table, and the ratio of the estimated size of its only index to the real size.
    private async Task<(TableInfo Table, double Ratio)> EstimateAsync(string name)
    {
        var table = await shop.Connection.Catalog.GetTableAsync(new RelationName("public", name), Token);
        var built = Assert.Single(await shop.Connection.Catalog.GetIndexesAsync([table.Oid], Token));
        return (table, (double)IndexSize.Estimate(built.Definition, table)!.Value / built.SizeBytes);
    }

    private async Task<IReadOnlyList<ProposedIndex>> CandidatesAsync(string statement, bool isInstalled = true)
    {
        var plan = PlanNode.Parse(await shop.ExplainAsync(statement));
        var tables = await shop.TablesAsync();
        var use = PlanReader.Read(plan, statement, tables: tables);
        tables = await new ExpressionTypes(shop.Connection.Catalog).AddToAsync(tables, [use], Token);
        var context = new CandidateContext
        {
            Recurring = CandidateContext.FindRecurring([(use, 2)]),
            IsTrigramAvailable = true,
            TrigramSchema = isInstalled ? "public" : null,
        };
        var found = new List<ProposedIndex>();
        foreach (var relation in use.Relations)
        {
            found.AddRange(CandidateGenerator.Generate(relation, tables[relation.Table], context));
        }

        return found;
    }

    public sealed class Shop(SandboxFixture sandbox) : IAsyncLifetime
    {
        private readonly Dictionary<string, TableInfo> tables = [];

        public TestDatabase Database { get; } = new(sandbox);

        public IMonitoringConnection Connection { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await Database.InitializeAsync();
            await Database.ExecuteAsync("""
                create extension pg_trgm;
                create table shops (id int not null, name text not null, city text not null, filler text not null);
                insert into shops select i, 'name ' || i, 'c' || i % 100, repeat('x', 60) from generate_series(0, 1999) i;
                create table items (
                    id int not null, shop_id int not null, number int not null, kind int not null, price numeric(10, 2) not null, code text not null,
                    key uuid not null, made timestamp not null, seen timestamptz not null, gone date, seldom int, sparse int, is_hidden bool not null,
                    status text not null, abbreviation char(3) not null, doc jsonb not null, tags text[] not null, words tsvector not null,
                    during int4range not null, place point not null, address inet not null, note text not null);
                insert into items select i, i % 2000, i::bigint * 7919 % 100003, i::bigint * 7919 % 100003 % 50, i % 3000, md5(i::text),
                    md5(i::text)::uuid, timestamp '2020-01-01' + i * interval '1 min', timestamptz '2020-01-01' + i::bigint * 7919 % 100003 * interval '1 min',
                    case when i::bigint * 7919 % 100003 % 10 < 8 then date '2024-01-01' + i % 60 end, case when i % 10 = 0 then i % 700 end, case when i % 10 = 1 then i end, i % 20 = 0,
                    case when i % 100 = 0 then 'open' when i % 100 < 50 then 'paid' else 'done' end, 'c' || i % 10,
                    jsonb_build_object('city', 'c' || i % 900, 'n', i, 'list', jsonb_build_array(i % 50, i % 70)), array['t' || i % 100, 'u' || i % 77, 'v' || i % 13],
                    to_tsvector('simple', 'word' || i % 1000 || ' term' || i % 300 || ' foo bar' || i % 20 || ' doc' || i), int4range(i, i + 10),
                    point(i % 997, i % 1009), '10.0.0.0'::inet + i, 'note ' || i || repeat('x', 80)
                    from generate_series(1, 100000) i;
                """);
            await Database.ExecuteAsync("vacuum analyze items");
            await Database.ExecuteAsync("vacuum analyze shops");
            Connection = await new PostgresBackend()
                .ConnectAsync(
                    new ConnectionSettings { ConnectionString = Database.ConnectionString }, null, null, CancellationToken.None);
        }

        public async Task<TableInfo> TableAsync(string name) => tables.TryGetValue(name, out var table)
            ? table
            : tables[name] = await Connection.Catalog.GetTableAsync(new RelationName("public", name), Token);

        public async Task<IReadOnlyDictionary<RelationName, TableInfo>> TablesAsync() =>
            new[] { await TableAsync("items"), await TableAsync("shops") }.ToDictionary(t => t.Name);

        public async Task<string> ExplainAsync(string statement)
        {
            if (!statement.Contains("$1", StringComparison.Ordinal))
            {
                return (await Database.ScalarAsync<string>(
                    "set max_parallel_workers_per_gather = 0; explain (format json, verbose) " + statement))!;
            }

            return (await Database.ScalarAsync<string>($"""
                set max_parallel_workers_per_gather = 0; set plan_cache_mode = force_generic_plan; prepare s as {statement};
                explain (format json, verbose) execute s({string.Join(',', Enumerable.Repeat("null", statement.Contains("$2", StringComparison.Ordinal) ? 2 : 1))})
                """))!;
        }

        public async ValueTask DisposeAsync()
        {
            if (Connection is not null)
            {
                await Connection.DisposeAsync();
            }

            await Database.DisposeAsync();
        }
    }
}
