namespace PerfMonitoring.Advice;

/// <summary>Work on many places, as many at once as there are sessions.</summary>
internal static class SideBySide
{
    /// <summary>
    /// Does it for each place. A place falls to the same session in each run: between equal plans the planner decides by what the
    /// session had before, and the same input shall give the same advice. The first failure ends it.
    /// </summary>
    public static async Task ForEachAsync(
        IReadOnlyList<IWhatIf> sessions, IEnumerable<int> places, Func<IWhatIf, int, Task> action)
    {
        var all = places.ToList();
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
