using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>
/// Normal form and fingerprint of statements: statements that differ only in constants, comments, case and spacing have the same
/// ones.
/// </summary>
internal static class QueryText
{
    /// <summary>The longest text that query_performance_log.query_pattern holds, in characters.</summary>
    public const int MaximumPatternLength = 2000;

    /// <summary>
    /// The normal form: constants and parameters are numbered $1, $2 ... in order, lists of constants have one element, comments
    /// and closing semicolons are removed, unquoted words are in lower case, spacing is uniform. A statement with constants and
    /// its text from pg_stat_statements have the same normal form.
    /// </summary>
    /// <param name="sql">A statement.</param>
    public static string Normalize(string sql)
    {
        var normalizer = new Normalizer(sql);
        try
        {
            return normalizer.Run();
        }
        finally
        {
            normalizer.Return();
        }
    }

    /// <summary>SHA-256 of a normal form in UTF-8: 64 lower-case hexadecimal digits.</summary>
    /// <param name="normalized">The complete result of <see cref="Normalize"/>.</param>
    public static string Hash(string normalized)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(normalized.Length));
        SHA256.HashData(bytes.AsSpan(0, Encoding.UTF8.GetBytes(normalized, bytes)), hash);
        ArrayPool<byte>.Shared.Return(bytes, clearArray: true);
        Span<char> digits = stackalloc char[2 * SHA256.HashSizeInBytes];
        for (var i = 0; i < hash.Length; i++)
        {
            hash[i].TryFormat(digits[(2 * i)..], out _, "x2", CultureInfo.InvariantCulture);
        }

        return new string(digits);
    }

    /// <summary>A text for messages whose constants are replaced by $1, $2 ...; the rest is unchanged.</summary>
    /// <param name="sql">SQL, complete or in part.</param>
    public static string HideConstants(string sql)
    {
        var result = new StringBuilder(sql.Length);
        var lexer = new SqlLexer(sql);
        var (copied, number) = (0, 0);
        while (lexer.Read())
        {
            if (lexer.Kind is SqlTokenKind.Literal or SqlTokenKind.Number or SqlTokenKind.Parameter)
            {
                result.Append(sql, copied, lexer.Start - copied).Append('$').Append(++number);
                copied = lexer.End;
            }
        }

        return result.Append(sql, copied, sql.Length - copied).ToString();
    }

    /// <summary>The first 2,000 characters of a text; a surrogate pair is not split.</summary>
    /// <param name="text">Any text.</param>
    public static string Shorten(string text)
    {
        if (text.Length <= MaximumPatternLength)
        {
            return text;
        }

        var end = char.IsHighSurrogate(text[MaximumPatternLength - 1]) ? MaximumPatternLength - 1 : MaximumPatternLength;
        return text[..end];
    }

    /// <summary>
    /// The statements of a script, without their semicolons. Semicolons in strings, names, comments, brackets and in the body of
    /// a function (<c>begin atomic ... end</c>) do not count.
    /// </summary>
    /// <param name="script">SQL as psql reads it, without meta-commands and COPY data.</param>
    public static IReadOnlyList<string> Split(string script)
    {
        var statements = new List<string>();
        var lexer = new SqlLexer(script);
        var (first, last) = (-1, 0);
        var (brackets, blocks) = (0, 0);
        var creates = false;
        while (lexer.Read())
        {
            if (lexer.Is(';') && brackets == 0 && blocks == 0)
            {
                Add(first, last);
                (first, creates) = (-1, false);
                continue;
            }

            if (first < 0)
            {
                first = lexer.Start;
                creates = lexer.IsWord("create");
            }

            last = lexer.End;
            if (lexer.Is('('))
            {
                brackets++;
            }
            else if (lexer.Is(')') && brackets > 0)
            {
                brackets--;
            }
            else if (creates && (lexer.IsWord("begin") || (blocks > 0 && lexer.IsWord("case"))))
            {
                blocks++;
            }
            else if (blocks > 0 && lexer.IsWord("end"))
            {
                blocks--;
            }
        }

        Add(first, last);
        return statements;

        void Add(int from, int to)
        {
            if (from >= 0)
            {
                statements.Add(script[from..to]);
            }
        }
    }

    private ref struct Normalizer
    {
        private readonly ReadOnlySpan<char> sql;
        private SqlLexer lexer;
        private char[] buffer;
        private int length;
        private int parameters;

        // The token that was written last: its kind, its position in the output, and the word before it.
        private SqlTokenKind last;
        private Range lastText;
        private Range wordBefore;

        // A list of constants that may be shortened: after "in (" and "array[".
        private bool inList;
        private bool listWantsElement;
        private int listStart;
        private int listParameters;

        // The numbers in "order by 1" and "numeric(10, 2)" are not constants.
        private int depth;
        private int ordinalDepth;
        private int modifierDepth;

        public Normalizer(string sql)
        {
            this.sql = sql;
            lexer = new SqlLexer(sql);
            buffer = ArrayPool<char>.Shared.Rent(Math.Max(64, sql.Length + (sql.Length / 4)));
            ordinalDepth = modifierDepth = -1;
        }

        public string Run()
        {
            while (lexer.Read())
            {
                switch (lexer.Kind)
                {
                    case SqlTokenKind.Word:
                        Word();
                        break;
                    case SqlTokenKind.Literal or SqlTokenKind.Parameter:
                        Placeholder();
                        SkipEscape();
                        break;
                    case SqlTokenKind.Number when IsOrdinal() || depth == modifierDepth:
                        Write(SqlTokenKind.Number, lexer.Text);
                        break;
                    case SqlTokenKind.Number:
                        Placeholder();
                        break;
                    case SqlTokenKind.Operator when lexer.Text is "-" && IsSign():
                        lexer.Read();
                        Placeholder();
                        break;
                    case SqlTokenKind.Operator when lexer.Text is "!=":
                        Write(SqlTokenKind.Operator, "<>");
                        break;
                    case SqlTokenKind.Punctuation:
                        Punctuation(sql[lexer.Start]);
                        break;
                    default:
                        Write(lexer.Kind, lexer.Text);
                        break;
                }
            }

            while (length > 0 && buffer[length - 1] is ';' or ' ')
            {
                length--;
            }

            return new string(buffer, 0, length);
        }

        public readonly void Return() => ArrayPool<char>.Shared.Return(buffer, clearArray: true);

        private void Word()
        {
            Span<char> word = stackalloc char[64];
            if (lexer.Text.Length > word.Length)
            {
                WriteWord(lexer.Text);
                return;
            }

            word = word[..Lower(lexer.Text, word)];
            switch (word)
            {
                case "true" or "false" when !(LastIs("is") || (LastIs("not") && WordBeforeIs("is"))):
                case "null" when !(LastIs("is") || LastIs("not") || LastIs("set")):
                case "all" when LastIs("limit"):
                    Placeholder();
                    return;
                // The server's grammar turns the name of the field into a constant, and pg_stat_statements replaces it.
                case var _ when LastIs("(") && WordBeforeIs("extract") && lexer.Ahead().IsWord("from"):
                    Placeholder();
                    return;
                case "by" when LastIs("order") || LastIs("group"):
                    ordinalDepth = depth;
                    break;
                case "limit" or "offset" or "fetch" or "for" or "having" or "window" or "union" or "intersect" or "except"
                    or "rows" or "range" or "groups" or "returning" when depth == ordinalDepth:
                    ordinalDepth = -1;
                    break;
            }

            WriteWord(lexer.Text);
        }

        private void WriteWord(scoped ReadOnlySpan<char> word)
        {
            if (inList && (listWantsElement ? !IsConstantType(word) : last is SqlTokenKind.Parameter))
            {
                inList = false;
            }

            Write(SqlTokenKind.Word, word);
        }

        private void Placeholder()
        {
            Span<char> text = stackalloc char[12];
            text[0] = '$';
            (++parameters).TryFormat(text[1..], out var digits, default, CultureInfo.InvariantCulture);
            inList = inList && listWantsElement;
            listWantsElement = false;
            Write(SqlTokenKind.Parameter, text[..(digits + 1)], keepsList: true);
        }

        private void Punctuation(char c)
        {
            switch (c)
            {
                case '(' or '[':
                    var starts = c == '(' ? LastIs("in") : LastIs("array");
                    var modifier = c == '(' && last == SqlTokenKind.Word && IsModifiedType(buffer.AsSpan(lastText));
                    inList = inList && c == '[' && !listWantsElement;
                    Write(SqlTokenKind.Punctuation, lexer.Text, keepsList: true);
                    depth++;
                    if (starts)
                    {
                        (inList, listWantsElement, listStart, listParameters) = (true, true, length, parameters);
                    }

                    if (modifier)
                    {
                        modifierDepth = depth;
                    }

                    break;
                case ')' or ']':
                    if (inList && !listWantsElement && !(c == ']' && LastIs("[")))
                    {
                        // Only constants, casts and commas stand in between.
                        inList = false;
                        length = listStart;
                        parameters = listParameters;
                        last = SqlTokenKind.Punctuation;
                        lastText = (length - 1)..length;
                        Placeholder();
                    }

                    ordinalDepth = depth == ordinalDepth ? -1 : ordinalDepth;
                    modifierDepth = depth == modifierDepth ? -1 : modifierDepth;
                    depth = Math.Max(0, depth - 1);
                    Write(SqlTokenKind.Punctuation, lexer.Text, keepsList: true);
                    break;
                case ',':
                    inList = inList && !listWantsElement;
                    listWantsElement = true;
                    Write(SqlTokenKind.Punctuation, lexer.Text, keepsList: true);
                    break;
                case ';':
                    ordinalDepth = -1;
                    if (length > 0)
                    {
                        Write(SqlTokenKind.Punctuation, lexer.Text);
                    }

                    break;
                default:
                    Write(SqlTokenKind.Punctuation, lexer.Text, keepsList: c == '.');
                    break;
            }
        }

        // U&'...' uescape '!' is one constant.
        private void SkipEscape()
        {
            var word = lexer.Ahead();
            if (word.IsWord("uescape") && word.Ahead().Kind == SqlTokenKind.Literal)
            {
                lexer.Read();
                lexer.Read();
            }
        }

        private readonly bool IsOrdinal()
        {
            if (depth != ordinalDepth || !(LastIs("by") || LastIs(",")))
            {
                return false;
            }

            var next = lexer.Ahead();
            return next.Kind is SqlTokenKind.End or SqlTokenKind.Word || next.Is(',') || next.Is(')') || next.Is(';');
        }

        // As in the server's grammar: a minus before a number belongs to the number, unless a token before it takes it as an
        // operator or a cast after the number binds more tightly.
        private readonly bool IsSign()
        {
            var number = lexer.Ahead();
            if (number.Kind != SqlTokenKind.Number || number.Ahead().Kind == SqlTokenKind.Cast)
            {
                return false;
            }

            return last switch
            {
                SqlTokenKind.End or SqlTokenKind.Operator => true,
                SqlTokenKind.Punctuation => !(LastIs(")") || LastIs("]")),
                SqlTokenKind.Word => IsBeforeOperand(buffer.AsSpan(lastText)),
                _ => false,
            };
        }

        private readonly bool LastIs(string text) =>
            last is SqlTokenKind.Word or SqlTokenKind.Punctuation && buffer.AsSpan(lastText).SequenceEqual(text);

        private readonly bool WordBeforeIs(string text) => buffer.AsSpan(wordBefore).SequenceEqual(text);

        private void Write(SqlTokenKind kind, scoped ReadOnlySpan<char> text, bool keepsList = false)
        {
            inList = inList && (keepsList || kind is SqlTokenKind.Word or SqlTokenKind.Cast);
            if (NeedsSpace(kind, text))
            {
                Reserve(1);
                buffer[length++] = ' ';
            }

            Reserve(text.Length);
            if (last == SqlTokenKind.Word)
            {
                wordBefore = lastText;
            }

            lastText = length..(length + text.Length);
            last = kind;
            if (kind == SqlTokenKind.Word)
            {
                length += Lower(text, buffer.AsSpan(length));
            }
            else
            {
                text.CopyTo(buffer.AsSpan(length));
                length += text.Length;
            }
        }

        private readonly bool NeedsSpace(SqlTokenKind kind, scoped ReadOnlySpan<char> text)
        {
            if (length == 0 || kind == SqlTokenKind.Cast || last == SqlTokenKind.Cast)
            {
                return false;
            }

            if (last == SqlTokenKind.Punctuation && buffer[length - 1] is '(' or '[' or '.' or ':')
            {
                return false;
            }

            if (kind != SqlTokenKind.Punctuation)
            {
                return true;
            }

            return text[0] switch
            {
                ')' or ']' or '[' or ',' or ';' or '.' or ':' => false,
                '(' => last is not (SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier)
                    || (last == SqlTokenKind.Word && IsBeforeBracket(buffer.AsSpan(lastText))),
                _ => true,
            };
        }

        private void Reserve(int count)
        {
            if (length + count > buffer.Length)
            {
                var larger = ArrayPool<char>.Shared.Rent(2 * (length + count));
                buffer.AsSpan(0, length).CopyTo(larger);
                ArrayPool<char>.Shared.Return(buffer, clearArray: true);
                buffer = larger;
            }
        }

        // ASCII only: the server folds names so in a multi-byte encoding.
        private static int Lower(ReadOnlySpan<char> text, Span<char> destination)
        {
            for (var i = 0; i < text.Length; i++)
            {
                destination[i] = char.IsAsciiLetterUpper(text[i]) ? (char)(text[i] | 0x20) : text[i];
            }

            return text.Length;
        }

        private static bool IsConstantType(ReadOnlySpan<char> word)
        {
            Span<char> lower = stackalloc char[16];
            return word.Length <= lower.Length && lower[..Lower(word, lower)] is "date" or "time" or "timestamp" or "timestamptz"
                or "interval" or "numeric" or "uuid" or "with" or "without" or "zone";
        }

        private static bool IsModifiedType(ReadOnlySpan<char> word) =>
            word is "numeric" or "decimal" or "dec" or "varchar" or "char"
            or "character" or "varying" or "bpchar" or "bit" or "varbit" or "float" or "time" or "timetz" or "timestamp"
                or "timestamptz"
            or "interval" or "nchar" or "current_time" or "current_timestamp" or "localtime" or "localtimestamp";

        private static bool IsBeforeOperand(ReadOnlySpan<char> word) =>
            word is "select" or "distinct" or "all" or "where" or "and"
            or "or" or "not" or "between" or "symmetric" or "like" or "ilike" or "in" or "is" or "from" or "for" or "then"
                or "else"
            or "when" or "case" or "by" or "limit" or "offset" or "returning" or "on" or "having" or "values" or "set" or "to"
            or "similar" or "escape" or "using" or "return" or "default" or "with" or "as";

        private static bool IsBeforeBracket(ReadOnlySpan<char> word) =>
            IsBeforeOperand(word) || word is "exists" or "over" or "union"
            or "intersect" or "except" or "join" or "any" or "some" or "lateral" or "filter" or "materialized" or "only" or "key"
            or "conflict" or "include" or "sets" or "group" or "explain" or "analyze" or "copy" or "check";
    }
}
