using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>Tests each type in each place of each considered index: after the build the widest value is written.</summary>
public sealed class EntryLimitTests(EntryLimitTests.Wide wide) : IClassFixture<EntryLimitTests.Wide>
{
    // Column, its type, a short value of row i, the widest value, and whether a B-tree takes it beside another key: its
    // length has a limit, and its values have an order.
    private static readonly (string Name, string Type, string Short, string Widest, bool IsCovered)[] Types =
    [
        ("c_int", "int", "i % 70", "2147483647", true),
        ("c_bigint", "bigint", "i % 70", "9223372036854775807", true),
        ("c_bool", "boolean", "i % 2 = 0", "true", true),
        ("c_uuid", "uuid", "md5((i % 70)::text)::uuid", "md5('x')::uuid", true),
        ("c_time", "timestamptz", "timestamptz '2020-01-01' + i % 70 * interval '1 h'", "now()", true),
        ("c_interval", "interval", "i % 70 * interval '1 h'", "interval '9 y 3 mons 2 days 00:00:01'", true),
        ("c_name", "name", "'n' || i % 70", "noise(63)", true),
        ("c_char1", "\"char\"", "chr(65 + i % 20)", "'z'", true),
        ("c_inet", "inet", "'10.0.0.0'::inet + i % 70", "'2001:db8::ff00:42:8329/64'", true),
        ("c_cidr", "cidr", "'10.0.0.0/24'", "'2001:db8::/64'", true),
        ("c_mac", "macaddr", "'08:00:2b:01:02:03'", "'08:00:2b:01:02:03'", true),
        ("c_enum", "mood", "case i % 2 when 0 then 'sad' else 'ok' end::mood", "'ok'", true),
        ("c_money", "numeric(10, 2)", "i % 70", "99999999.99", true),
        ("c_number", "numeric(1000, 500)", "i % 70", "(digits(500) || '.' || digits(500))::numeric", true),
        ("c_varchar40", "varchar(40)", "'v' || i % 70", "emoji(40)", true),
        ("c_varchar600", "varchar(600)", "'v' || i % 70", "emoji(600)", true),
        ("c_char3", "char(3)", "'c' || i % 70", "emoji(3)", true),
        ("c_bit", "bit(64)", "(i % 70)::bit(64)", "repeat('1', 64)::bit(64)", true),
        ("c_varbit", "bit varying(200)", "(i % 70)::bit(64)", "repeat('1', 200)::varbit", true),
        ("c_range", "int4range", "int4range(i % 70, i % 70 + 5)", "'[1,9)'", false),
        ("c_days", "tstzrange", "tstzrange('2020-01-01', '2020-01-02')", "tstzrange(now(), now() + interval '1 h')", false),
        ("c_domain10", "short_name", "'d' || i % 70", "emoji(10)", true),
        ("c_point", "point", "point(i % 70, 1)", "point(1.5, 2.5)", false),
        ("c_text", "text", "'t' || i % 70", "noise(100000)", false),
        ("c_varchar", "varchar", "'t' || i % 70", "noise(100000)", false),
        ("c_varchar1000", "varchar(1000)", "'t' || i % 70", "emoji(1000)", false),
        ("c_char2000", "char(700)", "'t' || i % 70", "emoji(700)", false),
        ("c_bytea", "bytea", "('t' || i % 70)::bytea", "noise(100000)::bytea", false),
        ("c_json", "json", "'{}'", "to_json(noise(100000))", false),
        ("c_jsonb", "jsonb", "jsonb_build_object('a', i % 70)", "jsonb_build_object('a', noise(100000))", false),
        ("c_xml", "xml", "'<a/>'", "('<a>' || noise(100000) || '</a>')::xml", false),
        ("c_texts", "text[]", "array['t' || i % 70]", "array[noise(100000)]", false),
        ("c_ints", "int[]", "array[i % 70]", "array(select (random() * 1e9)::int from generate_series(1, 5000))", false),
        ("c_varchars", "varchar(40)[]", "array['t' || i % 70]", "array(select emoji(40) from generate_series(1, 500))", false),
        ("c_numeric", "numeric", "i % 70", "digits(20000)::numeric", false),
        ("c_bits", "bit varying", "(i % 70)::bit(64)",
            "(select string_agg((random() * 1e9)::int::bit(32)::text, '') from generate_series(1, 3000))::varbit", false),
        ("c_words", "tsvector", "to_tsvector('simple', 'w' || i % 70)",
            "(select string_agg(noise(2000), ' ') from generate_series(1, 20))::tsvector", false),
        ("c_hstore", "hstore", "hstore('a', 'b' || i % 70)", "hstore('a', noise(100000))", false),
        ("c_ltree", "ltree", "('a.b' || i % 70)::ltree",
            "(select string_agg(noise(200), '.') from generate_series(1, 500))::ltree", false),
        ("c_citext", "citext", "'t' || i % 70", "noise(100000)", false),
        ("c_numrange", "numrange", "numrange(i % 70, i % 70 + 5)", "numrange(0, digits(20000)::numeric)", false),
        ("c_textrange", "textrange", "textrange('a' || i % 70, 'b')", "textrange('a', 'b' || noise(50000))", false),
        ("c_row", "pair", "row(i % 70, 'x')::pair", "row(1, noise(100000))::pair", false),
        ("c_domain", "long_name", "'t' || i % 70", "noise(100000)", false),
        ("c_polygon", "polygon", "'((0,0),(1,1))'", "polygon(1000, circle '((0,0),9)')", false),
    ];

