using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>A plan, and the statement that the server planned.</summary>
/// <param name="Text">The statement, as <see cref="PlannableText"/> returns it.</param>
/// <param name="Plan">The plan.</param>
internal sealed record RepairedPlan<T>(string Text, T Plan);

/// <summary>
/// Makes statements plannable that ran under other conditions: with another search_path, with constants whose types and values
/// pg_stat_statements took away, or with parameter types that only the driver sent. The server's errors say what is missing. It
/// remembers each corrected statement.
/// </summary>
/// <remarks>
/// A table, type or function that is not on the search path gets the schema that has one of this name, if there is only one such
/// schema. With several, the right one is unknown. A longer search path is not an option: a user who may create functions in one
/// of the schemas could replace the system's functions.
/// A parameter of the wrong type gets a cast. Which one and to which type is tried out: those nearest to the error first, types
/// that the server's message names first. A cast is kept where the statement is planned with it, or fails at another place.
/// </remarks>
internal sealed partial class StatementRepair(Database target)
{
    // A planner call that fails takes a millisecond or less. Statements that can be corrected at all need one or two calls for
    // each cast, so the limit ends the work on the others (a judgement).
    private const int MaximumAttempts = 150;

    // Parameters nearest to an error that are tried, on each side. A row of VALUES seldom has more columns.
    private const int MaximumDistance = 12;

    // Types for parameters, with their names in messages: format_type(). Constants without quotes are integers or numbers.
    private static readonly (string Type, string Shown)[] Types =
    [
        ("integer", "integer"), ("numeric", "numeric"), ("text", "text"), ("bigint", "bigint"), ("boolean", "boolean"),
        ("interval", "interval"), ("date", "date"), ("timestamptz", "timestamp with time zone"),
        ("timestamp", "timestamp without time zone"), ("float8", "double precision"), ("_int4", "integer[]"),
        ("_text", "text[]"), ("_int8", "bigint[]"), ("uuid", "uuid"), ("jsonb", "jsonb"), ("smallint", "smallint"),
        ("varchar", "character varying"), ("real", "real"), ("time", "time without time zone"), ("json", "json"),
        ("bytea", "bytea"), ("inet", "inet"), ("xml", "xml"), ("_uuid", "uuid[]"),
    ];

    // An error that names the type of a cast at most so many tokens away is taken for one that the cast made.
    private const int NearCast = 8;
    private const int NextToCast = 2;

    // Without a hint in the message only the first ones are likely.
    private const int UnnamedTypes = 15;

    private readonly ConcurrentDictionary<string, string> known = new(StringComparer.Ordinal);

    /// <summary>Plans a statement, and corrects it as long as a correction helps.</summary>
    /// <param name="sql">A text from a user or from pg_stat_statements.</param>
    /// <param name="plan">Plans a text.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">NotPlannable: not one statement that has a plan. PlanFailed, with the server's
    /// first reason.</exception>
    public async Task<RepairedPlan<T>> PlanAsync<T>(
        string sql, Func<string, Task<T>> plan, CancellationToken cancellationToken)
    {
        var text = known.GetValueOrDefault(sql) ?? PlannableText.TryMake(sql, out _) ?? throw PlanRepository.NotPlannable();
        var search = new Search<T>(this, sql, plan, cancellationToken);
        var (found, failure) = await search.FindAsync(text);
        if (found is null && PlannableText.TryMakeAsWritten(sql) is { } written)
        {
            // What looks like the type of a constant may be a keyword of a later version.
            (found, _) = await search.FindAsync(written);
        }

        if (found is null)
        {
            throw PlanRepository.NotPlanned(failure!, target.Target);
        }

        if (found.Text != text)
        {
            known[sql] = found.Text;
        }

        return found;
    }

    private async Task<string?> WithSchemaAsync(string text, int position, string sqlState, CancellationToken cancellationToken)
    {
        var lexer = new SqlLexer(text.AsSpan(position));
        if (!lexer.Read() || lexer.Kind is not (SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier) || lexer.Ahead().Is('.'))
        {
            return null;
        }

        var name = RelationName.Parse(lexer.Text.ToString());
        var schemas = await target.QueryAsync<string>(
            Sql.Get("FindSchemas"), new { name.Name, SqlState = sqlState }, cancellationToken);
        return schemas.Count switch
        {
            1 => text.Insert(position, Identifier.Quote(schemas[0]) + "."),
            // A function may be on the path for other types of arguments.
            0 => null,
            _ when sqlState == PostgresErrorCodes.UndefinedFunction => null,
            _ => throw new PerfMonitoringException(
                ErrorIds.PlanFailed, FailureKind.ServerError,
                $"{name} is not on the search path of {target.UserName}, and several schemas have one: "
                    + $"{string.Join(", ", schemas.Select(Identifier.Quote))}.",
                "Connect with the search path that it was run under: -ConnectionString '...;Search Path=...'.", target.Target),
        };
    }

