using PerfMonitoring.Common;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Indexes;

public sealed class CatalogRepositoryTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync(""""
            create schema if not exists "Sälés";
            create table if not exists "Sälés"."Order ""Items""" (
                id bigint, "Qty; drop" int not null, name text collate "C", title varchar(40), doc jsonb, tags text[],
                during int4range, b boolean);
            create view "Sälés".v as select 1 as one;
            create table plain (id int primary key, n numeric, t text);
            """");
        connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.DisposeAsync();
        await database.ExecuteAsync("""drop schema "Sälés" cascade; drop table plain""");
    }

    [Theory]
    [InlineData("(id)")]
    [InlineData("(id desc, \"Qty; drop\" desc nulls last, name asc nulls first)")]
    [InlineData("(id) include (\"Qty; drop\", b)")]
    [InlineData("(lower(title), (id + 1) desc, id)")]
    [InlineData("((name || title), (doc ->> 'a;)\"b'))")]
    [InlineData("(title text_pattern_ops, name text_pattern_ops)")]
    [InlineData("(title collate \"C\", name collate \"default\", lower(name), lower(title) collate \"POSIX\")")]
    [InlineData("(id) where b and \"Qty; drop\" > 3 and title <> 'O''Hara; --'")]
    [InlineData("using gin (doc jsonb_path_ops, tags)")]
    [InlineData("using gist (during)")]
    [InlineData("using brin (id int8_minmax_ops, \"Qty; drop\") with (pages_per_range = 32)")]
    [InlineData("using hash (title)")]
    [InlineData("(id) with (deduplicate_items = off, fillfactor = 70)")]
    [InlineData("using gist (to_tsvector('simple'::regconfig, title) tsvector_ops (siglen = 64))")]
    public async Task An_index_that_was_read_can_be_made_again(string body)
    {
        await database.ExecuteAsync($""""create unique index "first ""é""" on "Sälés"."Order ""Items""" {body}""""
            .Replace(body.Contains("using", StringComparison.Ordinal) ? "unique " : "\0", "", StringComparison.Ordinal));
        var table = await connection.Catalog.GetTableAsync(RelationName.Parse("\"Sälés\".\"Order \"\"Items\"\"\""), Token);

        var read = Assert.Single(await connection.Catalog.GetIndexesAsync([table.Oid], Token));
        await database.ExecuteAsync((read.Definition with { Name = "second" }).ToCreateStatement(concurrently: false));
        var both = await connection.Catalog.GetIndexesAsync([table.Oid], Token);

        Assert.Equal(2, both.Count);
        Assert.Equal("first \"é\"", both[0].Definition.Name);
        Assert.Equal(
            both[0].ServerDefinition.Replace("\"first \"\"é\"\"\"", "second", StringComparison.Ordinal),
            both[1].ServerDefinition);
        Assert.Equal(both[0].Definition.ToAnonymousStatement(), both[1].Definition.ToAnonymousStatement());
        await database.ExecuteAsync(""""drop index "Sälés"."first ""é"""; drop index "Sälés".second"""");
    }

    [Fact]
    public async Task A_table_is_found_along_the_search_path_with_its_statistics()
    {
        await database.ExecuteAsync("insert into plain select i, i % 10, 'x' from generate_series(1, 1000) i");
        await database.ExecuteAsync("analyze plain");

        var table = await connection.Catalog.GetTableAsync(new RelationName(null, "plain"), Token);

        Assert.Equal("public.plain", table.Name.ToString());
        Assert.Equal(1000, table.Rows);
        Assert.Equal(["id", "n", "t"], table.Columns.Select(c => c.Name));
        Assert.Equal(10, table.FindColumn("n")!.Distinct);
        Assert.True(table.FindColumn("id")!.HasBtree);
        Assert.Null(table.FindColumn("id")!.IsCollationC);
        var key = Assert.Single(await connection.Catalog.GetIndexesAsync([table.Oid], Token));
        Assert.True(key is { IsPrimary: true, IsValid: true, IsReady: true, ConstraintName: "plain_pkey" });
    }

    [Fact]
    public async Task A_table_that_was_never_analysed_has_unknown_rows()
    {
        await database.ExecuteAsync("insert into plain values (1)");

        Assert.Null((await connection.Catalog.GetTableAsync(new RelationName("public", "plain"), Token)).Rows);
    }

    [Theory]
    [InlineData("nowhere", "TableNotFound")]
    [InlineData("\"x\"\"; drop table plain; --\"", "TableNotFound")]
    [InlineData("\"Sälés\".v", "TableNotIndexable")]
    [InlineData("pg_catalog.pg_class", "TableNotIndexable")]
    [InlineData("plain_pkey", "TableNotIndexable")]
    public async Task What_takes_no_index_is_refused(string name, string errorId)
    {
        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => connection.Catalog.GetTableAsync(RelationName.Parse(name), Token));

        Assert.Equal(errorId, error.ErrorId);
    }

    [Fact]
    public async Task Names_are_completed()
    {
        Assert.Equal([new RelationName(null, "plain")], await connection.Catalog.CompleteTableNamesAsync("pla", Token));
        Assert.Equal(
            [new RelationName("Sälés", "Order \"Items\"")],
            await connection.Catalog.CompleteTableNamesAsync("Sälés.O", Token));
        Assert.Equal([new RelationName(null, "plain_pkey")], await connection.Catalog.CompleteIndexNamesAsync("plain_", Token));
    }
}
