using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Asks the default session for completions: shortly, and silent when that fails, since somebody is typing.</summary>
internal static class Lookup
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(500);

    public static IReadOnlyList<T> Ask<T>(Func<IMonitoringConnection, CancellationToken, Task<IReadOnlyList<T>>> question)
    {
        if (SessionTable.Current.Default is not { } session)
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
