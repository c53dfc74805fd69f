using System.Globalization;
using System.Text;
using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>Prepares a statement for EXPLAIN.</summary>
internal static class PlannableText
{
    // Keywords after which an expression may begin. Some of them could also be names of types; what is written there is then
    // no typed constant, unless the server says so.
    private static readonly IReadOnlySet<string> BeforeExpression = new HashSet<string>(StringComparer.Ordinal)
    {
        "all", "and", "any", "asymmetric", "between", "both", "by", "case", "content", "default", "distinct", "document", "else",
        "escape", "first", "for", "from", "groups", "having", "ilike", "in", "is", "key", "leading", "like", "limit", "next",
        "not", "offset", "on", "operator", "or", "passing", "placing", "range", "ref", "return", "returning", "rows", "select",
        "set", "similar", "some", "symmetric", "then", "to", "trailing", "using", "value", "values", "variadic", "version",
        "when", "where", "zone",
    };

    // Words after an operand that begin a comparison or another operation of it.
    private static readonly IReadOnlySet<string> Comparing = new HashSet<string>(StringComparer.Ordinal)
    {
        "at", "between", "collate", "ilike", "in", "is", "isnull", "like", "not", "notnull", "similar",
    };

    private static readonly IReadOnlySet<string> IntervalFields = new HashSet<string>(StringComparer.Ordinal)
    {
        "year", "month", "day", "hour", "minute", "second", "to",
    };

    /// <summary>
    /// One plannable statement, without a PREPARE, DECLARE CURSOR or COPY (...) TO around it. Forms that pg_stat_statements
    /// breaks are repaired: <c>interval $1</c> and <c>extract($1 from x)</c> are not valid SQL. Two numbers whose type nothing
    /// determines (<c>$1 + $2</c>, <c>sum(case when x then $1 else $2 end)</c>) become integers, since every number compares with
    /// an integer. Null where the text is not a single SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or TABLE.
    /// </summary>
    /// <param name="sql">A text from a user or from pg_stat_statements.</param>
    /// <param name="parameters">Number of parameters in the result: they are renumbered from $1 without gaps.</param>
    public static string? TryMake(string sql, out int parameters) => TryMake(sql, isAsWritten: false, out parameters);

    /// <summary>
    /// The same statement with nothing repaired but the numbers of its parameters, for the case that the server refuses the
    /// repaired one.
    /// </summary>
    public static string? TryMakeAsWritten(string sql) => TryMake(sql, isAsWritten: true, out _);

    /// <summary>The number of different parameters in a statement.</summary>
    public static int CountParameters(string sql) =>
        SqlToken.Read(sql).Where(t => t.Kind == SqlTokenKind.Parameter).Select(t => t.Text)
            .Distinct(StringComparer.Ordinal).Count();

    private static string? TryMake(string sql, bool isAsWritten, out int parameters)
    {
        parameters = 0;
        // The server accepts neither; a zero would end the text in the middle of its message.
        if (sql.Contains('\0', StringComparison.Ordinal) || !IsUnicode(sql) || QueryText.Split(sql) is not [var statement])
        {
            return null;
        }

        statement = Inner(statement);
        var first = new SqlLexer(statement);
        do
        {
            first.Read();
        }
        while (first.Is('('));

        return first.Kind == SqlTokenKind.Word
            && SqlLexer.Fold(first.Text) is "select" or "insert" or "update" or "delete" or "merge" or "with" or "values"
                or "table"
            ? Repair(statement, isAsWritten, out parameters)
            : null;
    }

    private static bool IsUnicode(string sql)
    {
        for (var i = 0; i < sql.Length; i++)
        {
            if (char.IsSurrogate(sql[i])
                && (!char.IsHighSurrogate(sql[i]) || i + 1 == sql.Length || !char.IsLowSurrogate(sql[++i])))
            {
                return false;
            }
        }

        return true;
    }

    // "prepare p (int) as ...", "declare c no scroll cursor with hold for ...", "copy (...) to stdout": the inner query takes the
    // time.
    private static string Inner(string statement)
    {
        var lexer = new SqlLexer(statement);
        lexer.Read();
        if (lexer.IsWord("copy"))
        {
            return lexer.Read() && lexer.Is('(') ? InBrackets(statement, lexer) : statement;
        }

        var (isPrepare, isDeclare) = (lexer.IsWord("prepare"), lexer.IsWord("declare"));
        while ((isPrepare || isDeclare) && lexer.Read())
        {
            if (lexer.IsWord(isPrepare ? "as" : "for"))
            {
                return statement[lexer.End..];
            }
        }

        return statement;
    }

