using System.Text;
using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>Prepares a statement for EXPLAIN.</summary>
internal static class PlannableText
{
    /// <summary>
    /// One plannable statement, without a PREPARE, DECLARE CURSOR or COPY (...) TO around it. Forms that pg_stat_statements
    /// breaks are repaired: <c>interval $1</c> and <c>extract($1 from x)</c> are not valid SQL. Two numbers whose type nothing
    /// determines (<c>$1 + $2</c>, <c>sum(case when x then $1 else $2 end)</c>) become integers, since every number compares with
    /// an integer. Null where the text is not a single SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES or TABLE.
    /// </summary>
    /// <param name="sql">A text from a user or from pg_stat_statements.</param>
    /// <param name="parameters">Number of parameters in the result: they are renumbered from $1 without gaps.</param>
    public static string? TryMake(string sql, out int parameters)
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
            ? Repair(statement, out parameters)
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

    private static string Repair(string sql, out int parameters)
    {
        var numbers = new Dictionary<string, int>();
        var result = new StringBuilder(sql.Length + 16);
        var lexer = new SqlLexer(sql);
        var copied = 0;
        var (before, beforeThat) = ("", "");
        // The words before the open brackets: the functions whose argument the current token is.
        var callers = new Stack<string>();
        // Start of a type name that a parameter may follow: "timestamp with time zone $1".
        var typeStart = -1;
        while (lexer.Read())
        {
            var text = lexer.Kind == SqlTokenKind.Word
                ? SqlLexer.Fold(lexer.Text) : lexer.Kind == SqlTokenKind.Punctuation ? lexer.Text.ToString() : "";
            if (lexer.Is('('))
            {
                callers.Push(before);
            }
            else if (lexer.Is(')'))
            {
                callers.TryPop(out _);
            }
            else if (lexer.Kind == SqlTokenKind.Parameter)
            {
                var type = typeStart >= 0 ? sql[typeStart..lexer.Start].Trim() : null;
                result.Append(sql, copied, (typeStart >= 0 ? typeStart : lexer.Start) - copied);
                copied = lexer.End;
                if (before == "(" && beforeThat == "extract" && lexer.Ahead().IsWord("from"))
                {
                    result.Append("epoch");
                }
                else
                {
                    // The server needs the type of every parameter up to the highest number; a gap has no type.
                    var name = lexer.Text.ToString();
                    if (!numbers.TryGetValue(name, out var number))
                    {
                        numbers.Add(name, number = numbers.Count + 1);
                    }

                    result.Append(type is null ? "" : "(").Append('$').Append(number);
                    if (type is null && IsLonelyNumber(lexer, before, callers))
                    {
                        result.Append("::integer");
                    }
                    else if (type is not null)
                    {
                        result.Append("::").Append(type);
                        copied = AppendIntervalFields(type, ref lexer, sql, result, copied);
                        result.Append(')');
                    }
                }
            }

            typeStart = (text, typeStart) switch
            {
                ("with" or "without" or "time" or "zone" or "precision" or "varying", >= 0) => typeStart,
                _ when before == "." => -1,
                _ when IsType(text) && before is not ("as" or "") => lexer.Start,
                _ when IsType(text) && lexer.Start > 0 && lexer.Ahead().Kind == SqlTokenKind.Parameter => lexer.Start,
                _ => -1,
            };
            (beforeThat, before) = (before, text);
        }

        parameters = numbers.Count;
        return result.Append(sql, copied, sql.Length - copied).ToString();
    }

    // The other operand is also a parameter, or every value that the aggregate sums may be a parameter.
    private static bool IsLonelyNumber(SqlLexer parameter, string before, Stack<string> callers)
    {
        if (before is "then" or "else" && callers.Any(c => c is "sum" or "avg"))
        {
            return true;
        }

        var next = parameter.Ahead();
        return next.Kind == SqlTokenKind.Operator && next.Text is "+" or "-" or "*" or "/" or "%"
            && next.Ahead().Kind == SqlTokenKind.Parameter;
    }

    // "interval $1 day to second": the fields belong to the type.
    private static int AppendIntervalFields(string type, ref SqlLexer lexer, string sql, StringBuilder result, int copied)
    {
        if (!type.Equals("interval", StringComparison.OrdinalIgnoreCase))
        {
            return copied;
        }

        var next = lexer.Ahead();
        while (next.Kind == SqlTokenKind.Word
            && SqlLexer.Fold(next.Text) is "year" or "month" or "day" or "hour" or "minute" or "second" or "to")
        {
            result.Append(' ').Append(next.Text);
            lexer.Read();
            copied = lexer.End;
            next = lexer.Ahead();
        }

        return copied;
    }

    private static bool IsType(string word) =>
        word is "date" or "time" or "timetz" or "timestamp" or "timestamptz" or "interval" or "double"
        or "numeric" or "decimal" or "real" or "int" or "integer" or "bigint" or "smallint" or "int2" or "int4" or "int8"
            or "float4"
        or "float8" or "boolean" or "bool" or "text" or "varchar" or "char" or "character" or "bpchar" or "bytea" or "uuid"
            or "json"
        or "jsonb" or "inet" or "cidr" or "macaddr" or "money" or "point" or "box" or "circle" or "polygon" or "path" or "lseg"
            or "line"
        or "tsquery" or "tsvector" or "regclass" or "regconfig" or "int4range" or "int8range" or "numrange" or "daterange"
            or "tsrange"
        or "tstzrange";
}
