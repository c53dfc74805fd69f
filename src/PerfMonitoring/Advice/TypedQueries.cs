using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Advice;

/// <summary>
/// The statements of -Query with their positions. The user wants advice for each typed statement, so a problem with one is an
/// error that names its position. From piped input, such as a log, some statements are always left out.
/// </summary>
internal sealed class TypedQueries
{
    // Characters of the normal form: enough to identify the statement, and without constants.
    private const int ShownLength = 60;

    private readonly Dictionary<string, (string Where, string Text)> places = new(StringComparer.Ordinal);

    /// <summary>The beginning of a statement, for a message.</summary>
    /// <param name="normalized">Its normal form.</param>
    public static string Shown(string normalized) =>
        $"\"{normalized[..Math.Min(ShownLength, normalized.Length)]}{(normalized.Length > ShownLength ? "..." : "")}\"";

    /// <summary>Reads the statements of the texts.</summary>
    /// <param name="texts">The argument.</param>
    /// <param name="weight">The weight of each statement.</param>
    /// <param name="failures">Receives an error for each text that is not a statement.</param>
    public List<WorkloadStatement> Read(string[] texts, double weight, Action<PerfMonitoringException> failures)
    {
        var statements = new List<WorkloadStatement>();
        for (var i = 0; i < texts.Length; i++)
        {
            var name = texts.Length == 1 ? "-Query" : $"Element {i + 1} of -Query";
            var lexer = new SqlLexer(texts[i]);
            var last = 0;
            while (lexer.Read())
            {
                last = lexer.Start;
            }

            if (!lexer.IsClosed)
            {
                failures(
                    Invalid($"{name}, {Place(texts[i], last)}: a string, a quoted name or a comment is not closed.",
                    "Close it: what follows would be part of it."));
                continue;
            }

            var split = QueryText.Split(texts[i]);
            if (split.Count == 0)
            {
                failures(Invalid($"{name} holds no statement.", "Write a SELECT, INSERT, UPDATE, DELETE or MERGE statement."));
            }

            var from = 0;
            foreach (var statement in split)
            {
                // Split returns parts of the text, in their order.
                var at = texts[i].IndexOf(statement, from, StringComparison.Ordinal);
                from = at + statement.Length;
                var normalized = QueryText.Normalize(statement);
                var hash = QueryText.Hash(normalized);
                places.TryAdd(hash, ($"{name}, {Place(texts[i], at)}", Shown(normalized)));
                statements.Add(new WorkloadStatement(statement, hash, QueryText.Shorten(normalized), weight, null));
            }
        }

        return statements;
    }

    /// <summary>The error for a statement that was left out; null if it was not typed.</summary>
    public PerfMonitoringException? Failure(SkippedStatement skipped) => places.TryGetValue(skipped.QueryHash, out var place)
        ? Invalid(
            $"{place.Where}: {place.Text} gets no advice: {skipped.Reason}", "Correct the statement, or leave it out of -Query.")
        : null;

    private static string Place(string text, int at)
    {
        var before = text.AsSpan(0, at);
        return $"line {before.Count('\n') + 1}, column {at - before.LastIndexOf('\n')}";
    }

    private static PerfMonitoringException Invalid(string message, string remedy) =>
        new(ErrorIds.InvalidQuery, FailureKind.InvalidArgument, message, remedy, "Query");
}
