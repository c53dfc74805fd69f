using System.Text;
using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>
/// Restores constants that pg_stat_statements replaces in one place of a statement and keeps in another: of equal expressions in
/// the select list and in GROUP BY, ORDER BY or DISTINCT, the server keeps one, and only its constants are replaced
/// (<c>select date_trunc($1, ts) ... group by date_trunc('day', ts)</c>). The server then takes the expressions for different
/// ones.
/// </summary>
internal static class LostConstants
{
    private static readonly IReadOnlySet<string> ClauseEnds = new HashSet<string>(StringComparer.Ordinal)
    {
        "having", "window", "order", "limit", "offset", "fetch", "for", "union", "intersect", "except", "rows", "range", "groups",
        "returning", "on",
    };

    private static readonly IReadOnlySet<string> Constants = new HashSet<string>(StringComparer.Ordinal)
    {
        "true", "false", "null",
    };

    /// <summary>
    /// The statement with equal keys made equal again: where an expression differs from a key in its parameters alone, it takes
    /// the constants and parameters of the key. Null where there is no such expression.
    /// </summary>
    /// <param name="sql">A statement as <see cref="PlannableText"/> returns it.</param>
    public static string? TryRestore(string sql)
    {
        var tokens = SqlToken.Read(sql);
        var changes = new SortedDictionary<int, string>();
        foreach (var alike in Keys(tokens).GroupBy(k => Shape(tokens, k.Tokens), StringComparer.Ordinal))
        {
            // What GROUP BY keeps decides. Several keys of one form, such as extract(year ...) and extract(month ...), serve
            // their expressions in turn.
            var constant = alike.Where(k => !HasParameter(tokens, k.Tokens)).ToList();
            var keys = (constant.Count > 0
                ? constant.OrderByDescending(k => k.IsGroup).Select(k => k.Tokens)
                : alike.Where(k => k.IsGroup).Select(k => Kept(tokens, k.Tokens, alike.Key) ?? k.Tokens))
                .DistinctBy(k => TextOf(sql, tokens, k)).ToList();
            var found = 0;
            for (var at = 0; at < tokens.Count && keys.Count > 0; at++)
            {
                if (keys.Exists(k => at >= k.Start.Value && at < k.End.Value) || tokens.Is(at - 1, "."))
                {
                    continue;
                }

                if (Match(tokens, at, keys[found % keys.Count]) is { } values)
                {
                    found++;
                    values.ForEach(v => changes.TryAdd(v.At, v.Value));
                }
            }
        }

        if (changes.Count == 0)
        {
            return null;
        }

        var result = new StringBuilder(sql.Length + 32);
        var copied = 0;
        foreach (var (at, value) in changes)
        {
            result.Append(sql, copied, tokens[at].Start - copied).Append(value);
            copied = tokens[at].End;
        }

        return result.Append(sql, copied, sql.Length - copied).ToString();
    }

