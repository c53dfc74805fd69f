using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// Tells the listener of the running work which statements the driver sends. Every command of every connection passes here. What
/// is not a file of this project is told by its command alone, because it may hold constants of a user.
/// </summary>
/// <param name="server">The address of the server and the database.</param>
internal sealed class StatementLogger(string server) : ILoggerFactory, ILogger
{
    // The commands that the module composes or takes from users.
    private static readonly HashSet<string> Commands = new(StringComparer.OrdinalIgnoreCase)
    {
        "alter", "begin", "close", "comment", "commit", "copy", "create", "deallocate", "declare", "delete", "discard", "do",
        "drop", "execute", "explain", "fetch", "grant", "insert", "listen", "lock", "merge", "prepare", "reindex", "release",
        "reset", "rollback", "savepoint", "select", "set", "show", "table", "truncate", "update", "values", "with",
    };

    public ILogger CreateLogger(string categoryName) => categoryName == "Npgsql.Command" ? this : NullLogger.Instance;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    // The driver tells of beginnings with the level Debug and of ends with Information.
    public bool IsEnabled(LogLevel logLevel) =>
        StatementFeed.Listener is { } listener
        && (logLevel == LogLevel.Information || (logLevel == LogLevel.Debug && listener.WantsText));

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (StatementFeed.Listener is not { } listener || !IsEnabled(logLevel)
            || state is not IReadOnlyList<KeyValuePair<string, object?>> values)
        {
            return;
        }

        string[] texts = [];
        long? milliseconds = null;
        foreach (var (key, value) in values)
        {
            switch (key, value)
            {
                case ("CommandText", string text):
                    texts = [text];
                    break;
                case ("BatchCommands", IEnumerable<string> batch):
                    texts = [.. batch];
                    break;
                case ("DurationMs", long time):
                    milliseconds = time;
                    break;
            }
        }

        if (texts.Length == 0)
        {
            return;
        }

        var names = string.Join(
            ", ", texts.Select(NameOf).GroupBy(n => n).Select(g => g.Count() == 1 ? g.Key : $"{g.Key} ({g.Count()} times)"));
        if (milliseconds is { } duration)
        {
            listener.Ends(server, names, TimeSpan.FromMilliseconds(duration));
        }
        else if (logLevel == LogLevel.Debug)
        {
            var ours = texts.Select(Sql.NameOf).OfType<string>().Distinct().Select(Sql.Get);
            listener.Begins(server, names, string.Join("\n", ours));
        }
    }

    public void Dispose()
    {
    }

    private static string NameOf(string text)
    {
        if (Sql.NameOf(text) is { } name)
        {
            return name;
        }

        var word = string.Concat(text.TrimStart().TakeWhile(char.IsAsciiLetter));
        return Commands.Contains(word) ? word.ToUpperInvariant() : "another statement";
    }
}
