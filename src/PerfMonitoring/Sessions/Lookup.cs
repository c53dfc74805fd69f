using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>
/// Reads completions from the default session, with a short time limit and without errors, because the user is typing.
/// </summary>
internal static class Lookup
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    public static IReadOnlyList<T> Ask<T>(Func<IMonitoringConnection, CancellationToken, Task<IReadOnlyList<T>>> question) =>
        Ask(SessionTable.Current.Default, question);

    /// <summary>Asks the server of a session; nothing without one.</summary>
    public static IReadOnlyList<T> Ask<T>(
        PerfMonitoringSession? session, Func<IMonitoringConnection, CancellationToken, Task<IReadOnlyList<T>>> question)
    {
        if (session is null)
        {
            return [];
        }

        using var limit = new CancellationTokenSource(Limit);
        try
        {
            return Task.Run(() => question(session.Connection, limit.Token)).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is PerfMonitoringException or OperationCanceledException)
        {
            return [];
        }
    }
}
