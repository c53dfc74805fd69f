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
    [InlineData("((select 1)) union (select 2);", "((select 1)) union (select 2)", 0)]
    public void A_statement_is_made_ready(string sql, string expected, int parameters)
    {
        Assert.Equal(expected, PlannableText.TryMake(sql, out var found));
        Assert.Equal(parameters, found);
    }

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