    public static TheoryData<string> Columns => [.. Types.Select(t => t.Name)];

    // The column is read beside another key.
    [Theory]
    [MemberData(nameof(Columns))]
    public async Task What_is_read_along_never_refuses_a_write(string name)
    {
        var column = Types.Single(t => t.Name == name);
        var found = await wide.CandidatesAsync($"select k, {name} from w where k = 5");

        var covering = found.Where(i => i.Include.Contains(name) || i.Keys.Any(k => k.Column == name)).ToList();
        Assert.Equal(column.IsCovered, covering.Count > 0);
        Assert.All(covering, i => Assert.True(wide.LimitOf(i).AlwaysFits, i.ToAnonymousStatement()));
        await wide.WriteAsync(found, name, column.Widest, mayRefuse: false);
    }

    // The statement's condition is on the column itself.
    [Theory]
    [MemberData(nameof(Columns))]
    public async Task A_key_that_can_refuse_a_write_says_so(string name)
    {
        var (_, type, value, widest, _) = Types.Single(t => t.Name == name);
        var constant = $"(select {value} from generate_series(7, 7) i)::{type}";
        string[] statements =
        [
            $"select k from w where {name} = {constant}", $"select k from w where {name} > {constant}",
            $"select * from w order by {name} limit 5",
            $"select {name}, count(*) from w group by {name}", $"select k from w where k = 5 and {name} = {constant}",
            $"select a.k from w a join w b on b.{name} = a.{name} where a.k = 5",
            $"select k from w where {name} in ({constant}, {constant})",
            $"select k from w where {name} && {constant}", $"select k from w where {name} @> {constant}",
            $"select k from w where {name} is null",
            $"select distinct {name} from w", $"select max({name}) from w", $"select k from w where {name} like '%abc%'",
            $"select k from w where {name} like 'abc%'",
            $"select k from w where lower({name}) = 'x'", $"select k from w where {name}::text = 'x'",
            $"select k from w order by {name} <-> {constant} limit 3",
        ];
        var found = new Dictionary<string, IndexDefinition>();
        foreach (var statement in statements)
        {
            foreach (var index in await wide.TryCandidatesAsync(statement) ?? [])
            {
                found.TryAdd(index.ToAnonymousStatement(), index);
            }
        }

        await wide.WriteAsync(found.Values, name, widest, mayRefuse: true);
    }

