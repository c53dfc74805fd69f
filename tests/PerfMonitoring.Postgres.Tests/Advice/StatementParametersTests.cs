using System.Globalization;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

public sealed class StatementParametersTests(SandboxFixture sandbox)
{
    // 20,000 rows; ANALYZE reads all of them.
    private const string Schema = """
        create table tickets (
            id int primary key, status text not null, priority int not null, created_at timestamptz not null, due date not null, price numeric(10, 2) not null,
            title text not null, code varchar(20), tags text[] not null, closed boolean not null, doc jsonb, unseen int);
        insert into tickets
        select i, case when i % 1000 = 0 then 'new' when i % 100 = 0 then 'open' else 'done' end, i % 10,
            now() - (20000 - i) * interval '1 minute', current_date - (20000 - i) / 100, i / 7.0,
            'title' || i % 500 || ' of it''s', 'C' || i % 40, array['t' || i % 7, 'u'], i % 50 <> 0, '{"a": 1}'
        from generate_series(1, 20000) i;
        create table customers (id int primary key, name text);
        insert into customers select i, 'Name ' || i from generate_series(1, 2000) i;
        create table events (id int, at timestamptz not null, kind text not null) partition by range (at);
        create table events_1 partition of events for values from (minvalue) to (now() - interval '10 days');
        create table events_2 partition of events for values from (now() - interval '10 days') to (maxvalue);
        insert into events select i, now() - (20000 - i) * interval '1 minute', case when i % 100 = 0 then 'rare' else 'usual' end from generate_series(1, 20000) i;
        analyze tickets, customers, events_1, events_2;
        """;

