namespace PerfMonitoring.Usage;

/// <summary>The time without a scan of an index, by the counters and their stored history.</summary>
/// <param name="Since">Start of the time without a scan; null where the start of the counting is unknown.</param>
/// <param name="IsScannedBefore">Whether it was scanned before that, or may have been.</param>
/// <param name="Gap">Time since then that no counter covers.</param>
/// <param name="Resets">Number of counter resets since then.</param>
internal sealed record IdleTime(DateTimeOffset? Since, bool IsScannedBefore, TimeSpan Gap, int Resets)
{
    /// <summary>
    /// The time without a scan on one server. Null where the server has no statistics of the index, or the time of the last scan
    /// is unknown.
    /// </summary>
    /// <param name="now">Time when the counter was read.</param>
    /// <param name="count">The counter.</param>
    /// <param name="past">The stored history of the counter, the latest first.</param>
    public static IdleTime? Of(DateTimeOffset now, ScanCount count, IEnumerable<(DateTimeOffset At, ScanCount Count)> past)
    {
        if (count.Scans is null)
        {
            return null;
        }

        // Where a row of the history ends the search, the result of the following row stands.
        var found = count.Scans == 0 ? new IdleTime(count.Since, false, default, 0)
            : count.LastScan is { } last ? new IdleTime(last, true, default, 0)
            : null;
        var later = (At: now, Count: count);
        foreach (var earlier in past.SkipWhile(p => p.At >= now))
        {
            if (found is { IsScannedBefore: true } && later.Count.LastScan is not null)
            {
                break;
            }

            var (resets, gap) = (found?.Resets ?? 0, found?.Gap ?? default);
            if (earlier.Count.Scans is null || earlier.Count.Since is null)
            {
                break;
            }

            if (earlier.Count.Since != later.Count.Since)
            {
                // The row is from a server that this one replaced, or the counters began before they were read.
                if (later.Count.Since is not { } began || began < earlier.At)
                {
                    break;
                }

                if (later.Count.Scans > 0)
                {
                    return found;
                }

                (resets, gap) = (resets + 1, gap + (began - earlier.At));
            }
            else if (earlier.Count.Scans != later.Count.Scans)
            {
                return found;
            }

            found = earlier.Count.Scans == 0
                ? new IdleTime(earlier.Count.Since, false, gap, resets)
                : new IdleTime(earlier.Count.LastScan ?? earlier.At, true, gap, resets);
            later = earlier;
        }

        return found;
    }
}
