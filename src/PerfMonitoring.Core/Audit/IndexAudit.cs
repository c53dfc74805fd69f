using System.Diagnostics;
using PerfMonitoring.Common;

namespace PerfMonitoring.Audit;

/// <summary>
/// Tells the store what was done to an index. A store that fails unmakes nothing: it is a failure beside what was done.
/// </summary>
public static class IndexAudit
{
    // A connection that waited in the pool may have been ended meanwhile, and a server that was restarted is soon there again.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// Writes how an action ended. Not cancelled; one whose end cannot be written stays as started, which says that it is
    /// unknown.
    /// </summary>
    /// <param name="actions">The audit.</param>
    /// <param name="id">What <see cref="IIndexActionRepository.StartAsync"/> returned.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="failure">Why it failed, or null.</param>
    /// <param name="index">The index, as messages name it.</param>
    /// <param name="subject">What the error is about.</param>
    /// <returns>ActionNotRecorded, or null.</returns>
    public static async Task<PerfMonitoringException?> FinishAsync(
        IIndexActionRepository actions, Guid? id, IndexActionOutcome outcome, string? failure, string index, object subject)
    {
        ArgumentNullException.ThrowIfNull(actions);
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
                "Mend the store; Get-IndexStrategyHistory shows the action as Started.", subject, e);
        }
    }

    /// <summary>Marks strategies as created or not, after what was done.</summary>
    /// <param name="mark">Marks; it is not to be cancelled.</param>
    /// <param name="done">What was done, as the beginning of a sentence.</param>
    /// <param name="remedy">What is to be done when the store is mended, as the end of a sentence.</param>
    /// <param name="subject">What the error is about.</param>
    /// <returns>StrategyNotMarked, or null.</returns>
    public static async Task<PerfMonitoringException?> MarkAsync(Func<Task> mark, string done, string remedy, object subject)
    {
        ArgumentNullException.ThrowIfNull(mark);
        try
        {
            await TellAsync(mark);
            return null;
        }
        catch (PerfMonitoringException e)
        {
            return new PerfMonitoringException(
                ErrorIds.StrategyNotMarked, e.Kind == FailureKind.ConnectionFailed ? FailureKind.ServerError : e.Kind,
                $"{done}, but its strategy could not be marked: {e.Message}", $"Mend the store and {remedy}.", subject, e);
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
