using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>What counters say for and against calling an index unused.</summary>
internal sealed record UnusedFinding(
    IReadOnlyList<string> Reasons, IReadOnlyList<DropBlocker> Blockers, IReadOnlyList<string> Notes)
{
    /// <summary>Null where the index is used. An unknown fact is a blocker.</summary>
    public static UnusedFinding? Of(IndexUsage index, StatisticsState state, TimeSpan window)
    {
        var counts = index.Counts.Count > 0 ? index.Counts : [new ScanCount("", index.Scans, state.Since, index.LastScan)];
        var idle = counts.Select((c, i) => IdleTime.Of(state.Now, c, Past(index, i, c.Server))).ToList();
        if (counts.Zip(idle)
            .Any(s =>
                s.First.Scans is not null
                && (s.Second is null || (s.Second.IsScannedBefore && !(state.Now - s.Second.Since >= window)))))
        {
            return null;
        }

        var blockers = counts.Where(c => c.Scans is null)
            .Select(c => new DropBlocker(
                DropBlockerCode.NoStatistics,
                c.Server.Length == 0 || counts.Count == 1
                    ? "The server has no statistics of it." : $"{c.Server} has no statistics of it."))
            .ToList();
        if (blockers.Count > 0)
        {
            return new UnusedFinding([], blockers, []);
        }

        var where = counts.Count > 1 ? $" on any of {counts.Count} servers" : "";
        if (idle.Exists(i => i!.Since is null))
        {
            return new UnusedFinding(
                [$"Not scanned{where} since the statistics began."], [
                    new(DropBlockerCode.StatisticsAge, "It is unknown since when the statistics count.")], []);
        }

        // The server with the shortest known time decides.
        var worst = idle.MinBy(i => state.Now - i!.Since!.Value - i.Gap)!;
        var since = worst.Since!.Value;
        var reason =
            $"Not scanned{where} since {(worst.IsScannedBefore ? "" : "the statistics began on ")}{Date(since)} "
                + $"({Days(state.Now - since)}).";
        var covered = state.Now - since - worst.Gap;
        if (covered < StatisticsAge.Minimum)
        {
            blockers.Add(new(
                DropBlockerCode.StatisticsAge,
                worst.Resets == 0
                    ? $"The statistics began on {Date(since)}, less than {Days(StatisticsAge.Minimum)} ago."
                    : $"The statistics cover less than {Days(StatisticsAge.Minimum)}: they started again "
                        + $"{Times(worst.Resets)}."));
        }

        // The index existed at each scan and at each stored row.
        var exists = new[] { index.ExistsSince, index.LastScan, index.History.Count > 0 ? index.History[^1].At : null }.Min();
        if (exists is null)
        {
            blockers.Add(new(
                DropBlockerCode.IndexAge,
                "It is unknown how long the index has been there: PostgreSQL does not keep that. Store its usage daily with "
                    + "Update-IndexUsageStat."));
        }
        else if (state.Now - exists < StatisticsAge.Minimum)
        {
            blockers.Add(new(
                DropBlockerCode.IndexAge,
                $"It is known to be there only since {Date(exists.Value)}, less than {Days(StatisticsAge.Minimum)} ago."));
        }

        var notes = new List<string>();
        var known = exists > since && state.Now - exists.Value < covered ? state.Now - exists.Value : covered;
        if (known < window && blockers.Count == 0)
        {
            notes.Add(
                $"Only {Days(known)} of the {Days(window)} are covered; Update-IndexUsageStat, run daily, keeps what is "
                    + $"needed for the rest.");
        }

        if (worst.Resets > 0)
        {
            notes.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"The counters started again {Times(worst.Resets)} since then; {worst.Gap.TotalDays:0.#} days before that are "
                    + $"not covered."));
        }

        return new UnusedFinding([reason], blockers, notes);
    }

    // A row contains this server first, then the standbys.
    private static IEnumerable<(DateTimeOffset At, ScanCount Count)> Past(IndexUsage index, int place, string server) =>
        from row in index.History
        let count = place == 0 ? row.Counts[0] : row.Counts.Skip(1).FirstOrDefault(c => c.Server == server)
        where count is not null
        select (row.At, count);

    private static string Date(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Days(TimeSpan age) =>
        (int)age.TotalDays == 1 ? "1 day" : ((int)age.TotalDays).ToString(CultureInfo.InvariantCulture) + " days";

    private static string Times(int count) => count == 1 ? "once" : count.ToString(CultureInfo.InvariantCulture) + " times";
}
