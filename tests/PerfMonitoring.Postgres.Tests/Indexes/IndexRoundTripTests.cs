using System.Globalization;
using Npgsql;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>Definitions from the catalog and back.</summary>
public sealed class IndexRoundTripTests(SandboxFixture sandbox)
{
    private const int Count = 500;

    private static readonly string[] Names = ["i", "Mixed Case", "quote\"in", "sp ace's", "größe", "索引", "select", "таблица", "$1", "back\\slash", new string('n', 63), new string('ü', 31)];

    // Keys of a B-tree, each with what may follow it.
    private static readonly string[] Keys =
    [
        "id", "\"Name\"", "\"Name\" text_pattern_ops", "\"Name\" collate \"C\"", "\"größe\"", "\"q\"\"x\"", "at", "lower(\"Name\")",
        "lower(\"Name\") collate \"C\" text_pattern_ops", "(id + 1)", "(id % 7)", "coalesce(\"Name\", 'it''s')", "(doc ->> 'a\"b')", "((doc ->> 'a')::int)",
        "(case when id > 5 then 'x' else \"Name\" end)", "date_trunc('day', at)", "(\"q\"\"x\" || ' \\ ')", "tags",
    ];

    private static readonly string[] Orders = ["", "", " desc", " desc nulls last", " asc nulls first", " nulls first"];

    private static readonly string[] Predicates =
    [
        "", "", "id > 10", "\"Name\" = 'it''s'", "\"Name\" is not null and id in (1, 2, 3)", "lower(\"Name\") like 'a%'", "doc ->> 'a' = E'b\\\\c'",
        "not (\"q\"\"x\" = 'ü' or id between 1 and 5)",
    ];

    private static readonly string[] Others =
    [
        "using gin (doc)", "using gin (doc jsonb_path_ops) with (fastupdate = off)", "using gin (tags)", "using gin (to_tsvector('english', \"Name\"))",
        "using hash (\"Name\")", "using hash (id) with (fillfactor = 60)", "using brin (at) with (pages_per_range = 16)", "using brin (id, at)",
        "using gist (span)", "using spgist (\"Name\")", "using gist (place point_ops)",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Five_hundred_definitions_come_back_byte_by_byte(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        await database.ExecuteAsync("""
            create schema "Sch""ema";
            create table "Sch""ema"."Tab le" (
                id int, "Name" text, "größe" numeric, "q""x" text, at timestamp, doc jsonb, tags text[], span int4range, place point);
            """);
        await using var server = new NpgsqlConnection(database.ConnectionString);
        await server.OpenAsync(Token);
        var table = await connection.Catalog.GetTableAsync(new RelationName("Sch\"ema", "Tab le"), Token);
        var made = new List<string>();
        var random = new Random(20260701);
        for (var i = 0; i < Count; i++)
        {
            var name = Identifier.Quote(Identifier.Shorten(Names[random.Next(Names.Length)], i.ToString(CultureInfo.InvariantCulture)));
            await RunAsync(server, Generate(random, name, "\"Sch\"\"ema\".\"Tab le\""));
        }

        var before = await connection.Catalog.GetIndexesAsync([table.Oid], Token);
        foreach (var index in before)
        {
            await RunAsync(server, index.Definition.ToDropStatement(concurrently: false));
            await RunAsync(server, index.Definition.ToCreateStatement(concurrently: false));
        }

        var after = await connection.Catalog.GetIndexesAsync([table.Oid], Token);
        Assert.Equal(Count, before.Count);
        Assert.Equal(before.Select(i => i.ServerDefinition), after.Select(i => i.ServerDefinition));
        Assert.Equal(before.Select(i => i.Definition.ToCreateStatement(concurrently: true)), after.Select(i => i.Definition.ToCreateStatement(concurrently: true)));
    }

    private static string Generate(Random random, string name, string table)
    {
        string One(string[] from) => from[random.Next(from.Length)];
        var predicate = One(Predicates);
        var where = predicate.Length == 0 ? "" : " where " + predicate;
        if (random.Next(5) == 0)
        {
            return $"create index {name} on {table} {One(Others)} tablespace pg_default{where}";
        }

        var keys = string.Join(", ", Enumerable.Range(0, random.Next(1, 5)).Select(_ => One(Keys) + One(Orders)));
        var include = One(["", "", " include (doc, \"größe\")", " include (\"q\"\"x\")"]);
        return $"create {One(["", "unique "])}index {name} on {table} ({keys}){include}{One(["", "", " with (fillfactor = 70)", " with (deduplicate_items = off, fillfactor = 55)"])}{where}";
    }

    private static async Task RunAsync(NpgsqlConnection server, string sql)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, server);
            await command.ExecuteNonQueryAsync(Token);
        }
        catch (PostgresException e)
        {
            Assert.Fail($"{e.MessageText}: {sql}");
        }
    }
}
