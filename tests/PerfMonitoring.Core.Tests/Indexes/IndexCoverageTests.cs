using PerfMonitoring.Common;
using PerfMonitoring.Prerequisites;

namespace PerfMonitoring.Indexes;

/// <summary>The rule that advice, drop verdicts and the checks before a build share.</summary>
public sealed class IndexCoverageTests
{
    // An index, another one, and how much of the first one's work the other does.
    [Theory]
    [InlineData("(a)", "(a)", nameof(Coverage.Same))]
    [InlineData("(a, b)", "(a, b)", nameof(Coverage.Same))]
    [InlineData("(a)", "(a, b)", nameof(Coverage.Prefix))]
    [InlineData("(a, b)", "(a)", nameof(Coverage.None))]
    [InlineData("(a, b)", "(b, a)", nameof(Coverage.None))]
    [InlineData("(a)", "(b)", nameof(Coverage.None))]
    // A B-tree is read in both directions, but only with all keys reversed.
    [InlineData("(a)", "(a desc)", nameof(Coverage.Same))]
    [InlineData("(a, b)", "(a desc, b desc)", nameof(Coverage.Same))]
    [InlineData("(a)", "(a desc, b)", nameof(Coverage.Prefix))]
    [InlineData("(a, b)", "(a desc, b)", nameof(Coverage.None))]
    [InlineData("(a)", "(a nulls first)", nameof(Coverage.None))]
    [InlineData("(a)", "(a desc nulls last)", nameof(Coverage.None))]
    [InlineData("(a nulls first)", "(a desc nulls last)", nameof(Coverage.Same))]
    // Another operator class or collation is another order.
    [InlineData("(a)", "(a text_pattern_ops)", nameof(Coverage.None))]
    [InlineData("(a)", "(a collate C)", nameof(Coverage.None))]
    // Expressions are compared as the server writes them.
    [InlineData("((lower(a)))", "((lower(a)), b)", nameof(Coverage.Prefix))]
    [InlineData("(a)", "((lower(a)))", nameof(Coverage.None))]
    // An included column may also be a key of the other index.
    [InlineData("(a) include (c)", "(a, c)", nameof(Coverage.Prefix))]
    [InlineData("(a) include (c)", "(a) include (c, d)", nameof(Coverage.Same))]
    [InlineData("(a) include (c)", "(a)", nameof(Coverage.None))]
    // Rows that a partial index leaves out.
    [InlineData("(a) where b > 1", "(a) where b > 1", nameof(Coverage.Same))]
    [InlineData("(a) where b > 1", "(a)", nameof(Coverage.MoreRows))]
    [InlineData("(a) where b > 1", "(a, b)", nameof(Coverage.MoreRows))]
    [InlineData("(a)", "(a) where b > 1", nameof(Coverage.None))]
    [InlineData("(a) where b > 1", "(a) where b > 2", nameof(Coverage.None))]
    // From PostgreSQL 18 on, a scan may skip leading keys.
    [InlineData("(b)", "(a, b)", nameof(Coverage.SkipScan))]
    [InlineData("(b, c)", "(a, b, c, d)", nameof(Coverage.SkipScan))]
    [InlineData("(b desc)", "(a, b)", nameof(Coverage.SkipScan))]
    [InlineData("(b)", "(a)", nameof(Coverage.None))]
    // A unique index enforces a rule.
    [InlineData("unique (a)", "(a)", nameof(Coverage.None))]
    [InlineData("unique (a)", "unique (a)", nameof(Coverage.None))]
    [InlineData("(a)", "unique (a)", nameof(Coverage.Same))]
    // The first keys of other methods than B-tree are not as useful, and their parameters matter.
    [InlineData("hash (a)", "hash (a)", nameof(Coverage.Same))]
    [InlineData("hash (a)", "(a)", nameof(Coverage.None))]
    [InlineData("gin (a)", "gin (a, b)", nameof(Coverage.None))]
    [InlineData("brin (a)", "brin (a) with (pages_per_range='8')", nameof(Coverage.None))]
    [InlineData("brin (a) where b > 1", "brin (a)", nameof(Coverage.None))]
    public void An_index_does_the_work_of_another(string index, string other, string coverage)
    {
        var expected = Enum.Parse<Coverage>(coverage);
        Assert.Equal(expected, IndexCoverage.Of(Read(index), Read(other)));
        Assert.Equal(expected >= Coverage.MoreRows, IndexCoverage.Covers(Read(other), Read(index)));
    }

