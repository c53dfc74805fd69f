using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Statements;

public class QueryTextTests
{
    [Theory]
    // constants
    [InlineData("SELECT * FROM Orders WHERE Id = 42", "select * from orders where id = $1")]
    [InlineData("select 1, 1.5, .5, 1e10, 1.5E-3, 0x1F, 1_000", "select $1, $2, $3, $4, $5, $6, $7")]
    [InlineData(
        "select 'a', E'it\\'s', B'01', X'1F', N'x', U&'\\0041', $$a'b$$, $t$ $$ $t$", "select $1, $2, $3, $4, $5, $6, $7, $8")]
    [InlineData("select 'it''s' from t", "select $1 from t")]
    [InlineData("select 'a'\n   'b'", "select $1")]
    [InlineData("select U&'d!0061t' uescape '!'", "select $1")]
    [InlineData("select * from t where a = $2 and b = $1 and c = 5", "select * from t where a = $1 and b = $2 and c = $3")]
    [InlineData("select true, false, null", "select $1, $2, $3")]
    [InlineData(
        "select * from t where a is null and b is not null and c is true and d is not false",
        "select * from t where a is null and b is not null and c is true and d is not false")]
    [InlineData("select * from t limit all", "select * from t limit $1")]
    [InlineData("select date '2020-01-01' + interval '1 day'", "select date $1 + interval $2")]
    [InlineData("select extract(epoch from ts) from t", "select extract($1 from ts) from t")]
    [InlineData("select extract($1 from ts) from t", "select extract($1 from ts) from t")]
    // signs
    [InlineData("select -5, a - 5, a -5, (-5), a*-5, -5::int", "select $1, a - $2, a - $3, ($4), a * $5, - $6::int")]
    [InlineData("select * from t where a=-1 and b>=-1.5", "select * from t where a = $1 and b >= $2")]
    [InlineData("select * from t where a between -1 and -2", "select * from t where a between $1 and $2")]
    [InlineData("select a[1]-5, f(x)-5", "select a[$1] - $2, f(x) - $3")]
    // lists
    [InlineData("select * from t where a in (1, 2, 3)", "select * from t where a in ($1)")]
    [InlineData("select * from t where a IN ($1 /*, ... */)", "select * from t where a in ($1)")]
    [InlineData("select * from t where a in ('x'::text, 'y'::text) and b = 3", "select * from t where a in ($1) and b = $2")]
    [InlineData("select * from t where a in (date '2020-01-01', date '2021-01-01')", "select * from t where a in ($1)")]
    [InlineData("select * from t where a in (-1, -2, null)", "select * from t where a in ($1)")]
    [InlineData("select * from t where a in (1, b, 3)", "select * from t where a in ($1, b, $2)")]
    [InlineData("select * from t where a in (select 1)", "select * from t where a in (select $1)")]
    [InlineData("select * from t where a in (1 + 2, 3)", "select * from t where a in ($1 + $2, $3)")]
    [InlineData("select * from t where a = any (array[1, 2, 3]::int[])", "select * from t where a = any (array[$1]::int[])")]
    [InlineData("select array[]::int[]", "select array[]::int[]")]
    [InlineData("select f(1, 2)", "select f($1, $2)")]
    // comments and space
    [InlineData("-- one\nselect /* two /* nested */ still */ 1 -- three", "select $1")]
    [InlineData("  select\t\r\n  1\t\f\v ", "select $1")]
    [InlineData("select a--comment\nfrom t", "select a from t")]
    [InlineData("select a+/* c */b", "select a + b")]
    [InlineData("select 1;;  ; ", "select $1")]
    [InlineData("; select 1; select 2;", "select $1; select $2")]
    [InlineData("", "")]
    [InlineData("/* only */ ;", "")]
    // names
    [InlineData("SELECT \"A\"\"b;\", Ünïcode.T$1 FROM \"S\".\"T\"", "select \"A\"\"b;\", Ünïcode.t$1 from \"S\".\"T\"")]
    [InlineData("select U&\"d\\0061\" from t", "select U&\"d\\0061\" from t")]
    [InlineData("select count ( * ) , t . a , a :: INT from t", "select count(*), t.a, a::int from t")]
    [InlineData("select a!=b, a<>c", "select a <> b, a <> c")]
    [InlineData("select data->>'k', data @> '{}', data ? 'x', a ?| b", "select data ->> $1, data @> $2, data ? $3, a ?| b")]
    // numbers that are not constants
    [InlineData(
        "select a, b from t group by 1, 2 order by 2 desc, 1 limit 10",
        "select a, b from t group by 1, 2 order by 2 desc, 1 limit $1")]
    [InlineData(
        "select * from (select a from t order by 1) x order by a + 1",
        "select * from (select a from t order by 1) x order by a + $1")]
    [InlineData(
        "select a::numeric(10, 2), cast(b as varchar(5)) from t where c = 5",
        "select a::numeric(10, 2), cast(b as varchar(5)) from t where c = $1")]
    [InlineData("select f(x := 1, y => 2)", "select f(x := $1, y => $2)")]
    // broken text
    [InlineData("select 'open", "select $1")]
    [InlineData("select $tag$ open", "select $1")]
    [InlineData("select \"open", "select \"open")]
    [InlineData("select 1 /* open", "select $1")]
    [InlineData("select ) ] 1", "select)] $1")]
    public void Normalize_gives_one_form(string sql, string expected) => Assert.Equal(expected, QueryText.Normalize(sql));