    // The driver cast a parameter that is compared with columns of two types. Here each place gets a separate parameter number.
    private static string WithSeparateParameters(string text)
    {
        var result = new StringBuilder(text.Length + 16);
        var lexer = new SqlLexer(text);
        var (copied, number) = (0, 0);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Parameter)
            {
                result.Append(text, copied, lexer.Start - copied).Append('$').Append(++number);
                copied = lexer.End;
            }
        }

        return result.Append(text, copied, text.Length - copied).ToString();
    }

    // The position in the server's error, from 0. The server counts characters, not UTF-16 units.
    private static int? PositionIn(string text, PostgresException e)
    {
        // The statement is the end of the command. The position of an error inside a function refers to the function.
        var position = e.InternalQuery is null ? e.Position : 0;
        var sent = e.BatchCommand?.CommandText ?? "";
        var start = sent.Length - text.Length;
        if (position <= 0 || start < 0 || !sent.EndsWith(text, StringComparison.Ordinal))
        {
            return null;
        }

        var index = 0;
        for (var i = 1; i < position && index < sent.Length; i++)
        {
            index += char.IsHighSurrogate(sent[index]) ? 2 : 1;
        }

        return index - start is >= 0 and var inText && inText < text.Length ? inText : null;
    }

    [GeneratedRegex(@"\$(\d+)")]
    private static partial Regex ParameterNumber();

    /// <summary>A depth-first search for a text that the server plans.</summary>
    private sealed class Search<T>(
        StatementRepair repair, string sql, Func<string, Task<T>> plan, CancellationToken cancellationToken)
    {
        private readonly HashSet<string> tried = new(StringComparer.Ordinal);
        private int attempts;
        private bool isBold;

        public async Task<(RepairedPlan<T>? Found, PostgresException? Failure)> FindAsync(string text)
        {
            var (found, failure) = await AskAsync(text);
            if (found is not null || failure is null)
            {
                return (found, failure);
            }

            // A bold search finds what a cautious one passes over, and loses its way more often.
            foreach (var bold in new[] { false, true })
            {
                isBold = bold;
                attempts = 0;
                tried.Clear();
                if (await CorrectAsync(text, failure) is { } corrected)
                {
                    return (corrected, failure);
                }
            }

            return (null, failure);
        }

        // Nulls where the text was tried before, or enough was tried.
        private async Task<(RepairedPlan<T>? Found, PostgresException? Failure)> AskAsync(string text)
        {
            if (attempts++ >= MaximumAttempts || !tried.Add(text))
            {
                return (null, null);
            }

            try
            {
                return (new RepairedPlan<T>(text, await plan(text)), null);
            }
            catch (PostgresException e) when (PlanRepository.IsRefusal(e, cancellationToken))
            {
                return (null, e);
            }
        }

        private async Task<RepairedPlan<T>?> CorrectAsync(string text, PostgresException failure)
        {
            var here = Place.Of(text, failure);
            await foreach (var next in CorrectionsAsync(text, failure))
            {
                var (found, left) = await AskAsync(next.Text);
                if (left is not null && Place.Of(next.Text, left).IsProgress(here, next, isBold))
                {
                    found = await CorrectAsync(next.Text, left);
                }

                if (found is not null)
                {
                    return found;
                }
            }

            return null;
        }

        private async IAsyncEnumerable<Correction> CorrectionsAsync(string text, PostgresException e)
        {
            var position = PositionIn(text, e);
            switch (e.SqlState)
            {
                case PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction
                    or PostgresErrorCodes.UndefinedObject
                    when position is { } at && await repair.WithSchemaAsync(text, at, e.SqlState, cancellationToken) is { } named:
                    yield return new Correction(named);
                    break;
                case PostgresErrorCodes.GroupingError or PostgresErrorCodes.InvalidColumnReference
                    when LostConstants.TryRestore(sql) is { } restored:
                    yield return new Correction(PlannableText.TryMake(restored, out _)!);
                    break;
                case PostgresErrorCodes.AmbiguousParameter:
                    yield return new Correction(WithSeparateParameters(text));
                    break;
            }

            if (e.SqlState is PostgresErrorCodes.UndefinedFunction or PostgresErrorCodes.AmbiguousFunction
                or PostgresErrorCodes.DatatypeMismatch or PostgresErrorCodes.CannotCoerce
                or PostgresErrorCodes.IndeterminateDatatype
                or PostgresErrorCodes.InvalidRecursion or PostgresErrorCodes.FeatureNotSupported
                or PostgresErrorCodes.NotNullViolation or PostgresErrorCodes.CheckViolation)
            {
                foreach (var cast in Casts(text, position, e))
                {
                    yield return cast;
                }
            }

            if (e.SqlState == PostgresErrorCodes.UndefinedFunction)
            {
                yield return new Correction(WithSeparateParameters(text));
            }
        }
    }

    // Texts with one more parameter cast, the most likely one first.
    private static IEnumerable<Correction> Casts(string text, int? position, PostgresException e)
    {
        var tokens = SqlToken.Read(text);
        var error = tokens.TakeWhile(t => t.Start < position).Count();
        if (tokens.Is(error, SqlTokenKind.Parameter)
            && (e.SqlState == PostgresErrorCodes.FeatureNotSupported || tokens.Is(error - 1, "default")))
        {
            // The path of JSON_TABLE and a default of JSON_VALUE have to be constants, and any gives a plan.
            var (start, end) = (tokens[error].Start, tokens[error].End);
            var constant = string.Concat(
                text.AsSpan(0, start), tokens.Is(error - 1, "default") ? "null" : "'$'", text.AsSpan(end));
            yield return new Correction(PlannableText.TryMake(constant, out _)!);
        }

        var isUnknown = e.SqlState == PostgresErrorCodes.IndeterminateDatatype;
        var number = isUnknown ? ParameterNumber().Match(e.MessageText).Value : "";
        var bare = Enumerable.Range(0, tokens.Count)
            .Where(i => tokens[i].Kind == SqlTokenKind.Parameter && (number.Length == 0 || tokens[i].Text == number)
                && !tokens.Is(i + 1, SqlTokenKind.Cast) && !(tokens.Is(i + 1, "as") && tokens.Is(i - 2, "cast")))
            .ToList();
        var near = position is null
            ? bare.Take(4 * MaximumDistance).ToList()
            : [.. bare.Where(i => i < error).TakeLast(MaximumDistance).Concat(bare.Where(i => i >= error).Take(MaximumDistance))
                .OrderBy(i => Math.Abs(i - error))];
        var first = isUnknown ? "text" : "integer";
        foreach (var (type, shown) in Types.Where((t, i) => i < UnnamedTypes || IsNamed(t.Shown, e.MessageText))
            .OrderByDescending(t => t.Type == first)
            .ThenByDescending(t => t.Type != "text" && IsNamed(t.Shown, e.MessageText)))
        {
            foreach (var i in near)
            {
                // Without brackets "json_object($1::text value 1)" is a syntax error.
                yield return new Correction($"{text[..tokens[i].Start]}({tokens[i].Text}::{type}){text[tokens[i].End..]}")
                {
                    Token = UncastIndex(tokens, i),
                    Type = shown,
                };
            }
        }
    }

    // The position of a token among those that are no part of a cast.
    private static int UncastIndex(IReadOnlyList<SqlToken> tokens, int position) =>
        Enumerable.Range(0, position).Count(
            i => tokens[i].Kind != SqlTokenKind.Cast && !tokens.Is(i - 1, SqlTokenKind.Cast)
                && !(tokens.Is(i + 1, SqlTokenKind.Parameter) && tokens.Is(i + 2, SqlTokenKind.Cast))
                && !(tokens.Is(i - 3, SqlTokenKind.Parameter) && tokens.Is(i - 2, SqlTokenKind.Cast)));

    private static bool IsNamed(string type, string message)
    {
        var at = message.IndexOf(type, StringComparison.Ordinal);
        return type.Length > 0 && at >= 0 && (at == 0 || !char.IsLetterOrDigit(message[at - 1]))
            && (at + type.Length == message.Length || !char.IsLetterOrDigit(message[at + type.Length]));
    }

    /// <summary>Where a statement fails, regardless of the casts in it.</summary>
    /// <param name="Token">The position among the tokens; -1 where the server names none.</param>
    /// <param name="SqlState">The condition.</param>
    /// <param name="Message">The server's message.</param>
    private sealed record Place(int Token, string SqlState, string Message)
    {
        public static Place Of(string text, PostgresException e)
        {
            var position = PositionIn(text, e);
            var tokens = SqlToken.Read(text);
            return new Place(
                position is null ? -1 : UncastIndex(tokens, tokens.TakeWhile(t => t.Start < position).Count()),
                e.SqlState, e.MessageText);
        }

        /// <summary>
        /// Whether the statement got further by a correction. An error that names the type of a cast near the cast is probably
        /// the work of the cast.
        /// </summary>
        /// <param name="other">Where it failed before.</param>
        /// <param name="correction">The correction.</param>
        /// <param name="isBold">Whether to take every other place for progress.</param>
        public bool IsProgress(Place other, Correction correction, bool isBold)
        {
            var isNamed = IsNamed(correction.Type, Message);
            // Where the type was in question before, too, the next place may only have the same fault.
            var near = Token > other.Token && IsNamed(correction.Type, other.Message) ? NextToCast : NearCast;
            // Without a place the error may be that of several parameters, and each cast is one less: a domain refuses the null
            // that stands for a parameter.
            return (other.Token < 0 && Token < 0)
                || (Token == other.Token ? Message != other.Message && !isNamed
                    : isBold || !isNamed || Math.Abs(Token - correction.Token) > near);
        }
    }

    /// <summary>A text to try.</summary>
    /// <param name="Text">The text.</param>
    private sealed record Correction(string Text)
    {
        /// <summary>The parameter that it casts, by its position among the tokens.</summary>
        public int Token { get; init; }

        /// <summary>The type of the cast, by its name in messages; empty where it is not a cast.</summary>
        public string Type { get; init; } = "";
    }
}
