using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>
/// Makes statements plannable that ran under other conditions: with another search_path, or with parameter types that only the
/// driver sent. It remembers each correction.
/// </summary>
/// <remarks> A table that is not on the search path gets the schema that has a table of this name, if there is only one such
/// schema. With several, the right one is unknown. A longer search path is not an option: a user who may create functions in one
/// of the schemas could replace the system's functions.
/// </remarks>
internal sealed partial class StatementRepair(Database target)
{
    private const int MaximumAttempts = 30;

    private readonly ConcurrentDictionary<string, string> mended = new(StringComparer.Ordinal);

    /// <summary>Plans a statement, and corrects it as long as a correction helps.</summary>
    /// <param name="text">The statement, as <see cref="PlannableText"/> returns it.</param>
    /// <param name="plan">Plans a text.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">PlanFailed, with the last reason.</exception>
    public async Task<T> PlanAsync<T>(string text, Func<string, Task<T>> plan, CancellationToken cancellationToken)
    {
        var attempt = mended.GetValueOrDefault(text, text);
        for (var i = 0; ; i++)
        {
            try
            {
                var result = await plan(attempt);
                if (i > 0)
                {
                    mended[text] = attempt;
                }

                return result;
            }
            catch (PostgresException e) when (!cancellationToken.IsCancellationRequested)
            {
                var next = e.SqlState switch
                {
                    PostgresErrorCodes.UndefinedTable => await WithSchemaAsync(attempt, e, cancellationToken),
                    PostgresErrorCodes.IndeterminateDatatype => WithType(attempt, e),
                    PostgresErrorCodes.AmbiguousParameter or PostgresErrorCodes.UndefinedFunction =>
                        WithSeparateParameters(attempt),
                    _ => null,
                };
                if (next is null || next == attempt || i == MaximumAttempts)
                {
                    throw PlanRepository.NotPlanned(e, target.Target);
                }

                attempt = next;
            }
        }
    }

    private async Task<string?> WithSchemaAsync(string text, PostgresException e, CancellationToken cancellationToken)
    {
        if (PositionIn(text, e) is not { } position)
        {
            return null;
        }

        var lexer = new SqlLexer(text.AsSpan(position));
        if (!lexer.Read() || lexer.Kind is not (SqlTokenKind.Word or SqlTokenKind.QuotedIdentifier) || lexer.Ahead().Is('.'))
        {
            return null;
        }

        var name = RelationName.Parse(lexer.Text.ToString());
        var schemas = await target.QueryAsync<string>(
            Sql.Get("FindSchemas"), new { name.Name },
            cancellationToken);
        return schemas.Count switch
        {
            0 => null,
            1 => text.Insert(position, Identifier.Quote(schemas[0]) + "."),
            _ => throw new PerfMonitoringException(
                ErrorIds.PlanFailed, FailureKind.ServerError,
                $"{name} is not on the search path of {target.UserName}, and several schemas have one: "
                    + $"{string.Join(", ", schemas.Select(Identifier.Quote))}.",
                "Connect with the search path that it was run under: -ConnectionString '...;Search Path=...'.", target.Target),
        };
    }

    // A driver sends the types of parameters, PREPARE does not. A parameter whose type nothing else determines is cast to text.
    private static string? WithType(string text, PostgresException e)
    {
        if (!int.TryParse(
            ParameterNumber().Match(e.MessageText).Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture,
            out var number))
        {
            return null;
        }

        var lexer = new SqlLexer(text);
        while (lexer.Read())
        {
            if (lexer.Kind == SqlTokenKind.Parameter
                && lexer.Text[1..].SequenceEqual(number.ToString(CultureInfo.InvariantCulture))
                && lexer.Ahead().Kind != SqlTokenKind.Cast)
            {
                return text.Insert(lexer.End, "::text");
            }
        }

        return null;
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
}
