using System.Globalization;
using System.Text;
using PerfMonitoring.Common;
using PerfMonitoring.Statements;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Statements;

/// <summary>The lexer and the server agree on the end of a statement; the server is the reference.</summary>
public sealed class LexerAgreementTests(SandboxFixture sandbox)
{
    private const int Texts = 2000;

    private static readonly string[] Spaces =
        [" ", " ", " ", "\t", "\n", "\r", "\f", "/**/", "--\n", "-- '\r", "/* $$ */", "\u00a0", "\u2003", "\u3000", "\u0085",
            "\ufeff", "\u200b", ""];

    // Texts that are valid expressions; most contain a semicolon, or look as if they did.
    private static readonly string[] Items =
    [
        "1", "1", "(2)", "'a;b'", "'a'';b'", "'\\'", "E'a\\';b'", "E'\\\\'", "e'\\';' ", "''''", "'$$'", "'--'", "'/*'", "'\"'",
        "N'x;'", "b'01'", "x'1F'",
        "$$;$$", "$$'$$", "$$\"$$", "$$--$$", "$$/*$$", "$t$;$$;$t$", "$a$ $A$;$a$", "$\u00e9$;$\u00e9$", "$\u00a0$;$\u00a0$",
        "$_1$;$_1$", "$1$;$1$", "$1", "$1a",
        "U&'\\0061;'", "U&'d!0061;' uescape '!'", "u&'\\'';'", "1 as \"x;y\"", "1 as \"a\"\";b\"", "1 as \"$$\"",
        "1 as U&\"d\\0061;\"", "1 as u",
        "1 as a$$", "1 as \u00a0$$", "1 as a\u00a0b", "1 as \u2003", "1 as \ufeffx", "1 as \U0001F600", 
        "'a'\n'b;'", "'a'\r\n  'b'", "'a' -- ;'\n'b'", "'a' --;\n--'\n 'b;'", "'a'\n'\\'", "x'1'\n'F'", "U&'a'\n'\\0061;'",
        "1+/*;*/2", "1+--;\n2", "1=-1", "2*-1", "1<>-1", "1-- ;", "1 --;\n", "1--;\r+1", "-/**/1", "@-1", "1!=-- ;\n2",
        "1=/*;*/-1",
        "1*/*;*/-1", "/*;/*;*/;*/1", "/*;*/ 1", "/*'*/1", "/*\"*/1", "/*$$*/1", "/**;**/1", "/*/;*/1", "/*/*/;*/*/1", "--'\n1",
        "--$$;\n1", "--\";\r1", "array[1,2]", "(array[1,2])[1:1]",
        "1.", ".5", "1.5e1", "1.e1", "1e5", "1e+5", "0x1F", "0b1", "1_000", "'a'::text", "1::int", "1:: numeric(5,2)", "1^2",
        "5%2",
        "case when true then 1 end", "1 as begin", "1 as \"end\"",
    ];

    // Texts that are not expressions, or only on some versions.
    private static readonly string[] Broken =
    [
        "'\\';", "$1$;$1$", "$1", "$1a", "1 as a$$;$$", "1 as \u00e9$$;", "1 as b$1$;", "1 as e\u00a0'", "1 \u00a0 ",
        "'a'/*;\n*/'b'", "'a' 'b'", "'a'\u00a0\n'b'", "$$a$$\n$$b;$$",
        "1a", "1e", "1.5e+", "1$$;$$", "1e'\\';'", "0x'1F'", "1..2", "a.1", "E'a'\n'\\';'", "1_0", "U&\"a",
        "\"", "'", "$$", "$t$", "/*", "*/", "\\", "{", ":x", "@x", "?", "(", ")", "(1;2)", "\u0001", "\u007f", "--", "-- ;",
    ];

    private static readonly string[] Openings = [
        "select ", "select ", "select ", "SELECT\t", "(select ", "values (1),(2);select ", "with x as (select 1) select ",
        "select all\n", "sel/**/ect ", "/*;*/select ", "--;\nselect "];

    private static readonly char[] Inserted = [
        '\'', '"', '$', ';', '\\', '-', '/', '*', '\u00a0', '\n', 'E', 'U', '&', '1', '\u00e9'];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(13)]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Statements_end_where_the_server_says(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        using var server = new SimpleProtocol(database.Cluster, database.Name);
        var random = new Random(20261128);
        var (valid, several) = (0, 0);
        for (var i = 0; i < Texts; i++)
        {
            Token.ThrowIfCancellationRequested();
            var text = Next(random, majorVersion >= 16);
            var answer = server.Query(text);
            var pieces = QueryText.Split(text);
            var ours = pieces.Select(server.Query).ToList();
            if (answer.SqlState is null)
            {
                valid++;
                several += answer.Results.Count > 1 ? 1 : 0;
                Assert.True(
                    ours.All(o => o.SqlState is null && o.Results.Count == 1)
                        && ours.SelectMany(o => o.Results).SequenceEqual(answer.Results),
                    $"The server runs {answer.Results.Count} statements; ours are {Show(string.Join("<|>", pieces))}");
            }
            else
            {
                Assert.True(
                    ours.Any(o => o.SqlState == answer.SqlState)
                        || (!IsClosed(text) && answer.Message!.StartsWith("unterminated", StringComparison.Ordinal)),
                    $"The server says {answer.Message}; ours are {Show(string.Join("<|>", pieces))}");
            }

            Assert.True(
                !IsClosed(text) || answer.Message?.StartsWith("unterminated", StringComparison.Ordinal) != true, Show(text));
            // A planned text is one statement to the server, too.
            Assert.True(
                PlannableText.TryMake(text, out _) is null || answer.SqlState is not null || answer.Results.Count == 1,
                Show(text));
        }

        // The test proves something only if enough texts are valid and enough are several statements.
        Assert.InRange(valid, Texts / 4, Texts);
        Assert.InRange(several, Texts / 10, Texts);
    }

    private static string Next(Random random, bool hasVerticalTab)
    {
        string One(string[] from) => from[random.Next(from.Length)];
        string Space() => random.Next(5) > 0 ? " " : hasVerticalTab && random.Next(20) == 0 ? "\v" : One(Spaces);
        var text = new StringBuilder();
        for (var statements = random.Next(1, 5); statements > 0; statements--)
        {
            var opening = One(Openings);
            text.Append(opening);
            for (var items = random.Next(1, 4); items > 0; items--)
            {
                text.Append(Space()).Append(One(random.Next(20) == 0 ? Broken : Items)).Append(Space())
                    .Append(items > 1 ? "," : "");
            }

            text.Append(opening[0] == '(' ? ")" : "").Append(statements > 1 ? ";" : "").Append(Space());
        }

        if (random.Next(8) == 0)
        {
            text.Insert(random.Next(text.Length), Inserted[random.Next(Inserted.Length)]);
        }

        return text.ToString();
    }

    private static bool IsClosed(string text)
    {
        var lexer = new SqlLexer(text);
        while (lexer.Read())
        {
        }

        return lexer.IsClosed;
    }

    private static string Show(string text) => string.Concat(text.Select(
        c => c is >= ' ' and < '\u007f' ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));
}