    [Fact]
    public void An_index_of_another_table_does_not() =>
        Assert.Equal(
            Coverage.None, IndexCoverage.Of(Read("(a)"), Read("(a)") with { Table = new RelationName("public", "other") }));

    [Theory]
    [InlineData("(a, b)", true)]
    [InlineData("(b, a)", true)]
    [InlineData("(b, a, c)", true)]
    [InlineData("(a)", false)]
    [InlineData("(c, a, b)", false)]
    [InlineData("(a, (lower(b)))", false)]
    [InlineData("(a, b) where c > 1", false)]
    [InlineData("(a, b) where a IS NOT NULL", true)]
    [InlineData("(a, b) where (a IS NOT NULL) AND (b IS NOT NULL)", true)]
    [InlineData("(a, b) where (a IS NOT NULL) AND (c IS NOT NULL)", false)]
    [InlineData("(a, b) where a IS NULL", false)]
    [InlineData("(a, b) where (a IS NOT NULL) OR (b IS NOT NULL)", false)]
    [InlineData("gin (a, b)", false)]
    [InlineData("brin (a, b)", false)]
    public void An_index_serves_a_foreign_key_whose_columns_come_first(string index, bool expected) =>
        Assert.Equal(expected, IndexCoverage.Serves(Read(index), new RelationName("public", "t"), ["a", "b"]));

    [Fact]
    public void A_hash_index_serves_a_foreign_key_of_one_column() =>
        Assert.True(IndexCoverage.Serves(Read("hash (a)"), new RelationName("public", "t"), ["a"]));

    // Text: unique, the method, the keys in parentheses, and the further clauses of CREATE INDEX.
    private static IndexDefinition Read(string text)
    {
        var isUnique = text.StartsWith("unique ", StringComparison.Ordinal);
        var rest = isUnique ? text[7..] : text;
        var open = rest.IndexOf('(', StringComparison.Ordinal);
        var method = rest[..open].Trim();
        return new IndexDefinition
        {
            Table = new RelationName("public", "t"),
            Name = "i",
            IsUnique = isUnique,
            Method = method.Length == 0 ? "btree" : method,
            Keys = [.. List(rest, "").Select(Key)],
            Include = [.. List(rest, "include ")],
            StorageParameters = [.. List(rest, "with ")],
            Where = rest.Split(" where ") is [_, var where] ? where : null,
        };
    }

    private static IEnumerable<string> List(string text, string before)
    {
        var start = text.IndexOf(before + "(", StringComparison.Ordinal);
        if (start < 0)
        {
            return [];
        }

        var depth = 0;
        var inside = text[(start + before.Length)..].TakeWhile(c => (depth += c == '(' ? 1 : c == ')' ? -1 : 0) > 0);
        return string.Concat(inside.Skip(1)).Split(", ");
    }

    private static IndexKey Key(string key)
    {
        var words = key.Split(' ');
        var name = words[0];
        var rest = string.Join(' ', words[1..]);
        return (name.StartsWith('(') ? IndexKey.OnExpression(name[1..^1]) : IndexKey.OnColumn(name)) with
        {
            Descending = rest.StartsWith("desc", StringComparison.Ordinal),
            NullsFirst = rest.EndsWith("nulls first", StringComparison.Ordinal) ? true
                : rest.EndsWith("nulls last", StringComparison.Ordinal) ? false : null,
            OperatorClass = rest.EndsWith("_ops", StringComparison.Ordinal) ? rest : null,
            Collation = rest.StartsWith("collate ", StringComparison.Ordinal) ? rest[8..] : null,
        };
    }
}
