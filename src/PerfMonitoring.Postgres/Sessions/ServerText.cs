using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// The server's messages without values. A message may quote constants of a statement and values of rows, and errors are written
/// to logs. A message is passed on only if its condition concerns names, and if it shares no word with a constant of the
/// statement.
/// </summary>
internal static partial class ServerText
{
    // No SQL of the module or of a user nests literals this deep ($a$ ... $b$ ...).
    private const int MaximumDepth = 3;

    // The server cuts names to 63 bytes, which is at least 15 characters.
    private const int MinimumCutName = 15;

    /// <summary>Whether the messages of this condition contain only names, types and limits.</summary>
    public static bool SpeaksOfNames(string sqlState) => sqlState.Length == 5 && (sqlState[..2] switch
    {
        // Connections, transactions, constraints (the values are in their Detail), authorization, resources, operators, the
        // system.
        "08" or "23" or "25" or "28" or "2B" or "3D" or "3F" or "40" or "53" or "54" or "55" or "57" or "58" or "0A" => true,
        // Names and types. A syntax error quotes any part of the statement.
        "42" => sqlState != PostgresErrorCodes.SyntaxError,
        _ => sqlState is PostgresErrorCodes.DivisionByZero or PostgresErrorCodes.StringDataRightTruncation,
    });

    /// <summary>Returns the server's message if it holds no value, otherwise the condition in words.</summary>
    /// <param name="sqlState">The condition.</param>
    /// <param name="text">The server's message.</param>
    /// <param name="statements">The statements that ran, and SQL that was passed to them.</param>
    public static string WithoutValues(string sqlState, string text, params IEnumerable<string?> statements) =>
        IsHypoPg(sqlState, text) || SpeaksOfNames(sqlState)
            ? NamesWhatIsWritten(sqlState) && SharesAWord(text, statements) ? Condition(sqlState) : text
            : Condition(sqlState);

    /// <summary>The same error without values. It may be shown, logged, or kept as the cause of another error.</summary>
    public static PostgresException WithoutValues(PostgresException e)
    {
        var statements = (e.BatchCommand?.Parameters.Select(p => p.Value as string) ?? []).Append(e.BatchCommand?.CommandText)
            .Append(e.InternalQuery);
        var text = IsRaised(e) ? Condition(e.SqlState) : WithoutValues(e.SqlState, e.MessageText, statements);
        return new PostgresException(
            text, e.Severity, e.InvariantSeverity, e.SqlState, schemaName: e.SchemaName, tableName: e.TableName,
            columnName: e.ColumnName,
            dataTypeName: e.DataTypeName, constraintName: e.ConstraintName, file: e.File, line: e.Line, routine: e.Routine);
    }

    // A function may raise any message under any condition.
    private static bool IsRaised(PostgresException e) =>
        e.Routine == "exec_stmt_raise" || e.File is { } file && Language().IsMatch(file);

    // Messages of these conditions name what the statement says, and a constant may stand for a name ('x'::regclass). Messages of
    // the other conditions name existing objects.
    private static bool NamesWhatIsWritten(string sqlState) =>
        sqlState[..2] is "42" or "0A" or "3F" or "XX" && sqlState != PostgresErrorCodes.InsufficientPrivilege;

    // HypoPG's messages name columns and access methods.
    private static bool IsHypoPg(string sqlState, string text) =>
        sqlState == PostgresErrorCodes.InternalError && text.StartsWith("hypopg:", StringComparison.Ordinal);

    private static bool SharesAWord(string text, IEnumerable<string?> statements)
    {
        var constants = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var statement in statements)
        {
            if (statement is not null)
            {
                AddConstants(statement, constants, 0);
            }
        }

        // The characters that an escape stands for are not known here.
        return constants.Contains(@"\")
            || Word().Matches(text).Any(m => constants.Contains(m.Value)
                || m.Length >= MinimumCutName && constants.Any(c => c.StartsWith(m.Value, StringComparison.OrdinalIgnoreCase)));
    }

    private static void AddConstants(string sql, HashSet<string> constants, int depth)
    {
        var lexer = new SqlLexer(sql);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Literal && lexer.Text[0] == '$' && depth < MaximumDepth)
            {
                AddConstants(lexer.Text.ToString().Trim('$'), constants, depth + 1);
            }
            else if (lexer.Kind is SqlTokenKind.Literal or SqlTokenKind.Number)
            {
                foreach (Match word in Word().Matches(lexer.Text.ToString()))
                {
                    constants.Add(word.Value);
                }
            }
        }
    }

    /// <summary>A condition in words, used instead of a message that must not be quoted.</summary>
    public static string Condition(string sqlState) => sqlState switch
    {
        PostgresErrorCodes.SyntaxError => "it is not complete SQL (syntax error)",
        PostgresErrorCodes.UndefinedTable => "a table that it names does not exist",
        PostgresErrorCodes.UndefinedColumn => "a column that it names does not exist",
        PostgresErrorCodes.UndefinedFunction => "a function or operator that it names does not exist for these types",
        PostgresErrorCodes.UndefinedObject => "an object that it names does not exist",
        PostgresErrorCodes.DuplicateTable => "the name is taken",
        PostgresErrorCodes.DatatypeMismatch => "the types do not fit each other",
        PostgresErrorCodes.InvalidObjectDefinition => "the definition cannot be used",
        PostgresErrorCodes.InsufficientPrivilege => "permission denied",
        PostgresErrorCodes.InvalidTextRepresentation => "a value is not valid for its type",
        PostgresErrorCodes.InvalidDatetimeFormat or PostgresErrorCodes.DatetimeFieldOverflow =>
            "a value is not a valid date or time",
        PostgresErrorCodes.NumericValueOutOfRange => "a number is out of the range of its type",
        PostgresErrorCodes.InvalidRegularExpression => "a regular expression is not valid",
        PostgresErrorCodes.InvalidParameterValue => "a parameter has a value that it cannot have",
        PostgresErrorCodes.UniqueViolation => "values are not unique",
        PostgresErrorCodes.QueryCanceled => "it was cancelled",
        PostgresErrorCodes.LockNotAvailable => "a lock could not be had in time",
        PostgresErrorCodes.InternalError => "an internal error of the server",
        _ when sqlState.Length < 2 => "an error of the server",
        _ => sqlState[..2] switch
        {
            "0A" => "the server does not support it",
            "21" => "a subquery has more rows than it may have",
            "22" => "a value cannot be used",
            "23" => "a constraint is violated",
            "25" => "the transaction is in a state that does not allow it",
            "2B" => "other objects depend on it",
            "2F" or "38" or "39" or "P0" => "a function raised an error",
            "40" => "the transaction was rolled back for the sake of another one",
            "42" => "it is not right (syntax or access rule)",
            "53" => "the server has not enough resources",
            "54" => "it exceeds a limit of the server",
            "55" => "an object is not in the state that it needs",
            "57" => "an operator or a limit ended it",
            "58" => "an error of the server's operating system",
            "HV" => "a foreign data wrapper raised an error",
            _ => "the server refuses it",
        },
    };

    [GeneratedRegex(@"[\w$]+|\\")]
    private static partial Regex Word();

    // pl_exec.c, plperl.c, plpy_elog.c, pltcl.c and the like; not planner.c.
    [GeneratedRegex("^(?:pl_|plperl|plpy|pltcl|plv8|Util\\.|SPI\\.)")]
    private static partial Regex Language();
}
