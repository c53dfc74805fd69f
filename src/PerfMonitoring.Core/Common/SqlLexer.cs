namespace PerfMonitoring.Common;

/// <summary>The kind of a token.</summary>
internal enum SqlTokenKind
{
    /// <summary>The end of the text.</summary>
    End,
    /// <summary>A keyword or an unquoted name.</summary>
    Word,
    /// <summary>A name in double quotes, with or without U&amp; before it.</summary>
    QuotedIdentifier,
    /// <summary>A string or bit string constant of any kind, continuation lines included.</summary>
    Literal,
    /// <summary>A number without its sign.</summary>
    Number,
    /// <summary>A parameter: $1.</summary>
    Parameter,
    /// <summary>An operator.</summary>
    Operator,
    /// <summary>A cast: two colons.</summary>
    Cast,
    /// <summary>A bracket, comma, semicolon, dot or colon, or a character that SQL does not know.</summary>
    Punctuation,
}

/// <summary>
/// Tokens by PostgreSQL's lexical rules (src/backend/parser/scan.l), as far as they decide where a token begins and ends:
/// comments nest, strings may be dollar-quoted, an operator excludes its trailing sign, every character above ASCII is a letter.
/// An unclosed token extends to the end of the text. The lexer makes one pass and allocates nothing.
/// </summary>
/// <remarks>
/// The lexer is a convenience, never a guard: text that must be one statement is sent as one command of the extended protocol.
/// </remarks>
internal ref struct SqlLexer
{
    private readonly ReadOnlySpan<char> sql;
    private int position;

    // The end of a run of trailing signs after an operator: each sign is an operator by itself.
    private int signsEnd;

    /// <summary>Starts at the beginning of a text.</summary>
    /// <param name="sql">The text.</param>
    public SqlLexer(ReadOnlySpan<char> sql)
    {
        this.sql = sql;
    }

    /// <summary>The kind of the current token.</summary>
    public SqlTokenKind Kind { get; private set; }

    /// <summary>Position where the current token begins.</summary>
    public int Start { get; private set; }

    /// <summary>Position where the current token ends.</summary>
    public readonly int End => position;

    /// <summary>The text of the current token.</summary>
    public readonly ReadOnlySpan<char> Text => sql[Start..position];

    /// <summary>Whether every string, quoted name and comment up to this position is closed.</summary>
    public bool IsClosed { get; private set; } = true;

    /// <summary>Whether a comment stands between the previous token and the current one.</summary>
    public bool IsAfterComment { get; private set; }

    /// <summary>A word as the server folds it: ASCII letters in lower case.</summary>
    /// <param name="word">An unquoted word.</param>
    public static string Fold(ReadOnlySpan<char> word)
    {
        Span<char> folded = word.Length <= 256 ? stackalloc char[word.Length] : new char[word.Length];
        for (var i = 0; i < word.Length; i++)
        {
            folded[i] = char.IsAsciiLetterUpper(word[i]) ? (char)(word[i] | 0x20) : word[i];
        }

        return folded.ToString();
    }

    /// <summary>Reads the next token.</summary>
    /// <returns>False at the end.</returns>
    public bool Read()
    {
        SkipSpace();
        Start = position;
        if (position >= sql.Length)
        {
            Kind = SqlTokenKind.End;
            return false;
        }

        Kind = ReadToken();
        return true;
    }

    /// <summary>A copy of the lexer that has read the token after the current one.</summary>
    public readonly SqlLexer Ahead()
    {
        var copy = this;
        copy.Read();
        return copy;
    }

    /// <summary>Whether the current token is this word, regardless of case.</summary>
    /// <param name="word">A word in lower case.</param>
    public readonly bool IsWord(string word) =>
        Kind == SqlTokenKind.Word && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the current token is this one character of punctuation.</summary>
    /// <param name="character">The character.</param>
    public readonly bool Is(char character) => Kind == SqlTokenKind.Punctuation && sql[Start] == character;

    private SqlTokenKind ReadToken()
    {
        var c = sql[position];
        var next = Peek(1);
        switch (c)
        {
            case '\'':
                ReadString(escapes: false);
                return SqlTokenKind.Literal;
            case '"':
                ReadQuoted('"', escapes: false);
                return SqlTokenKind.QuotedIdentifier;
            case '$':
                return ReadDollar();
            case ':' when next == ':':
                position += 2;
                return SqlTokenKind.Cast;
            case ':' when next == '=':
                position += 2;
                return SqlTokenKind.Operator;
            case '.' when next == '.':
                position += 2;
                return SqlTokenKind.Punctuation;
            case '.' when char.IsAsciiDigit(next):
                ReadNumber();
                return SqlTokenKind.Number;
            case '(' or ')' or '[' or ']' or ',' or ';' or '.' or ':':
                position++;
                return SqlTokenKind.Punctuation;
        }

        if (char.IsAsciiDigit(c))
        {
            ReadNumber();
            return SqlTokenKind.Number;
        }

        if (IsWordStart(c))
        {
            return ReadWord(c, next);
        }

        if (IsOperator(c))
        {
            ReadOperator();
            return SqlTokenKind.Operator;
        }

        position++;
        return SqlTokenKind.Punctuation;
    }

    private SqlTokenKind ReadWord(char c, char next)
    {
        if (next == '\'' && c is 'e' or 'E' or 'b' or 'B' or 'x' or 'X' or 'n' or 'N')
        {
            position++;
            ReadString(escapes: c is 'e' or 'E');
            return SqlTokenKind.Literal;
        }

        if (c is 'u' or 'U' && next == '&' && Peek(2) is '\'' or '"')
        {
            position += 2;
            if (sql[position] == '"')
            {
                ReadQuoted('"', escapes: false);
                return SqlTokenKind.QuotedIdentifier;
            }

            ReadString(escapes: false);
            return SqlTokenKind.Literal;
        }

        while (position < sql.Length && (IsWordStart(sql[position]) || char.IsAsciiDigit(sql[position]) || sql[position] == '$'))
        {
            position++;
        }

        return SqlTokenKind.Word;
    }

    private SqlTokenKind ReadDollar()
    {
        var i = position + 1;
        if (char.IsAsciiDigit(Peek(1)))
        {
            while (i < sql.Length && char.IsAsciiDigit(sql[i]))
            {
                i++;
            }

            position = i;
            return SqlTokenKind.Parameter;
        }

        if (i < sql.Length && IsWordStart(sql[i]))
        {
            while (i < sql.Length && (IsWordStart(sql[i]) || char.IsAsciiDigit(sql[i])))
            {
                i++;
            }
        }

        if (i >= sql.Length || sql[i] != '$')
        {
            position++;
            return SqlTokenKind.Punctuation;
        }

        var tag = sql[position..(i + 1)];
        var end = sql[(i + 1)..].IndexOf(tag, StringComparison.Ordinal);
        position = end < 0 ? sql.Length : i + 1 + end + tag.Length;
        IsClosed &= end >= 0;
        return SqlTokenKind.Literal;
    }

    // String constants that only a line break separates are one constant; line comments may stand between them too.
    private void ReadString(bool escapes)
    {
        while (true)
        {
            ReadQuoted('\'', escapes);
            var i = position;
            var lines = false;
            while (i < sql.Length && (IsSpace(sql[i]) || sql[i..].StartsWith("--", StringComparison.Ordinal)))
            {
                if (sql[i] == '-')
                {
                    var end = sql[i..].IndexOfAny('\n', '\r');
                    i = end < 0 ? sql.Length : i + end;
                    continue;
                }

                lines |= sql[i] is '\n' or '\r';
                i++;
            }

            if (!lines || i >= sql.Length || sql[i] != '\'')
            {
                return;
            }

            position = i;
        }
    }

    private void ReadQuoted(char quote, bool escapes)
    {
        position++;
        while (position < sql.Length)
        {
            var found = escapes ? sql[position..].IndexOfAny(quote, '\\') : sql[position..].IndexOf(quote);
            if (found < 0)
            {
                break;
            }

            position += found + 1;
            if (sql[position - 1] == '\\')
            {
                position++;
            }
            else if (position < sql.Length && sql[position] == quote)
            {
                position++;
            }
            else
            {
                return;
            }
        }

        position = sql.Length;
        IsClosed = false;
    }

    private void ReadNumber()
    {
        if (sql[position] == '0' && Peek(1) is 'x' or 'X' or 'o' or 'O' or 'b' or 'B' && char.IsAsciiHexDigit(Peek(2)))
        {
            position += 2;
            while (position < sql.Length && (char.IsAsciiHexDigit(sql[position]) || sql[position] == '_'))
            {
                position++;
            }

            return;
        }

        ReadDigits();
        if (Peek(0) == '.' && Peek(1) != '.')
        {
            position++;
            ReadDigits();
        }

        if (Peek(0) is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            position += 2;
            ReadDigits();
        }
    }

    private void ReadDigits()
    {
        while (position < sql.Length
            && (char.IsAsciiDigit(sql[position]) || (sql[position] == '_' && char.IsAsciiDigit(Peek(1)))))
        {
            position++;
        }
    }

    private void ReadOperator()
    {
        if (position < signsEnd)
        {
            position++;
            return;
        }

        var special = false;
        while (position < sql.Length && IsOperator(sql[position]) && !StartsComment())
        {
            special |= "~!@#%^&|`?".Contains(sql[position], StringComparison.Ordinal);
            position++;
        }

        signsEnd = position;

        // "a=-1" is "=" and "-": only an operator with one of the special characters may end in a sign.
        while (!special && position - Start > 1 && sql[position - 1] is '+' or '-')
        {
            position--;
        }
    }

    private void SkipSpace()
    {
        IsAfterComment = false;
        while (position < sql.Length)
        {
            if (IsSpace(sql[position]))
            {
                position++;
                continue;
            }

            if (!StartsComment())
            {
                return;
            }

            IsAfterComment = true;
            if (sql[position] == '-')
            {
                var end = sql[position..].IndexOfAny('\n', '\r');
                position = end < 0 ? sql.Length : position + end;
            }
            else
            {
                SkipBlockComment();
            }
        }
    }

    private void SkipBlockComment()
    {
        var depth = 0;
        while (position < sql.Length)
        {
            if (sql[position] == '/' && Peek(1) == '*')
            {
                depth++;
                position += 2;
            }
            else if (sql[position] == '*' && Peek(1) == '/')
            {
                position += 2;
                if (--depth == 0)
                {
                    return;
                }
            }
            else
            {
                position++;
            }
        }

        IsClosed = false;
    }

    private readonly bool StartsComment() =>
        (sql[position] == '-' && Peek(1) == '-') || (sql[position] == '/' && Peek(1) == '*');

    private readonly char Peek(int offset) => position + offset < sql.Length ? sql[position + offset] : '\0';

    // A vertical tab is space from PostgreSQL 16 on, and a syntax error before.
    private static bool IsSpace(char c) => c is ' ' or '\t' or '\n' or '\r' or '\f' or '\v';

    private static bool IsWordStart(char c) => char.IsAsciiLetter(c) || c == '_' || c >= 0x80;

    private static bool IsOperator(char c) =>
        c is '+' or '-' or '*' or '/' or '<' or '>' or '=' or '~' or '!' or '@' or '#' or '%'
        or '^' or '&' or '|' or '`' or '?';
}
