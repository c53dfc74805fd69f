namespace PerfMonitoring.Statements;

public class PlannableTextTests
{
    [Theory]
    [InlineData("select 1", "select 1", 0)]
    [InlineData("select * from t where a > date $1 and b < $12", "select * from t where a > ($1::date) and b < $2", 2)]
    [InlineData("select a + interval $1 from t", "select a + ($1::interval) from t", 1)]
    [InlineData("select interval $1 day to second, 2", "select ($1::interval day to second), 2", 1)]
    [InlineData("select timestamp with time zone $1", "select ($1::timestamp with time zone)", 1)]
    [InlineData("select extract($1 from ts) from t", "select extract(epoch from ts) from t", 0)]
    [InlineData("select x.date, date $1", "select x.date, ($1::date)", 1)]
    [InlineData("prepare p (int) as select $1", " select $1", 1)]
    [InlineData("declare \"c for\" no scroll cursor with hold for select $1", " select $1", 1)]
    [InlineData("copy (select a, (b) from t where c = $1) to stdout", "select a, (b) from t where c = $1", 1)]
    [InlineData("select extract($1 from ts), $3, $2, $3 from t", "select extract(epoch from ts), $1, $2, $1 from t", 2)]
    [InlineData(
        "select 1 from t where a between $1 - $2 and $1 + $2",
        "select 1 from t where a between $1::integer - $2 and $1::integer + $2", 2)]
    [InlineData("select a * ($1 - b), c + $2 from t", "select a * ($1 - b), c + $2 from t", 2)]
    [InlineData("select sum(case when a = $1 then $2 else $3 end), case when b then $4 end from t",
        "select sum(case when a = $1 then $2::integer else $3::integer end), case when b then $4 end from t", 4)]
    [InlineData("select double precision $1, varchar(10) $2", "select ($1::double precision), ($2::varchar(10))", 2)]
    [InlineData(
        "select mood $1, pg_catalog.int4 $2, \"My Type\" $3",
        "select ($1::mood), ($2::pg_catalog.int4), ($3::\"My Type\")", 3)]
    [InlineData("select N$1, bit varying(4) $2", "select ($1::bpchar), ($2::bit varying(4))", 2)]
    [InlineData("select interval(3) $1, interval $2 second(3)", "select ($1::interval(3)), ($2::interval second(3))", 2)]
    [InlineData("select a from t where (b at time zone $1) > $2", "select a from t where (b at time zone $1) > $2", 2)]
    [InlineData(
        "select timestamp(3) without time zone $1 at time zone $2",
        "select ($1::timestamp(3) without time zone) at time zone $2", 2)]
    [InlineData("select a from t where b operator(pg_catalog.=) $1", "select a from t where b operator(pg_catalog.=) $1", 1)]
    [InlineData("select case a when $1then$2else$3end from t", "select case a when $1 then $2 else $3 end from t", 3)]
    [InlineData("select sys$9 from t where d = date$1and a = $2", "select sys$9 from t where d = ($1::date) and a = $2", 2)]
    [InlineData(
        "select $1 uescape '!', normalize(a, $2), a is $3 normalized",
        "select $1, normalize(a, nfc), a is nfc normalized", 1)]
    [InlineData("select a from t left join u on $1 where b = $2", "select a from t left join u on true where b = $1", 1)]
    [InlineData("select a from t join u on $1 = u.b", "select a from t join u on $1 = u.b", 1)]
    [InlineData(
        "select * from xmltable($1 passing x columns a int path $2 default $3) where b <@ path $4",
        "select * from xmltable($1 passing x columns a int path $2 default $3) where b <@ ($4::path)", 4)]
    [InlineData("((select 1)) union (select 2);", "((select 1)) union (select 2)", 0)]
    public void A_statement_is_made_ready(string sql, string expected, int parameters)
    {
        Assert.Equal(expected, PlannableText.TryMake(sql, out var found));
        Assert.Equal(parameters, found);
    }

    [Theory]
    [InlineData(
        "select date_trunc($1, t.ts), count(*) from t group by date_trunc('day', ts)",
        "select date_trunc('day', t.ts), count(*) from t group by date_trunc('day', ts)")]
    [InlineData(
        "select extract($1 from a), extract($2 from a) from t group by extract(year from a), extract(month from a)",
        "select extract(year from a), extract(month from a) from t group by extract(year from a), extract(month from a)")]
    [InlineData(
        "select coalesce(a, $1) + $2 from t group by coalesce(a, -1)",
        "select coalesce(a, -1) + $2 from t group by coalesce(a, -1)")]
    [InlineData(
        "select a in ($1 /*, ... */) from t group by a in (1, 2)",
        "select a in (1, 2 /*, ... */) from t group by a in (1, 2)")]
    [InlineData(
        "select distinct on (a + 1) b from t order by a + $1, b desc",
        "select distinct on (a + 1) b from t order by a + 1, b desc")]
    [InlineData("select a % 10 from t group by a % $1", "select a % 10 from t group by a % 10")]
    [InlineData(
        "select 1 from t group by f($1, a) having f($2, a) > $3",
        "select 1 from t group by f($1, a) having f($1, a) > $3")]
    [InlineData("select f(b, $1), a from t group by f(a, 1), a", null)]
    [InlineData("select a from t where b = $1 order by a", null)]
    public void Constants_that_one_of_equal_expressions_kept_are_restored(string sql, string? expected) =>
        Assert.Equal(expected, LostConstants.TryRestore(sql));

    [Theory]
    [InlineData("")]
    [InlineData("vacuum t")]
    [InlineData("explain analyze select 1")]
    [InlineData("analyze")]
    [InlineData("create table t as select 1")]
    [InlineData("select 1; drop table t")]
    [InlineData("/* select */ drop table t")]
    [InlineData("execute p")]
    [InlineData("copy t to stdout")]
    [InlineData("copy t (a) from stdin")]
    [InlineData("declare c")]
    public void What_is_no_single_query_is_refused(string sql) => Assert.Null(PlannableText.TryMake(sql, out _));
}
