using System.Collections.Concurrent;

namespace PerfMonitoring.Advisor;

/// <summary>Work on many places, as many at once as there are sessions.</summary>
internal static class SideBySide
{
    /// <summary>Does it for each place, in their order by and large. The first failure ends it.</summary>
    public static async Task ForEachAsync(IReadOnlyList<IWhatIf> sessions, IEnumerable<int> places, Func<IWhatIf, int, Task> action)
    {
        var queue = new ConcurrentQueue<int>(places);
        await Task.WhenAll(sessions.Select(async session =>
        {
            try
            {
                while (queue.TryDequeue(out var place))
                {
                    await action(session, place);
                }
            }
            catch
            {
                queue.Clear();
                throw;
            }
        }));
    }
}