    // The keys that hold a constant or a parameter, those of ROLLUP, CUBE and GROUPING SETS one by one, as ranges of tokens.
    private static IEnumerable<(Range Tokens, bool IsGroup)> Keys(IReadOnlyList<SqlToken> tokens)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens.Is(i, "by") && (tokens.Is(i - 1, "group") || tokens.Is(i - 1, "order") || tokens.Is(i - 1, "partition")))
            {
                foreach (var key in Items(tokens, i + 1, End(tokens, i + 1)))
                {
                    yield return (key, tokens.Is(i - 1, "group"));
                }
            }
            else if (tokens.Is(i, "distinct") && tokens.Is(i + 1, "on") && tokens.Is(i + 2, "("))
            {
                foreach (var key in Items(tokens, i + 3, tokens.Closing(i + 2)))
                {
                    yield return (key, true);
                }
            }
        }
    }

    private static int End(IReadOnlyList<SqlToken> tokens, int start)
    {
        var i = start;
        for (; i < tokens.Count && !tokens.IsAny(i, ClauseEnds) && tokens.Bracket(i) <= 0; i++)
        {
            i = tokens.Bracket(i) < 0 ? tokens.Closing(i) : i;
        }

        return Math.Min(i, tokens.Count);
    }

    private static IEnumerable<Range> Items(IReadOnlyList<SqlToken> tokens, int start, int end)
    {
        for (var i = start; i <= end; i++)
        {
            if (i < end && !tokens.Is(i, ","))
            {
                i = tokens.Bracket(i) < 0 ? Math.Min(tokens.Closing(i), end - 1) : i;
                continue;
            }

            foreach (var key in Item(tokens, start, i))
            {
                yield return key;
            }

            start = i + 1;
        }
    }

    private static IEnumerable<Range> Item(IReadOnlyList<SqlToken> tokens, int start, int end)
    {
        while (end > start && (tokens.Is(end - 1, "asc") || tokens.Is(end - 1, "desc") || tokens.Is(end - 1, "first")
            || tokens.Is(end - 1, "last") || tokens.Is(end - 1, "nulls")))
        {
            end--;
        }

        var opening = start;
        while (opening < end && (tokens.Is(opening, "rollup") || tokens.Is(opening, "cube") || tokens.Is(opening, "grouping")
            || tokens.Is(opening, "sets") || tokens.Is(opening, "distinct") || tokens.Is(opening, "all")))
        {
            opening++;
        }

        if (tokens.Is(opening, "(") && tokens.Closing(opening) == end - 1)
        {
            return Items(tokens, opening + 1, end - 1);
        }

        return end - start > 1 && Enumerable.Range(start, end - start).Any(i => IsConstant(tokens, i)) ? [start..end] : [];
    }

    // The place outside of a key that kept its constants; since PostgreSQL 18 the key may be the one that loses them.
    private static Range? Kept(IReadOnlyList<SqlToken> tokens, Range key, string shape)
    {
        var length = key.End.Value - key.Start.Value;
        for (var at = 0; at < tokens.Count; at++)
        {
            // A qualifier and a sign for each constant may come in addition.
            for (var end = at + 1; !tokens.Is(at - 1, ".") && end <= Math.Min(tokens.Count, at + (2 * length) + 2); end++)
            {
                if (!HasParameter(tokens, at..end) && Shape(tokens, at..end) == shape)
                {
                    return at..end;
                }
            }
        }

        return null;
    }

    private static string Shape(IReadOnlyList<SqlToken> tokens, Range key)
    {
        var shape = new StringBuilder();
        for (var i = SkipQualifier(tokens, key.Start.Value); i < key.End.Value; i = Next(tokens, i))
        {
            shape.Append(IsConstant(tokens, i) ? "$" : Name(tokens[i].Text)).Append(' ');
        }

        return shape.ToString();
    }

    // The values for the parameters of an expression that begins at a token and equals the key in all else; null where it does
    // not, or has no parameter that differs.
    private static List<(int At, string Value)>? Match(IReadOnlyList<SqlToken> tokens, int at, Range key)
    {
        var values = new List<(int, string)>();
        var i = key.Start.Value;
        at = SkipQualifier(tokens, at);
        while (i < key.End.Value)
        {
            i = SkipQualifier(tokens, i);
            at = SkipQualifier(tokens, at);
            if (at >= tokens.Count)
            {
                return null;
            }

            if (IsReplaced(tokens, at) && IsConstant(tokens, i))
            {
                var (end, text) = Value(tokens, i);
                if (tokens.Is(at + 1, ")") || tokens.Is(at + 1, "]"))
                {
                    // A list has one parameter for all of its constants since PostgreSQL 18.
                    while (tokens.Is(end, ",") && end + 1 < key.End.Value && IsConstant(tokens, end + 1))
                    {
                        (end, var element) = Value(tokens, end + 1);
                        text += ", " + element;
                    }
                }

                if (text != tokens[at].Text)
                {
                    values.Add((at, text));
                }

                (i, at) = (end, at + 1);
            }
            else if (Name(tokens[i].Text) == Name(tokens[at].Text))
            {
                (i, at) = (i + 1, at + 1);
            }
            else
            {
                return null;
            }
        }

        return values.Count > 0 ? values : null;
    }

    // A constant with its sign, and the position after it.
    private static (int End, string Text) Value(IReadOnlyList<SqlToken> tokens, int i) =>
        tokens[i].Text is "-" or "+" ? (i + 2, tokens[i].Text + tokens[i + 1].Text) : (i + 1, tokens[i].Text);

    private static bool HasParameter(IReadOnlyList<SqlToken> tokens, Range key) =>
        Enumerable.Range(key.Start.Value, key.End.Value - key.Start.Value).Any(i => tokens[i].Kind == SqlTokenKind.Parameter);

    private static string TextOf(string sql, IReadOnlyList<SqlToken> tokens, Range key) =>
        sql[tokens[key.Start.Value].Start..tokens[key.End.Value - 1].End];

    private static int Next(IReadOnlyList<SqlToken> tokens, int i) =>
        SkipQualifier(tokens, IsConstant(tokens, i) && tokens[i].Kind == SqlTokenKind.Operator ? i + 2 : i + 1);

    // "t.ts" and "ts" may be the same column.
    private static int SkipQualifier(IReadOnlyList<SqlToken> tokens, int i)
    {
        while (i + 2 < tokens.Count && tokens[i].IsName && tokens.Is(i + 1, ".") && tokens[i + 2].IsName)
        {
            i += 2;
        }

        return i;
    }

    private static bool IsConstant(IReadOnlyList<SqlToken> tokens, int i) =>
        tokens[i].Kind is SqlTokenKind.Literal or SqlTokenKind.Number or SqlTokenKind.Parameter
        || tokens.IsAny(i, Constants) || IsField(tokens, i)
        || (tokens[i].Text is "-" or "+" && tokens.Is(i + 1, SqlTokenKind.Number)
            && i > 0 && (tokens[i - 1].Kind is SqlTokenKind.Operator || tokens.Is(i - 1, "(") || tokens.Is(i - 1, ",")
                || tokens.Is(i - 1, "[")));

    private static bool IsReplaced(IReadOnlyList<SqlToken> tokens, int i) =>
        tokens[i].Kind == SqlTokenKind.Parameter || IsField(tokens, i);

    // The field of EXTRACT is a constant to the server.
    private static bool IsField(IReadOnlyList<SqlToken> tokens, int i) =>
        tokens.Is(i - 1, "(") && tokens.Is(i - 2, "extract") && tokens.Is(i + 1, "from");

    private static string Name(string text) =>
        text.Length > 2 && text[0] == '"' && text.AsSpan(1, text.Length - 2).IndexOfAnyExceptInRange('a', 'z') < 0
            ? text[1..^1] : text == "!=" ? "<>" : text;
}