    // Statement -> estimated rows of the first scan: of the typical run, and of the heavy one with its share; empty for the
    // generic plan.
    private static readonly (string Statement, string Expected)[] Cases =
    [
        ("select id from tickets where status = $1", "180, 19800 0.99"),
        ("select id from tickets where $1 = status", "180, 19800 0.99"),
        ("select id from tickets where closed = $1 and priority = $2", "40, 1960 0.98"),
        ("select id from tickets where status in ($1, $2)", "200, 19980 0.99"),
        ("select id from tickets where status = any ($1)", "20000, 20000 0.99"),
        ("select id from tickets where lower(status) = lower($1)", "100, 100 0.99"),
        ("update tickets set title = $1 where status = $2", "180, 19800 0.99"),
        ("delete from tickets where status = $1", "180, 19800 0.99"),
        ("select id from tickets where ($1::text is null or status = $1) and priority > $2", "18, 9900 0.99"),
        ("select id from tickets where status = coalesce($1, status)", "180, 19800 0.99"),
        ("select id from tickets where status is distinct from $1 and created_at > $2", "991, 9910 0.1"),
        ("select id from tickets where created_at > $1", "1000, 10000 0.1"),
        ("select id from tickets where created_at > $1::timestamp", "1000, 10000 0.1"),
        ("select id from tickets where created_at between $1 and $2", "1000, 10000 0.1"),
        ("select id from tickets where created_at < $1", "1000, 10000 0.1"),
        ("select id from tickets where created_at > now() - interval $1", "1000, 10000 0.1"),
        ("select id from tickets where created_at > now() - $1 * interval $2", "1000, 10000 0.1"),
        ("select id from tickets where created_at > now() - $1 * interval '1 hour'", "1000, 10000 0.1"),
        ("select id from tickets where created_at > now() - ($1 || ' minutes')::interval", "1000, 10000 0.1"),
        ("select id from tickets where created_at > now() - make_interval(mins => $1)", "1000, 10000 0.1"),
        ("select id from tickets where created_at >= $1 and created_at < $1 + interval $2", "1000, 10000 0.1"),
        ("select id from tickets where due >= $1", "1000, 10000 0.1"),
        ("select id from tickets where due > current_date - $1::int", "1000, 10000 0.1"),
        ("select id from tickets where price > $1 and price <= $2", "1000, 10000 0.1"),
        ("select id from tickets where price > $1::int", "1000, 10000 0.1"),
        ("select id from tickets where (priority, id) > ($1, $2) order by priority, id limit $3", "2000, 10000 0.1"),
        ("select date_trunc($1, created_at), count(*), sum(case when closed then $2 end) from tickets where created_at > $3 "
            + "group by 1 having count(*) > $4", "1000, 10000 0.1"),
        ("select id, $1 from tickets where title like $2", "440"),
        ("select id from tickets where title like $1 || '%'", "440"),
        ("select id from tickets where title like $1 || $2", "440"),
        ("select id from tickets where lower(title) like lower($1)", "100"),
        ("select id from tickets where $1 = any (tags)", "2857"),
        ("select id from tickets where tags @> $1", "2857"),
        ("select id from tickets order by created_at limit $1 offset $2", "20000"),
        ("select id from tickets where priority = $1 order by created_at limit $2", "2000"),
        ("select c.name from tickets t join customers c on c.id = t.id where t.status = $1 and c.name > $2", "180, 19800 0.99"),
        ("select name from customers c where exists (select $1 from tickets t where t.id = c.id and t.status = $2)",
            "180, 19800 0.99"),
        ("with t as (select * from tickets where status = $1) select count(*) from t where priority <> $2", "162, 17820 0.99"),
        ("select id from events where kind = $1", "200, 19800 0.99"),
        ("select id from tickets where doc ->> $1 = $2 and status = $3", "1, 99 0.99"),
        ("select id from tickets where priority = $1", ""),
        ("select id from tickets where id = $1", ""),
        ("select id from tickets where id in ($1, $2, $3)", ""),
        ("select id from tickets where doc @> $1 and status = $2", ""),
        ("select id from tickets where status = $1 and title ~ $2", ""),
        ("select id from tickets t join unnest($1::int[]) u (n) on u.n = t.id where t.status = $2", ""),
        ("select id from tickets where id = (select max(id) from customers) and status = 'open'", ""),
        ("insert into tickets (id, status) values ($1, $2)", ""),
    ];

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Parameters_get_values_that_the_server_takes_and_that_select_what_they_shall(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await database.ExecuteAsync(Schema);
        await using var connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        var parameters = new StatementParameters(connection.Catalog);
        var failures = new List<string>();
        foreach (var (statement, expected) in Cases)
        {
            var generic = PlanNode.Parse(await connection.Plans.ExplainAsync(new PlanText(statement), Token));
            var tables = await WorkloadTables.FindAsync(connection.Catalog, [generic], Token);
            var (variants, _) = await parameters.VariantsAsync(
                new WorkloadStatement(statement, QueryText.Hash(QueryText.Normalize(statement)), statement, 1, null), generic,
                tables, Token);
            var found = new List<(double Rows, double Share)>();
            foreach (var variant in variants.Where(v => v.Text.Arguments is not null))
            {
                var plan = tables.Unite(await ExplainAsync(database, variant.Text));
                found.Add((plan.All().First(n => n.IsScan && n.RelationName is "tickets" or "events").Rows, variant.Share));
            }

            var wanted = expected.Split(", ", StringSplitOptions.RemoveEmptyEntries)
                .Select(w => w.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray()).ToList();
            if (Math.Abs(variants.Sum(v => v.Share) - 1) > 1e-9 || wanted.Count != found.Count
                || wanted.Zip(found)
                    .Any(p =>
                        Math.Abs(p.First[0] - p.Second.Rows) > 1 + (0.15 * p.First[0])
                        || (p.First is [_, var share] && Math.Abs(share - p.Second.Share) > 0.01)))
            {
                failures.Add($"{statement}: {expected} expected, {string.Join(", ", found)} found");
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static async Task<PlanNode> ExplainAsync(TestDatabase database, PlanText text)
    {
        await using var connection = new NpgsqlConnection(database.UnpooledConnectionString);
        await connection.OpenAsync(Token);
        var arguments = string.Join(
            ", ", text.Arguments!.Select(a => a is null ? "null" : "'" + a.Replace("'", "''", StringComparison.Ordinal) + "'"));
        foreach (var sql in new[] {
            "set plan_cache_mode = force_custom_plan; set max_parallel_workers_per_gather = 0; prepare p as "
            + PlannableText.TryMake(text.Text, out _), "explain (format json, verbose) execute p (" + arguments + ")" })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            if (await command.ExecuteScalarAsync(Token) is string plan)
            {
                return PlanNode.Parse(plan);
            }
        }

        throw new InvalidOperationException("There is no plan.");
    }
}
