using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Plans;

public sealed class EveryStatementTests(SandboxFixture sandbox)
{
    private const string Schema = """
        create table orders (id int primary key, customer_id int, total numeric, note text, at timestamptz not null);
        create table customers (id int primary key, name text);
        create view big_orders as select * from orders where total > 100;
        create schema sales; create table sales."Deals" (id int, name text); create table sales.leads (id int, at timestamptz);
        create schema other; create table other.twins (id int); create table sales.twins (id int);
        create table events (id int, at timestamptz not null, kind text) partition by range (at);
        create table events_old partition of events for values from (minvalue) to ('2026-01-01') partition by hash (id);
        create table events_old_0 partition of events_old for values with (modulus 2, remainder 0);
        create table events_old_1 partition of events_old for values with (modulus 2, remainder 1);
        create table events_new partition of events for values from ('2026-01-01') to (maxvalue);
        create temporary table scratch (id int);
        insert into events select i, timestamptz '2025-06-01' + i * interval '1 hour', 'k' from generate_series(1, 8000) i;
        analyze events_old_0, events_old_1, events_new;
        """;

    // First version, statement -> the tables that it reads or writes, or a part of the reason why there is no plan.
    private static readonly (int From, string Statement, string Expected)[] Cases =
    [
        (13, "select id from orders where customer_id = $1", "public.orders"),
        (13, "with recursive t as (select id from orders where id = $1 union all select o.id from orders o join t on "
            + "o.customer_id = t.id) select * from t", "public.orders"),
        (13, "select note from big_orders where customer_id = $1", "public.orders"),
        (13, "select id from customers where id in (select customer_id from orders where at > $1)",
            "public.customers, public.orders"),
        (13, "select id, row_number() over (partition by customer_id order by at) from orders where total > $1", "public.orders"),
        (13, "select id from orders where total > $1 union select id from customers where name = $2 except select $3",
            "public.customers, public.orders"),
        (13, "update orders o set note = c.name from customers c where c.id = o.customer_id and c.name = $1",
            "public.customers, public.orders"),
        (13, "delete from orders using customers c where c.id = customer_id and c.name like $1",
            "public.customers, public.orders"),
        (13, "insert into orders (id, at) select id, now() from customers where name = $1", "public.customers, public.orders"),
        (13, "insert into customers (id, name) values ($1, $2), ($3, $4) on conflict (id) do update set name = excluded.name "
            + "where customers.name <> $5", "public.customers"),
        (15, "merge into customers c using orders o on c.id = o.customer_id when matched and o.total > $1 then update set "
            + "name = $2 when not matched then insert values (o.id, $3)", "public.customers, public.orders"),
        (13, "values ($1, 2)", ""),
        (13, "select * from generate_series(1, 10)", ""),
        (13, "table customers", "public.customers"),
        (13, "declare c cursor for select id from orders where note = $1", "public.orders"),
        (13, "copy (select id from orders) to stdout", "public.orders"),
        (13, "select count(*) from pg_class", "pg_catalog.pg_class"),
        (13, "select id from orders where at > now() - interval $1", "public.orders"),
        (13, "select concat($1, note), jsonb_build_object($2, id) from orders where $3 is null or note = $3", "public.orders"),
        (13, "select id from orders where customer_id = $1 and note = $1", "public.orders"),
        // Names that another search path has.
        (13, "select d.name, \"Deals\".id from \"Deals\" join \"Deals\" d on d.id = \"Deals\".id, leads where leads.id = $1",
            "sales.\"Deals\", sales.leads"),
        (13, "insert into leads (id) select id from \"Deals\" where name = $1", "sales.\"Deals\", sales.leads"),
        (13, "select '\U0001F600', id from leads where id > 5", "sales.leads"),
        // Partitions at any depth count for their root.
        (13, "select id from events where kind = $1", "public.events"),
        (13, "select e.id from events e join orders o on o.id = e.id where e.at > $1 order by e.at",
            "public.events, public.orders"),
        (13, "select id from events where at > now() - $1::interval and id = $2", "public.events"),
        (13, "update events set kind = $1 where id = $2", "public.events"),
        (13, "delete from events_new where id = $1", "public.events"),
        (13, "insert into events values ($1, $2, $3)", "public.events"),
        (13, "select id from twins where id = $1", "several schemas have one: other, sales"),
        (13, "select id from dropped where id = $1", "42P01"),
        (13, "select id from scratch", "42P01"),
        (13, "select nothing from orders where note = 'secret'", "42703"),
        (13, "select 'secret' + id from orders", "22P02"),
        (13, "select id from orders where", "42601"),
        (13, "vacuum orders", "is not one SELECT"),
        (13, "select 1; drop table orders", "is not one SELECT"),
    ];

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_statement_of_whatever_kind_has_a_plan_or_a_reason(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await database.ExecuteAsync(Schema);
        await using var connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        var failures = new List<string>();
        foreach (var (_, statement, expected) in Cases.Where(c => c.From <= majorVersion))
        {
            string found;
            try
            {
                var plan = PlanNode.Parse(await connection.Plans.ExplainAsync(new PlanText(statement), Token));
                var tables = await WorkloadTables.FindAsync(connection.Catalog, [plan], Token);
                found = string.Join(", ", tables.Unite(plan).All().Where(n => n.RelationName is not null)
                    .Select(n => new RelationName(n.Schema, n.RelationName!).ToString()).Distinct()
                        .Order(StringComparer.Ordinal));
            }
            catch (PerfMonitoringException e)
            {
                found = e.Message;
            }

            if (!(expected.Any(char.IsAsciiDigit) || expected.Contains("one", StringComparison.Ordinal)
                ? found.Contains(expected, StringComparison.Ordinal) : found == expected)
                || found.Contains("secret", StringComparison.Ordinal))
            {
                failures.Add($"{statement}: {expected} expected, {found} found");
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Fact]
    public async Task Partitions_are_read_as_one_table()
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await database.ExecuteAsync(Schema);
        await using var connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        var plan = PlanNode.Parse(await connection.Plans.ExplainAsync(
            new PlanText(
                "select e.id, o.note from events e join orders o on o.id = e.id where e.kind = $1 order by e.at desc limit 5"),
                Token));

        var tables = await WorkloadTables.FindAsync(connection.Catalog, [plan], Token);
        var use = Assert.Single(PlanReader.Read(tables.Unite(plan)).Relations, r => r.Table.Name == "events");

        Assert.Equal("e", use.Alias);
        Assert.Contains(use.Predicates, p => p is { Kind: PredicateKind.Equal, Key.Column: "kind" });
        Assert.Contains(use.Predicates, p => p is { Kind: PredicateKind.Join, Key.Column: "id" });
        Assert.Contains(use.Orders, o => o[0].Column == "at");
        var events = tables.Advised[use.Table];
        Assert.Equal(8000, events.Rows!.Value, 3);
        Assert.Equal(["events_new", "events_old_0", "events_old_1"], events.Leaves.Select(l => l.Name));
        Assert.InRange(events.FindColumn("id")!.Distinct!.Value, -1, -0.9);
        Assert.Equal(8, events.FindColumn("at")!.AverageWidth);
        Assert.Empty(tables.PassedOver);
    }

    [Fact]
    public async Task What_gets_no_index_is_passed_over_with_the_reason()
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await database.ExecuteAsync(
            "create table orders (id int); create extension if not exists file_fdw; create server files foreign data wrapper "
                + "file_fdw; create foreign table far (id int) server files options (filename '/dev/null')");
        await using var connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        var plan = PlanNode.Parse(
            await connection.Plans.ExplainAsync(
                new PlanText("select 1 from orders, far, pg_class where orders.id = far.id"), Token));

        var tables = await WorkloadTables.FindAsync(connection.Catalog, [plan], Token);

        Assert.Equal("orders", Assert.Single(tables.Advised).Key.Name);
        Assert.Equal(
            [("pg_catalog.pg_class", true), ("public.far", false)], tables.PassedOver.Select(t => (t.TableName, t.IsExpected)));
    }
}