    // Arrays, documents and rows get a hash index at most.
    [Theory]
    [InlineData("c_texts", true)]
    [InlineData("c_ints", true)]
    [InlineData("c_jsonb", true)]
    [InlineData("c_hstore", true)]
    [InlineData("c_words", false)]
    [InlineData("c_row", false)]
    public async Task A_collection_is_no_key_of_a_B_tree(string name, bool hasHash)
    {
        var found = await wide.CandidatesAsync($"select c_text from w where {name} = (select {name} from w limit 1)");

        Assert.Equal(hasHash ? ["hash"] : [], found.Where(i => i.Keys[0].Column == name).Select(i => i.Method));
    }

    // The most common case in real applications.
    [Theory]
    [InlineData("c_text")]
    [InlineData("c_varchar")]
    [InlineData("c_citext")]
    [InlineData("c_domain")]
    [InlineData("c_numeric")]
    [InlineData("c_bytea")]
    [InlineData("c_varchar1000")]
    public async Task A_short_text_stays_a_key_and_the_risk_is_named(string name)
    {
        var found = await wide.CandidatesAsync($"select c_text from w where {name} = (select {name} from w limit 1)");

        var tree = found.Single(i => i is { Method: "btree", Keys.Count: 1, Include.Count: 0 } && i.Keys[0].Column == name);
        Assert.Equal(
            $"A value of {name} that needs more than 2,692 bytes is refused at writing: a B-tree entry holds no more.",
            wide.LimitOf(tree).Risk);
        Assert.Matches("^The longest value that statistics know has [0-9]+ bytes.$", wide.LimitOf(tree).Evidence);
        Assert.Null(wide.LimitOf(tree with { Method = "hash" }).Risk);
    }

    // Bytes of random letters, which compression reduces by half at most.
    [Theory]
    [InlineData(700, "btree", false)]
    [InlineData(1_500, "hash", false)]
    [InlineData(200_000, "hash", false)]
    [InlineData(700, "btree", true)]
    public async Task Long_values_have_a_hash_index_where_equality_is_all(int length, string method, bool isOrdered)
    {
        await wide.Database.ExecuteAsync($"""
            create table long (id int not null, url text not null, filler text not null);
            insert into long select i, 'u' || i || noise({length} - 200), repeat('f', 100) from generate_series(1, {(length > 1000 ? 300 : 3000)}) i;
            """);
        await wide.Database.ExecuteAsync("vacuum analyze long");
        try
        {
            var found = await wide.CandidatesAsync(
                $"select id from long where url = 'x' {(isOrdered ? "or url > 'y' order by url limit 5" : "")}", "long");

            Assert.Equal(
                [length == 700 && !isOrdered ? "btree" : method],
                found.Where(i => i.Keys is [{ Column: "url" }]).Select(i => i.Method).Distinct()
                .Where(m => m == method || length > 1000));
        }
        finally
        {
            await wide.Database.ExecuteAsync("drop table long");
        }
    }

