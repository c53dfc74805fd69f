namespace PerfMonitoring.Common;

/// <summary>How old counters must be before a verdict rests on them.</summary>
internal static class StatisticsAge
{
    /// <summary>Younger counters say nothing about an index: weekly work may not have run yet. A judgement.</summary>
    public static readonly TimeSpan Minimum = TimeSpan.FromDays(7);
}
