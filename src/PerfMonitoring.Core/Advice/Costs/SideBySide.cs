namespace PerfMonitoring.Advice;

/// <summary>Concurrent work on many positions, one for each session.</summary>
internal static class SideBySide
{
    /// <summary>
    /// Runs the work for each position. A position uses the same session in each run: between equal plans the planner decides by
    /// the history of the session, and the same input must give the same advice. The first failure ends all.
    /// </summary>
    public static async Task ForEachAsync(
        IReadOnlyList<IWhatIf> sessions, IEnumerable<int> positions, Func<IWhatIf, int, Task> action)
    {
        var all = positions.ToList();
        var stop = false;
        await Task.WhenAll(sessions.Select(async (session, first) =>
        {
            try
            {
                for (var i = first; i < all.Count && !Volatile.Read(ref stop); i += sessions.Count)
                {
                    await action(session, all[i]);
                }
            }
            catch
            {
                Volatile.Write(ref stop, true);
                throw;
            }
        }));
    }
}