    [Theory]
    [InlineData("btree", "c_varchar600", "", true, "")]
    [InlineData("btree", "c_varchar600", "c_varchar40", true, "")]
    [InlineData(
        "btree", "c_varchar600,c_varchar40", "c_number", false,
        "A row whose values of c_varchar600, c_varchar40 and c_number need more than")]
    [InlineData("btree", "k", "c_text", false, "A value of c_text that needs more than 2,6")]
    [InlineData("btree", "c_text,c_bytea", "", false, "A row whose values of c_text and c_bytea need more than 2,6")]
    [InlineData("hash", "c_text", "", true, "")]
    [InlineData("gin", "c_texts", "", false, "An element of c_texts that needs more than 2,7")]
    [InlineData("gin", "c_hstore", "", false, "An element of c_hstore")]
    [InlineData("gin", "c_varchars", "", true, "")]
    [InlineData("gin", "c_ints", "", true, "")]
    [InlineData("gin", "c_jsonb", "", true, "")]
    [InlineData("gin", "c_jsonb jsonb_path_ops", "", true, "")]
    [InlineData("gin", "c_words", "", true, "")]
    [InlineData("gin", "c_text gin_trgm_ops", "", true, "")]
    [InlineData("gist", "c_text gist_trgm_ops", "", false, "A value of c_text that needs more than 2,713 bytes")]
    [InlineData("gist", "c_numrange", "", false, "A value of c_numrange")]
    [InlineData("gist", "c_range", "", true, "")]
    [InlineData("gist", "c_range", "c_text", false, "A value of c_text")]
    [InlineData("gist", "c_ltree", "", false, "A value of c_ltree")]
    [InlineData("gist", "c_words", "", true, "")]
    [InlineData("gist", "c_polygon", "", true, "")]
    [InlineData("gist", "c_inet inet_ops", "", true, "")]
    [InlineData("spgist", "c_text", "", true, "")]
    [InlineData("spgist", "c_text", "c_bytea", false, "A row whose values of c_text and c_bytea")]
    [InlineData("brin", "c_text", "", false, "A value of c_text that needs more than 4,070 bytes")]
    [InlineData("brin", "c_varchar600", "", true, "")]
    [InlineData("brin", "c_text text_bloom_ops", "", true, "")]
    public async Task Each_method_has_a_limit(string method, string keys, string include, bool fits, string risk)
    {
        var index = new IndexDefinition
        {
            Table = new RelationName("public", "w"),
            Name = "",
            Method = method,
            Keys = [.. keys.Split(',').Select(k => k.Split(' '))
                .Select(k => IndexKey.OnColumn(k[0]) with { OperatorClass = k.ElementAtOrDefault(1) })],
            Include = include.Split(',', StringSplitOptions.RemoveEmptyEntries),
        };

        var limit = wide.LimitOf(index);

        Assert.Equal(fits, limit.AlwaysFits);
        Assert.StartsWith(risk, limit.Risk ?? "", StringComparison.Ordinal);
        var written = Types.Where(t => keys.Split(',', ' ').Concat(include.Split(',')).Contains(t.Name)).ToList();
        Assert.Equal(
            fits ? 0 : 1,
            await wide.WriteAsync(
                [index], string.Join(", ", written.Select(t => t.Name)), string.Join(", ", written.Select(t => t.Widest)),
                mayRefuse: !fits));
    }

    // The key, and whether the index accepts every value that the table accepts.
    [Theory]
    [InlineData("lower(c_text)", false)]
    [InlineData("lower(c_varchar40)", true)]
    [InlineData("md5(c_text)", true)]
    [InlineData("sha256(c_bytea)", true)]
    [InlineData("left(c_text, 100)", true)]
    [InlineData("left(c_text, 1000)", false)]
    [InlineData("c_text || 'x'", false)]
    [InlineData("length(c_text)", true)]
    [InlineData("c_jsonb ->> 'a'", false)]
    [InlineData("c_text::varchar(20)", true)]
    [InlineData("(c_time at time zone 'utc')::date", true)]
    [InlineData("COALESCE(c_int, 0)", true)]
    [InlineData("c_int > 5", true)]
    [InlineData("(c_texts)[1]", false)]
    [InlineData("btrim(c_varchar40::text)", true)]
    public async Task An_expression_has_the_bound_of_its_result(string expression, bool fits)
    {
        var index = new IndexDefinition {
            Table = new RelationName("public", "w"), Name = "", Keys = [IndexKey.OnExpression(expression)] };
        var types = await wide.Connection.Catalog.GetExpressionTypesAsync(index, TestContext.Current.CancellationToken);

        Assert.Equal(fits, EntryLimit.Of(index, wide.Table, types).AlwaysFits);
    }

