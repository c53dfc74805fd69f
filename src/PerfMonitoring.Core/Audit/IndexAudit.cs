using System.Diagnostics;
using PerfMonitoring.Common;

namespace PerfMonitoring.Audit;

/// <summary>
/// Records changes to indexes in the store. A failure of the store does not revert the change: it is reported beside the result.
/// </summary>
internal static class IndexAudit
{
    // A pooled connection may be closed in the meantime, and a restarted server is soon available.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// Records the outcome of an action; cannot be cancelled. An action whose outcome cannot be recorded stays as started, which
    /// means that the outcome is unknown.
    /// </summary>
    /// <param name="actions">The audit.</param>
    /// <param name="id">The result of <see cref="IIndexActionRepository.StartAsync"/>.</param>
    /// <param name="outcome">The outcome.</param>
    /// <param name="failure">The reason of the failure, or null.</param>
    /// <param name="index">The name of the index in messages.</param>
    /// <param name="subject">The subject of the error.</param>
    /// <returns>ActionNotRecorded, or null.</returns>
    public static async Task<PerfMonitoringException?> FinishAsync(
        IIndexActionRepository actions, Guid? id, IndexActionOutcome outcome, string? failure, string index, object subject)
    {
        try
        {
            await TellAsync(() => actions.FinishAsync(id, outcome, failure, CancellationToken.None));
            return null;
        }
        catch (PerfMonitoringException e)
        {
            return new PerfMonitoringException(
                ErrorIds.ActionNotRecorded, FailureKind.ServerError,
                $"{index}: the store could not be told that it ended as {outcome}: {e.Message}",
                "Repair the store; Get-IndexStrategyHistory shows the action as Started.", subject, e);
        }
    }

    /// <summary>Marks strategies as created or not created, after the change.</summary>
    /// <param name="mark">Writes the marks; it must not be cancelled.</param>
    /// <param name="done">The change, as the beginning of a sentence.</param>
    /// <param name="remedy">The remedy after the store is repaired, as the end of a sentence.</param>
    /// <param name="subject">The subject of the error.</param>
    /// <returns>StrategyNotMarked, or null.</returns>
    public static async Task<PerfMonitoringException?> MarkAsync(Func<Task> mark, string done, string remedy, object subject)
    {
        try
        {
            await TellAsync(mark);
            return null;
        }
        catch (PerfMonitoringException e)
        {
            return new PerfMonitoringException(
                ErrorIds.StrategyNotMarked, e.Kind == FailureKind.ConnectionFailed ? FailureKind.ServerError : e.Kind,
                $"{done}, but its strategy could not be marked: {e.Message}", $"Repair the store and {remedy}.", subject, e);
        }
    }

    private static async Task TellAsync(Func<Task> tell)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await tell();
                return;
            }
            catch (PerfMonitoringException e)
                when (e.Kind == FailureKind.ConnectionFailed && Stopwatch.GetElapsedTime(since) < Patience)
            {
                await Task.Delay(Pause);
            }
        }
    }
}
