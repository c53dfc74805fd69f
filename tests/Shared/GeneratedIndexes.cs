using System.Globalization;
using System.Text;

namespace PerfMonitoring.Testing;

/// <summary>Random index definitions that cover all of PostgreSQL's options.</summary>
public static class GeneratedIndexes
{
    /// <summary>The schema and the table of the indexes.</summary>
    public const string Table = """
        create schema "Sch""ema";
        create table "Sch""ema"."Tab le" (
            id int, "Name" text, "größe" numeric, "q""x" text, at timestamp, doc jsonb, tags text[], span int4range, place point);
        """;

    private static readonly string[] Names = [
        "i", "Mixed Case", "quote\"in", "sp ace's", "größe", "索引", "select", "таблица", "$1", "back\\slash", new string('n', 63),
        new string('ü', 31)];

    // Keys of a B-tree, with all options of a key.
    private static readonly string[] Keys =
    [
        "id", "\"Name\"", "\"Name\" text_pattern_ops", "\"Name\" collate \"C\"", "\"größe\"", "\"q\"\"x\"", "at",
        "lower(\"Name\")",
        "lower(\"Name\") collate \"C\" text_pattern_ops", "(id + 1)", "(id % 7)", "coalesce(\"Name\", 'it''s')",
        "(doc ->> 'a\"b')", "((doc ->> 'a')::int)",
        "(case when id > 5 then 'x' else \"Name\" end)", "date_trunc('day', at)", "(\"q\"\"x\" || ' \\ ')", "tags",
    ];

    private static readonly string[] Orders = ["", "", " desc", " desc nulls last", " asc nulls first", " nulls first"];

    private static readonly string[] Predicates =
    [
        "", "", "id > 10", "\"Name\" = 'it''s'", "\"Name\" is not null and id in (1, 2, 3)", "lower(\"Name\") like 'a%'",
        "doc ->> 'a' = E'b\\\\c'",
        "not (\"q\"\"x\" = 'ü' or id between 1 and 5)",
    ];

    private static readonly string[] Others =
    [
        "using gin (doc)", "using gin (doc jsonb_path_ops) with (fastupdate = off)", "using gin (tags)",
        "using gin (to_tsvector('english', \"Name\"))",
        "using hash (\"Name\")", "using hash (id) with (fillfactor = 60)", "using brin (at) with (pages_per_range = 16)",
        "using brin (id, at)",
        "using gist (span)", "using spgist (\"Name\")", "using gist (place point_ops)",
    ];

    /// <summary>A random CREATE INDEX statement.</summary>
    /// <param name="random">The source of randomness.</param>
    /// <param name="number">Makes the name unique.</param>
    /// <param name="tablespaces">The tablespaces to draw from.</param>
    public static string Next(Random random, int number, params string[] tablespaces)
    {
        string One(string[] from) => from[random.Next(from.Length)];
        var name = Name(One(Names), number);
        var predicate = One(Predicates);
        var where = predicate.Length == 0 ? "" : " where " + predicate;
        var tablespace = $" tablespace {One(tablespaces)}";
        if (random.Next(5) == 0)
        {
            return $"create index {name} on \"Sch\"\"ema\".\"Tab le\" {One(Others)}{tablespace}{where}";
        }

        var keys = string.Join(", ", Enumerable.Range(0, random.Next(1, 5)).Select(_ => One(Keys) + One(Orders)));
        var include = One(["", "", " include (doc, \"größe\")", " include (\"q\"\"x\")"]);
        var storage = One(["", "", " with (fillfactor = 70)", " with (deduplicate_items = off, fillfactor = 55)"]);
        return $"create {One(["", "unique "])}index {name} on \"Sch\"\"ema\".\"Tab le\" "
            + $"({keys}){include}{storage}{tablespace}{where}";
    }

    // Cut at 63 bytes as PostgreSQL does it, so that long names use the whole length.
    private static string Name(string name, int number)
    {
        var suffix = number.ToString(CultureInfo.InvariantCulture);
        while (Encoding.UTF8.GetByteCount(name) + suffix.Length > 63)
        {
            name = name[..^1];
        }

        return '"' + (name + suffix).Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
    }
}