    // The key, and a row of the table that the index then refuses.
    [Theory]
    [InlineData("((c_jsonb ->> 'a'::text))::integer", "c_jsonb", "'{\"a\": \"x\"}'")]
    [InlineData("c_int + c_int", "c_int", "2147483647")]
    [InlineData("100 / c_int", "c_int", "0")]
    [InlineData("(c_text)::uuid", "c_text", "'x'")]
    [InlineData("sqrt(c_money)", "c_money", "-1")]
    [InlineData("jsonb_array_length(c_jsonb)", "c_jsonb", "'{}'")]
    [InlineData(
        "to_tsvector('simple'::regconfig, c_text)", "c_text",
        "(select string_agg(noise(9), ' ') from generate_series(1, 150000))")]
    public async Task An_expression_that_can_fail_says_so(string expression, string column, string value)
    {
        var index = new IndexDefinition
        {
            Table = new RelationName("public", "w"), Name = "", Keys = [IndexKey.OnExpression(expression)],
            Method = expression.StartsWith("to_ts", StringComparison.Ordinal) ? "gin" : "btree",
        };

        Assert.Contains("raises an error is refused at writing", wide.LimitOf(index).Risk, StringComparison.Ordinal);
        Assert.Equal(1, await wide.WriteAsync([index], column, value, mayRefuse: true));
    }

    [Theory]
    [InlineData("lower(c_text)")]
    [InlineData("c_jsonb ->> 'a'::text")]
    [InlineData("(c_varchar40)::text")]
    [InlineData("(c_int)::bigint")]
    [InlineData("COALESCE(c_int, 0)")]
    [InlineData("date_trunc('day'::text, (c_time AT TIME ZONE 'UTC'::text))")]
    public void An_expression_that_takes_every_value_is_not_warned_of(string expression) =>
        Assert.False(
            wide.LimitOf(
                new IndexDefinition {
                Table = new RelationName("public", "w"), Name = "", Keys = [IndexKey.OnExpression(expression)] }).MayFail);

    [Fact]
    public void A_partial_index_for_one_value_holds_no_other()
    {
        var index = new IndexDefinition {
            Table = new RelationName("public", "w"), Name = "", Keys = [IndexKey.OnColumn("c_text")] };

        Assert.True(wide.LimitOf(index with { Where = "c_text = 'open'::text" }).AlwaysFits);
        Assert.True(wide.LimitOf(index with { Where = "(c_int = 3) AND (c_text = ANY ('{open,done}'::text[]))" }).AlwaysFits);
        Assert.False(wide.LimitOf(index with { Where = "c_text <> 'open'::text" }).AlwaysFits);
        Assert.False(wide.LimitOf(index with { Where = "c_text = 'open'::text OR c_int = 5" }).AlwaysFits);
    }

    public sealed class Wide(SandboxFixture sandbox) : IAsyncLifetime
    {
        private NpgsqlConnection connection = null!;

        public TestDatabase Database { get; } = new(sandbox);

        public IMonitoringConnection Connection { get; private set; } = null!;

        public TableInfo Table { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await Database.InitializeAsync();
            await Database.ExecuteAsync("""
                create extension pg_trgm;
                create extension hstore;
                create extension ltree;
                create extension citext;
                create type mood as enum ('sad', 'ok');
                create type pair as (a int, b text);
                create type textrange as range (subtype = text);
                create domain shorter as varchar(10);
                create domain short_name as shorter;
                create domain longer as text;
                create domain long_name as longer;
                create function noise(n int) returns text language sql as
                    $$ select substr(string_agg(md5(random()::text || i), ''), 1, n) from generate_series(1, n / 32 + 1) i $$;
                create function emoji(n int) returns text language sql as $$ select string_agg(chr(70000 + (random() * 50000)::int), '') from generate_series(1, n) i $$;
                create function digits(n int) returns text language sql as
                    $$ select '7' || substr(string_agg(ltrim((random() * 1e9)::int::text, '-'), ''), 1, n - 1) from generate_series(1, n / 4 + 1) i $$;
                """);
            await Database.ExecuteAsync(
                $"create table w (k int not null, {string.Join(", ", Types.Select(t => $"{t.Name} {t.Type}"))})");
            await Database.ExecuteAsync(
                $"insert into w select i % 20, {string.Join(", ", Types.Select(t => $"({t.Short})::{t.Type}"))} from "
                    + $"generate_series(1, 4000) i");
            await Database.ExecuteAsync("vacuum analyze w");
            // This table is written to and never read.
            await Database.ExecuteAsync("create table copy (like w); insert into copy (k) values (1)");
            connection = new NpgsqlConnection(Database.UnpooledConnectionString);
            await connection.OpenAsync(CancellationToken.None);
            await using var serial = new NpgsqlCommand("set max_parallel_workers_per_gather = 0", connection);
            await serial.ExecuteNonQueryAsync(CancellationToken.None);
            Connection = await new PostgresBackend()
                .ConnectAsync(
                    new ConnectionSettings { ConnectionString = Database.ConnectionString }, null, null, CancellationToken.None);
            Table = await Connection.Catalog.GetTableAsync(new RelationName("public", "w"), CancellationToken.None);
        }

