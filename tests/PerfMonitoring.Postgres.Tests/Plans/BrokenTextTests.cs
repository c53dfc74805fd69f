using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Plans;

public sealed class BrokenTextTests(SandboxFixture sandbox)
{
    private const string Schema = """
        create extension pg_stat_statements;
        create type mood as enum ('sad', 'happy'); create domain posint as int check (value > 0);
        create domain email as text not null; create schema app; create type app.color as enum ('red', 'green');
        create table t (id int primary key, a int, b bigint, n numeric, f float8, s text, v varchar(20), c char(3), d date,
            ts timestamp, tz timestamptz, tm time, jb jsonb, arr int[], barr bigint[], tarr text[], m mood, ok boolean, p posint,
            e email default 'a@b', bt bit(4), r int4range, co app.color);
        create table u (id int primary key, t_id int, s text, n numeric, d date, parent int);
        insert into t (id, a, s, d, ts, tz) select i, i % 7, 's' || i, date '2024-01-01' + i, '2024-01-01', now()
            from generate_series(1, 50) i;
        """;

    // The first version that runs a statement, and statements whose texts in pg_stat_statements are not SQL, lack types, or lack
    // constants that another part of the statement kept.
    private static readonly (int From, string Statement)[] Statements =
    [
        // Types before constants.
        (13, "select id from t where f = double precision '1.5' and v = varchar(10) 'x' and v = character varying 'x'"),
        (13, "select id from t where m = mood 'happy' and p = posint '5' and a = pg_catalog.int4 '5' and s = \"char\" 'x'::text"),
        (13, "select id from t where s = N'x' and c = national character(3) 'x' and bt = bit(4) '1010' and bt::varbit = "
            + "bit varying(4) '10' and n < numeric(10,2) '5.5' and co = app.color 'red'"),
        (13, "select id from t where tz > timestamp with time zone '2024-01-01' and ts > timestamp(3) without time zone "
            + "'2024-01-01' and tm::timetz > time with time zone '09:00+00' and tm > time(2) '09:00'"),
        (13, "select id from t where a = 5 and (tz at time zone 'UTC' at time zone 'UTC') > '2024-02-01'"),
        (13, "select id from t where ts > now() - interval '1' day and ts > now() - interval '1.5' second(3) and ts > now() - "
            + "interval(3) '1 day' and ts > now() - interval '1 2' day to hour"),
        (13, "select case a when 5 then'x'when 6 then'z'else'y'end from t where d = date'2024-02-01'and s like'x%'limit 5"),
        (13, "select id from t where s = U&'d!0061t' uescape '!' and s operator(pg_catalog.<>) 'y'"),
        (13, "select id from t where normalize(s, NFC) = 'x' and s is not nfkd normalized and extract(month from d) = 3"),
        // Numbers beside dates, and lists.
        (13, "select id from t where d > current_date - 7 and d + 30 > current_date and current_date - d > 30"),
        (13, "select id from t where d > date '2024-01-01' + 10 and d = to_date('2024', 'YYYY') + 5"),
        (13, "update u set n = n + 1, d = d + 1, s = s || 'x' where current_date - d > 3000"),
        (13, "select id from t where a = any (array[1, 2]) and b <> all (array[1, 2]) and arr @> array[5] "
            + "and arr && array[5, 6]"),
        (13, "select id from t where tarr @> array['x'] and array_position(arr, 5) = 1 "
            + "and a = any (array_cat(arr, array[1, 2]))"),
        (13, "select id from t where (a, b) in (values (1, 2), (3, 4)) and a in (select 1 union select 2)"),
        (13, "select t.id from t join (values (1, 1.5, true), (2, 2.5, false)) v(id, w, k) on v.id = t.id "
            + "where t.n > v.w and v.k"),
        (13, "select t.id from t join unnest(array[1, 2], array['a', 'b']) x(a, s) on x.a = t.a and x.s = t.s"),
        (13, "select id from t where a > greatest(1, 2) - 3 and a = coalesce(null, 5) "
            + "and a = case when s = 'x' then 1 else 2 end"),
        (13, "select t.id from generate_series(0, 9) g join t on t.d = current_date - g"),
        (13, "select g, count(t.id) from generate_series(current_date - 30, current_date, interval '1 day') g left join t on t.d "
            + "= g::date group by g"),
        (13, "with recursive x(n) as (select 1 union all select n + 1 from x where n < 10) select * from x join t on t.a = x.n"),
        (13, "select sum(1), count('x'), array_agg(1), json_agg(1), sum(case when ok then 1 else 0 end), to_jsonb(5) from t"),
        (13, "select t.id, l.* from t left join lateral (select * from u where u.t_id = t.id order by d desc limit 1) l on true"),
        (13, "insert into u (id, s, n) select 901, 'x', 5 union all select 902, 'y', 6"),
        (13, "insert into u (id, n) select * from unnest(array[903, 904], array[1.5, 2.5])"),
        (13, "insert into t (id, e, p, arr, m) values (905, 'a@b', 5, array[1, 2], 'sad')"),
        (13, "update u set s = v.s, n = v.n from (values (1, 'a', 1.5), (2, 'b', 2)) v(id, s, n) where v.id = u.id"),
        (13, "update u set n = case id when 1 then 10 when 2 then 20 end where id in (1, 2)"),
        (13, "delete from u where (id, s) in (select 1, 'x' union all select 2, 'y')"),
        (15, "merge into u using (values (1, 'a'), (2, 'b')) v(id, s) on u.id = v.id when matched then update set s = v.s "
            + "when not matched then insert (id, s) values (v.id, v.s)"),
        // Constants that one of several equal expressions kept.
        (13, "select date_trunc('day', ts), count(*) from t group by date_trunc('day', ts) order by date_trunc('day', ts)"),
        (13, "select Date_Trunc('day', t.ts), extract(hour from date_trunc('day', ts)) from t group by date_trunc('day',ts)"),
        (13, "select extract(year from ts), extract(month from ts), count(*) from t group by extract(year from ts), "
            + "extract(month from ts) having extract(year from ts) > 2000"),
        (13, "select coalesce(a, -1), a * -1, case when a > 5 then 'x' else 'y' end from t group by coalesce(a, -1), a * -1, "
            + "case when a > 5 then 'x' else 'y' end order by coalesce(a, -1) desc nulls last"),
        (13, "select (jb ->> 'k')::int, jb #>> '{a,0}', count(*) from t group by (jb ->> 'k')::int, jb #>> '{a,0}'"),
        (13, "select a in (1, 2, 3), a between 5 and 10, a is distinct from 5 from t group by a in (1, 2, 3), a between 5 and "
            + "10, a is distinct from 5"),
        (13, "select count(*) from t group by date_trunc('day', ts) having date_trunc('day', ts) > '2024-01-01'"),
        (13, "select a % 10 + 1, sum(n) from t group by a % 10"),
        (13, "select date_trunc('day', ts), coalesce(s, 'x') from t group by rollup (date_trunc('day', ts), coalesce(s, 'x'))"),
        (13, "select distinct on (date_trunc('day', ts), a + 1) id from t order by date_trunc('day', ts), a + 1, id desc"),
        (13, "select distinct coalesce(s, 'x'), a + 5 from t order by a + 5, coalesce(s, 'x')"),
        (13, "select array_agg(distinct s || 'x' order by s || 'x') from t"),
        (17, "select t.id from t, json_table(t.jb, '$[*]' columns (n int path '$.n', k int path '$.k' default 5 on empty)) j "
            + "where j.n = 1 and json_value(t.jb, '$.k' returning int default 5 on empty) = 1"),
        (16, "select json_object('a' value 1, 'b': 's'), json_array(1, 's') from t"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The texts differ between versions: since 18 a list is one parameter, and another one of several equal expressions is kept.
    [Theory]
    [InlineData(15)]
    [InlineData(18)]
    public async Task A_statement_is_planned_from_its_text_in_pg_stat_statements(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await database.ExecuteAsync(Schema);
        var statements = Statements.Where(s => s.From <= majorVersion).Select(s => s.Statement).ToList();
        foreach (var statement in statements)
        {
            await database.ExecuteAsync($"{statement} /* broken */");
        }

        await using var source = Npgsql.NpgsqlDataSource.Create(database.UnpooledConnectionString);
        await using var read = source.CreateCommand(
            "select query from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) "
                + "and query like '%/* broken */%' and query not like '%dbid%'");
        await using var reader = await read.ExecuteReaderAsync(Token);
        await using var connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        var failures = new List<string>();
        var count = 0;
        for (; await reader.ReadAsync(Token); count++)
        {
            var text = reader.GetString(0);
            Assert.Contains("$1", text, StringComparison.Ordinal);
            try
            {
                await connection.Plans.ExplainAsync(new PlanText(text), Token);
            }
            catch (PerfMonitoringException e)
            {
                failures.Add($"{text}: {e.Message}");
            }
        }

        Assert.Equal(statements.Count, count);
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }
}
