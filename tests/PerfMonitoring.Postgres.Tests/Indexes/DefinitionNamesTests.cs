using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>Names that only the user's search path finds, in definitions that are used without that path.</summary>
public sealed class DefinitionNamesTests(DefinitionNamesTests.Shop shop) : IClassFixture<DefinitionNamesTests.Shop>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // An expression, and its stored form. Expressions with functions, operators and types of the system alone do not change.
    [Theory]
    [InlineData("lower(name)", "lower(name)")]
    [InlineData("active(id)", "app.active(id)")]
    [InlineData("ACTIVE(id)", "app.active(id)")]
    [InlineData("\"Odd Name\"(id)", "app.\"Odd Name\"(id)")]
    [InlineData("app.active(id)", "app.active(id)")]
    [InlineData("lower(active(id)::text || '; active(x)')", "lower((((app.active(id))::text) || '; active(x)'::text))")]
    [InlineData("attributes -> 'colour'", "attributes OPERATOR(ext.->) 'colour'::text")]
    [InlineData("kind = 'cheap'", "kind = 'cheap'::app.tier")]
    [InlineData("coalesce(kind, 'cheap'::tier)", "COALESCE(kind, 'cheap'::app.tier)")]
    [InlineData("cast('cheap' as tier) = kind", "'cheap'::app.tier = kind")]
    [InlineData("tag = 'x'", "tag OPERATOR(ext.=) 'x'::ext.citext")]
    [InlineData("name collate swedish", "name COLLATE app.swedish")]
    [InlineData("id + 1", "id + 1")]
    [InlineData("strange(id)", "strange(id)")]
    public async Task An_expression_means_what_it_means_to_the_user(string expression, string expected)
    {
        var resolved = await shop.ResolveAsync(new IndexKey { Expression = expression });

        Assert.Equal(Simple(expected), Simple(Assert.Single(resolved.Definition.Keys).Expression!));
        Assert.Equal(expression == "strange(id)" ? "function evil.strange of role stranger" : null, resolved.Distrusted);
        if (resolved.Distrusted is null && !expression.StartsWith("id", StringComparison.Ordinal))
        {
            await shop.Connection.DefinitionCheck.CheckAsync(resolved.Definition, Token);
            await shop.BuildAsync(resolved.Definition);
        }
    }

    [Theory]
    [InlineData("name", "btree", "text_pattern_ops", "text_pattern_ops")]
    [InlineData("name", "gin", "gin_trgm_ops", "ext.gin_trgm_ops")]
    [InlineData("name", "gist", "gist_trgm_ops (siglen=32)", "ext.gist_trgm_ops (siglen=32)")]
    [InlineData("name", "gin", "ext.gin_trgm_ops", "ext.gin_trgm_ops")]
    public async Task An_operator_class_gets_its_schema(string column, string method, string operatorClass, string expected)
    {
        var resolved = await shop.ResolveAsync(IndexKey.OnColumn(column) with { OperatorClass = operatorClass }, method: method);

        Assert.Equal(expected, resolved.Definition.Keys[0].OperatorClass);
        await shop.BuildAsync(resolved.Definition);
    }

    [Theory]
    [InlineData("active(id) > 5 and name = 'x'", "app.active(id) > 5 AND name::text = 'x'::text")]
    [InlineData("name = 'x'", "name::text = 'x'::text")]
    [InlineData("tag in ('a', 'b')", "tag OPERATOR(ext.=) ANY (ARRAY['a'::ext.citext, 'b'::ext.citext])")]
    public async Task A_condition_does_too(string where, string expected)
    {
        var resolved = await shop.ResolveAsync(IndexKey.OnColumn("id"), where);

        Assert.Equal(Simple(expected), Simple(resolved.Definition.Where!));
        await shop.BuildAsync(resolved.Definition);
    }

    // An object that a stranger put before the system's is not called, not even during the analysis of a text.
    [Theory]
    [InlineData("lower(name)")]
    [InlineData("number = 3")]
    [InlineData("name || 'x'")]
    [InlineData("length(name)")]
    public async Task Names_of_strangers_are_passed_over(string expression)
    {
        var resolved = await shop.ResolveAsync(new IndexKey { Expression = expression });
        await shop.BuildAsync(resolved.Definition);

        Assert.DoesNotContain("evil", resolved.Definition.ToAnonymousStatement(), StringComparison.Ordinal);
        Assert.Equal(0, await shop.Database.ScalarAsync<long>("select count(*) from evil.calls"));
    }

    [Fact]
    public async Task What_belongs_to_a_stranger_is_named_where_it_is_called_by_its_schema()
    {
        var resolved = await shop.ResolveAsync(new IndexKey { Expression = "evil.strange(id)" });

        Assert.Equal("function evil.strange of role stranger", resolved.Distrusted);
    }

    private static string Simple(string sql) =>
        sql.Replace("(", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal);

    public sealed class Shop(SandboxFixture sandbox) : IAsyncLifetime
    {
        public TestDatabase Database { get; } = new(sandbox);

        public IMonitoringConnection Connection { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await Database.InitializeAsync();
            await Database.ExecuteAsync("""
                do $$ begin create role stranger; exception when duplicate_object then null; end $$;
                create schema app;
                create schema ext;
                create schema evil authorization stranger;
                create extension pg_trgm schema ext;
                create extension hstore schema ext;
                create extension citext schema ext;
                create extension if not exists hypopg schema ext;
                create type app.tier as enum ('cheap', 'dear');
                create function app.active(n int) returns int immutable language sql as 'select n';
                create function app."Odd Name"(n int) returns int immutable language sql as 'select n';
                create collation app.swedish (provider = icu, locale = 'sv');
                create table evil.calls (at timestamptz);
                grant all on evil.calls to public;
                set role stranger;
                create function evil.lower(x varchar) returns text immutable language plpgsql as 'begin insert into evil.calls values (now()); return x; end';
                create function evil.length(x varchar) returns int immutable language plpgsql as 'begin insert into evil.calls values (now()); return 1; end';
                create function evil.same(x smallint, y int) returns bool immutable language plpgsql as 'begin insert into evil.calls values (now()); return true; end';
                create operator evil.= (leftarg = smallint, rightarg = int, function = evil.same);
                create function evil.joined(x varchar, y text) returns text immutable language plpgsql as 'begin insert into evil.calls values (now()); return x; end';
                create operator evil.|| (leftarg = varchar, rightarg = text, function = evil.joined);
                create function evil.strange(n int) returns int immutable language plpgsql as 'begin insert into evil.calls values (now()); return n; end';
                reset role;
                create table app.things (id int, number smallint, name varchar, kind app.tier, tag ext.citext, attributes ext.hstore);
                insert into app.things select i, i, 'n' || i, 'cheap', 't' || i, ext.hstore('colour', 'red') from generate_series(1, 100) i;
                """);
            await Database.ExecuteAsync($"""alter database "{Database.Name}" set search_path = evil, app, ext""");
            Connection = await new PostgresBackend()
                .ConnectAsync(
                    new ConnectionSettings { ConnectionString = Database.ConnectionString }, null, null, CancellationToken.None);
        }

        public Task<ResolvedDefinition> ResolveAsync(IndexKey key, string? where = null, string method = "btree") =>
            Connection.Catalog.ResolveAsync(
                new IndexDefinition {
                    Table = new RelationName("app", "things"), Name = "resolved", Method = method, Keys = [key], Where = where },
                    Token);

        // Builds the index as the module's connections do.
        public async Task BuildAsync(IndexDefinition definition) => await Database.ExecuteAsync(
            $"set search_path = pg_catalog, pg_temp; {definition.ToCreateStatement(concurrently: false)}; "
                + "drop index app.resolved");

        public async ValueTask DisposeAsync()
        {
            if (Connection is not null)
            {
                await Connection.DisposeAsync();
            }

            if (Database.Name.Length > 0)
            {
                await Database.ExecuteAsync("drop owned by stranger cascade");
            }

            await Database.DisposeAsync();
        }
    }
}
