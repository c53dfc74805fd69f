namespace PerfMonitoring.Usage;

/// <summary>For how long nobody scanned an index, by the counters and what was stored of them.</summary>
/// <param name="Since">No scan was counted since then; null where it is unknown since when the counters count.</param>
/// <param name="IsScannedBefore">Whether it was scanned before, or may have been.</param>
/// <param name="Gap">The time in between that no counter covers.</param>
/// <param name="Resets">How often the counters began anew in between.</param>
internal sealed record IdleTime(DateTimeOffset? Since, bool IsScannedBefore, TimeSpan Gap, int Resets)
{
    /// <summary>
    /// Of one server. Null where the server has no statistics of the index, or where it was scanned at a time that is not known.
    /// </summary>
    /// <param name="now">When the counter was read.</param>
    /// <param name="count">The counter.</param>
    /// <param name="past">What was stored of it, the latest first.</param>
    public static IdleTime? Of(DateTimeOffset now, ScanCount count, IEnumerable<(DateTimeOffset At, ScanCount Count)> past)
    {
        if (count.Scans is null)
        {
            return null;
        }

        // Where a row of the past ends the search, what was found up to the row after it stands.
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
                // Of a server that took this one's place, or of one whose counters began when they were read already.
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