        internal EntryLimit LimitOf(IndexDefinition index) => EntryLimit.Of(index, Table);

        public async Task<IReadOnlyList<IndexDefinition>> CandidatesAsync(string statement, string table = "w")
        {
            await using var explain = new NpgsqlCommand("explain (format json, verbose) " + statement, connection);
            var info = table == "w"
                ? Table : await Connection.Catalog.GetTableAsync(new RelationName("public", table), CancellationToken.None);
            IReadOnlyDictionary<RelationName, TableInfo> tables =
                new Dictionary<RelationName, TableInfo> { [info.Name] = info };
            var use = PlanReader.Read(
                PlanNode.Parse((string)(await explain.ExecuteScalarAsync(CancellationToken.None))!), statement, tables: tables);
            tables = await new ExpressionTypes(Connection.Catalog).AddToAsync(tables, [use], CancellationToken.None);
            var context = new CandidateContext { TrigramSchema = "public", IsTrigramAvailable = true };
            return [.. use.Relations.Where(r => r.Table.Name == table)
                .SelectMany(r => CandidateGenerator.Generate(r, tables[info.Name], context)).Select(p => p.Definition)];
        }

        // Null if the type has no such operator.
        public async Task<IReadOnlyList<IndexDefinition>?> TryCandidatesAsync(string statement)
        {
            try
            {
                return await CandidatesAsync(statement);
            }
            catch (PostgresException e) when (e.SqlState[..2] is "42" or "22")
            {
                return null;
            }
        }

        // How many of the indexes refuse the value; each of them must have the risk.
        public async Task<int> WriteAsync(IEnumerable<IndexDefinition> indexes, string column, string value, bool mayRefuse)
        {
            var refused = 0;
            foreach (var index in indexes)
            {
                await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
                var built = (index with { Table = new RelationName("public", "copy"), Name = "tried" })
                    .ToCreateStatement(concurrently: false);
                // Without an operator class the planner would have refused the candidate too.
                if (await TryAsync(built) is null
                    && await TryAsync($"insert into copy (k, {column}) select 1, {value} from generate_series(1, 2)") is {
                    } error)
                {
                    var what = $"{index.ToAnonymousStatement()}: {error.MessageText} ({error.SqlState})";
                    Assert.True(mayRefuse && error.SqlState[..2] is "54" or "22", what);
                    Assert.True(LimitOf(index).Risk is not null, what);
                    refused++;
                }
            }

            return refused;
        }

        public async ValueTask DisposeAsync()
        {
            if (Connection is not null)
            {
                await connection.DisposeAsync();
                await Connection.DisposeAsync();
            }

            await Database.DisposeAsync();
        }

        private async Task<PostgresException?> TryAsync(string sql)
        {
            try
            {
                await using var command = new NpgsqlCommand(sql, connection);
                await command.ExecuteNonQueryAsync(CancellationToken.None);
                return null;
            }
            catch (PostgresException e)
            {
                return e;
            }
        }
    }
}