    [Theory]
    [InlineData("select * from t where a = 1 and b in ($1, $2) -- x")]
    [InlineData("insert into t(a, b) values (-1, null), ('x', current_timestamp(3))")]
    [InlineData("select extract(year from a), a::numeric(3,1) from t group by 1, 2 order by 1 limit 5 offset -0")]
    public void Normalize_is_idempotent(string sql) =>
        Assert.Equal(QueryText.Normalize(sql), QueryText.Normalize(QueryText.Normalize(sql)));

    [Fact]
    public void Normalize_keeps_no_constant()
    {
        var secret = "hunter2";
        foreach (var literal in new[] {
            $"'{secret}'", $"E'{secret}'", $"$x${secret}$x$", $"'a''{secret}'", $"'\\'||'{secret}'", $"E'\\'{secret}'" })
        {
            Assert.DoesNotContain(
                secret, QueryText.Normalize($"alter role x password {literal} -- {secret}"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("select * from t where a in ({0})")]
    [InlineData("{0}")]
    [InlineData("'{0}'")]
    [InlineData("/*{0}")]
    [InlineData("${0}")]
    [InlineData("((((({0}")]
    public void Normalize_takes_time_in_proportion(string frame)
    {
        foreach (var piece in new[] { "1,", "/*", "--\n", "$a$", "'", "((", "-", "+-", "in (1," })
        {
            var text = string.Format(CultureInfo.InvariantCulture, frame, string.Concat(Enumerable.Repeat(piece, 200_000)));
            var clock = Stopwatch.StartNew();
            Assert.NotNull(QueryText.Normalize(text));
            // A quadratic algorithm would take minutes.
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"{frame} with {piece}: {clock.Elapsed}");
        }
    }

    [Fact]
    public void Hash_is_sha256_in_lower_case_hexadecimal() => Assert.Equal(
        Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes("select ü"))).ToLowerInvariant(), QueryText.Hash("select ü"));

    [Theory]
    [InlineData(1999, 1999)]
    [InlineData(2000, 2000)]
    [InlineData(2001, 2000)]
    public void Shorten_cuts_at_two_thousand(int length, int expected) =>
        Assert.Equal(expected, QueryText.Shorten(new string('x', length)).Length);

    [Fact]
    public void Shorten_never_splits_a_character() =>
        Assert.Equal(1999, QueryText.Shorten(new string('x', 1999) + "\U0001F600").Length);

    [Theory]
    [InlineData("select 1; select 2", "select 1|select 2")]
    [InlineData("select ';'; select \";\" -- ; \n; select $$;$$ /* ; */;", "select ';'|select \";\"|select $$;$$")]
    [InlineData(";; ;", "")]
    [InlineData("", "")]
    [InlineData("begin; select 1; end;", "begin|select 1|end")]
    [InlineData(
        "create function f() returns int language sql begin atomic select case when true then 1 end; select 2; end; select 3",
        "create function f() returns int language sql begin atomic select case when true then 1 end; select 2; end|select 3")]
    [InlineData(
        "create rule r as on insert to t do also (select 1; select 2); select 3",
        "create rule r as on insert to t do also (select 1; select 2)|select 3")]
    public void Split_gives_the_statements(string script, string expected) =>
        Assert.Equal(expected, string.Join('|', QueryText.Split(script)));
}