    private static string InBrackets(string statement, SqlLexer lexer)
    {
        var start = lexer.End;
        for (var depth = 1; lexer.Read();)
        {
            depth += lexer.Is('(') ? 1 : lexer.Is(')') ? -1 : 0;
            if (depth == 0)
            {
                return statement[start..lexer.Start];
            }
        }

        return statement;
    }

    private static string Repair(string sql, bool isAsWritten, out int parameters)
    {
        sql = isAsWritten ? sql : WithSpaces(sql);
        var tokens = SqlToken.Read(sql);
        var numbers = new Dictionary<string, int>();
        var result = new StringBuilder(sql.Length + 16);
        var copied = 0;
        // The words before the open brackets: the functions whose argument the current token is.
        var callers = new Stack<string>();
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens.Is(i, "("))
            {
                callers.Push(i > 0 ? tokens[i - 1].Text : "");
            }
            else if (tokens.Is(i, ")"))
            {
                callers.TryPop(out _);
            }
            else if (tokens[i].Kind == SqlTokenKind.Parameter)
            {
                var start = isAsWritten ? -1 : TypeStart(tokens, i - 1);
                result.Append(sql, copied, (start >= 0 ? tokens[start].Start : tokens[i].Start) - copied);
                copied = tokens[i].End;
                if (!isAsWritten && Keyword(tokens, i) is { } keyword)
                {
                    result.Append(keyword);
                    continue;
                }

                if (!numbers.TryGetValue(tokens[i].Text, out var number))
                {
                    // The server needs the type of every parameter up to the highest number; a gap has no type.
                    numbers.Add(tokens[i].Text, number = numbers.Count + 1);
                }

                result.Append(start >= 0 ? "($" : "$").Append(number);
                if (!isAsWritten && tokens.Is(i + 1, "uescape") && tokens.Is(i + 2, SqlTokenKind.Literal))
                {
                    copied = tokens[i + 2].End;
                }

                if (start >= 0)
                {
                    result.Append("::").Append(sql, tokens[start].Start, tokens[i - 1].End - tokens[start].Start);
                    copied = AppendIntervalFields(tokens, start, i, sql, result, copied);
                    result.Append(')');
                }
                else if (!isAsWritten && IsLonelyNumber(tokens, i, callers))
                {
                    result.Append("::integer");
                }
            }
        }

        parameters = numbers.Count;
        return result.Append(sql, copied, sql.Length - copied).ToString();
    }

    // A constant needs no space beside it, a parameter does: "then'x'else" becomes "then$1else", which is one name. Parameters
    // of pg_stat_statements have numbers without gaps, so a name that contains the next number is none. N'x' becomes "N$1".
    private static string WithSpaces(string sql)
    {
        StringBuilder? result = null;
        var (copied, highest) = (0, 0);
        var lexer = new SqlLexer(sql);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Parameter)
            {
                highest = Math.Max(highest, NumberAt(lexer.Text, 0));
                if (lexer.End < sql.Length && IsPartOfName(sql[lexer.End]))
                {
                    Insert(lexer.End, " ");
                }
            }
            else if (lexer.Kind == SqlTokenKind.Word)
            {
                for (var i = lexer.Text.IndexOf('$'); i > 0 && i < lexer.Text.Length; i++)
                {
                    if (lexer.Text[i] != '$' || NumberAt(lexer.Text, i) != highest + 1)
                    {
                        continue;
                    }

                    if (i == 1 && lexer.Text[0] is 'n' or 'N')
                    {
                        Insert(lexer.Start, "bpchar ");
                        copied++;
                    }
                    else
                    {
                        Insert(lexer.Start + i, " ");
                    }

                    highest++;
                    while (i + 1 < lexer.Text.Length && char.IsAsciiDigit(lexer.Text[i + 1]))
                    {
                        i++;
                    }

                    if (i + 1 < lexer.Text.Length)
                    {
                        Insert(lexer.Start + i + 1, " ");
                    }
                }
            }
        }

        return result is null ? sql : result.Append(sql, copied, sql.Length - copied).ToString();

        void Insert(int position, string text)
        {
            (result ??= new StringBuilder(sql.Length + 16)).Append(sql, copied, position - copied).Append(text);
            copied = position;
        }
    }

    // The number after a dollar sign, or -1.
    private static int NumberAt(ReadOnlySpan<char> text, int dollar)
    {
        var end = dollar + 1;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
        {
            end++;
        }

        return int.TryParse(text[(dollar + 1)..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : -1;
    }

    private static bool IsPartOfName(char c) => char.IsAsciiLetter(c) || c is '_' or >= '\u0080';

    // Where the grammar makes a constant of a keyword, or the planner needs the constant: any keyword serves, and what was
    // joined "on true" is still joined so.
    private static string? Keyword(IReadOnlyList<SqlToken> tokens, int i) =>
        tokens.Is(i - 1, "(") && tokens.Is(i - 2, "extract") && tokens.Is(i + 1, "from") ? "epoch"
        : tokens.Is(i + 1, "normalized") || (tokens.Is(i + 1, ")") && IsLastArgument(tokens, i, "normalize")) ? "nfc"
        : tokens.Is(i - 1, "on") && (i + 1 == tokens.Count || tokens.Is(i + 1, ")")
            || (tokens.Is(i + 1, SqlTokenKind.Word) && !tokens.IsAny(i + 1, Comparing))) ? "true"
        : null;

    private static bool IsLastArgument(IReadOnlyList<SqlToken> tokens, int i, string function) =>
        tokens.Is(i - 1, ",") && tokens.Opening(i + 1) is > 0 and var opening && tokens.Is(opening - 1, function);

    // The other operand is also a parameter, or every value that the aggregate sums may be a parameter.
    private static bool IsLonelyNumber(IReadOnlyList<SqlToken> tokens, int i, Stack<string> callers) =>
        ((tokens.Is(i - 1, "then") || tokens.Is(i - 1, "else")) && callers.Any(c => c is "sum" or "avg")
            && !tokens.Is(i + 1, SqlTokenKind.Cast))
        || (tokens.Is(i + 1, SqlTokenKind.Operator) && tokens[i + 1].Text is "+" or "-" or "*" or "/" or "%"
            && tokens.Is(i + 2, SqlTokenKind.Parameter));

    // "interval $1 day to second(3)": the fields belong to the type.
    private static int AppendIntervalFields(
        IReadOnlyList<SqlToken> tokens, int start, int parameter, string sql, StringBuilder result, int copied)
    {
        if (!tokens.Is(start, "interval"))
        {
            return copied;
        }

        var last = parameter;
        while (tokens.IsAny(last + 1, IntervalFields))
        {
            last++;
        }

        if (tokens.Is(last, "second") && tokens.Is(last + 1, "("))
        {
            last = Math.Min(tokens.Closing(last + 1), tokens.Count - 1);
        }

        result.Append(sql, tokens[parameter].End, tokens[last].End - tokens[parameter].End);
        return tokens[last].End;
    }

    // The first token of the type that ends right before a parameter; -1 where none does. Only a type can stand before a
    // constant ("mood 'happy'"), if it is not a keyword after which an expression begins.
    private static int TypeStart(IReadOnlyList<SqlToken> tokens, int last)
    {
        if (tokens.Is(last, "zone"))
        {
            // Without "with" or "without" it is the operator AT TIME ZONE.
            if (!tokens.Is(last - 1, "time") || !(tokens.Is(last - 2, "with") || tokens.Is(last - 2, "without")))
            {
                return -1;
            }

            var time = BeforeModifiers(tokens, last - 3);
            return tokens.Is(time, "time") || tokens.Is(time, "timestamp") ? time : -1;
        }

        var start = BeforeModifiers(tokens, last);
        if (start < 0 || !tokens[start].IsName)
        {
            return -1;
        }

        if (tokens.IsAny(start, BeforeExpression) && !tokens.Is(start - 1, "."))
        {
            return -1;
        }

        // "a int path $1" is a column of XMLTABLE or JSON_TABLE, "a = path $1" a value.
        if (tokens.Is(start, "path") && !tokens.Is(start - 1, ".") && start > 0
            && (tokens[start - 1].Kind == SqlTokenKind.QuotedIdentifier || tokens.Is(start - 1, ")") || tokens.Is(start - 1, "]")
                || (tokens[start - 1].Kind == SqlTokenKind.Word && !tokens.IsAny(start - 1, BeforeExpression))))
        {
            return -1;
        }

        if (tokens.Is(start, "precision") && tokens.Is(start - 1, "double"))
        {
            return start - 1;
        }

        if (tokens.Is(start, "varying") && start > 0)
        {
            start--;
        }

        if (tokens.Is(start - 1, "national"))
        {
            start--;
        }

        while (tokens.Is(start - 1, ".") && start > 1 && tokens[start - 2].IsName)
        {
            start -= 2;
        }

        return start;
    }

    // The position of "varchar" in "varchar(10)".
    private static int BeforeModifiers(IReadOnlyList<SqlToken> tokens, int last) =>
        tokens.Is(last, ")") ? tokens.Opening(last) - 1 : last;
}
