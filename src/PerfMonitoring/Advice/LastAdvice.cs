using System.Runtime.CompilerServices;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Advice;

/// <summary>The last advice of each session, kept in memory for as long as the session exists.</summary>
internal static class LastAdvice
{
    private static readonly ConditionalWeakTable<PerfMonitoringSession, IndexAdvice> All = [];

    public static IndexAdvice? Of(PerfMonitoringSession session) => All.TryGetValue(session, out var advice) ? advice : null;

    public static void Set(PerfMonitoringSession session, IndexAdvice advice) => All.AddOrUpdate(session, advice);
}
