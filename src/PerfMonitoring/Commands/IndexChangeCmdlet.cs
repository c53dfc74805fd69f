using System.Management.Automation;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Commands;

/// <summary>A cmdlet that changes indexes of the monitored database without blocking reads or writes.</summary>
public abstract class IndexChangeCmdlet : ConnectedCmdlet
{
    /// <summary>How long a wait for a lock may last; zero waits for ever.</summary>
    [Parameter]
    public TimeSpan LockTimeout { get; set; } = new IndexBuildOptions().LockTimeout;

    /// <summary>How often it is tried again after a wait was too long.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int MaximumRetry { get; set; } = new IndexBuildOptions().MaximumRetry;

    private protected IndexBuildOptions Options => new() { LockTimeout = LockTimeout, MaximumRetry = MaximumRetry };

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() => CheckTime(nameof(LockTimeout), LockTimeout, "wait for ever"));
    }

    // A bare number is ticks to PowerShell: 30 would be 3 microseconds.
    private protected static void CheckTime(string parameter, TimeSpan value, string zero)
    {
        if (value != TimeSpan.Zero && value.TotalMilliseconds is < 1 or > int.MaxValue)
        {
            throw new PerfMonitoringException(
                "Invalid" + parameter, FailureKind.InvalidArgument, $"-{parameter} is {value.TotalSeconds} s; it must be 0 or from 1 ms to 24 days.",
                $"Write it as hours:minutes:seconds, 00:00:30 for 30 seconds, or 0 to {zero}.", value);
        }
    }

    /// <summary>Does a change with progress, and writes what became of it. What was done or left after Ctrl+C is said by the host: a stopped pipeline takes neither objects nor errors.</summary>
    private protected void Change<T>(
        string activity, Func<IProgress<IndexCreationProgress>, CancellationToken, Task<(T Result, PerfMonitoringException? Error)>> work)
    {
        var (result, error) = Await(activity, work);
        if (Stopping)
        {
            if (WhatWasDone(result) is { } done)
            {
                Host.UI.WriteWarningLine(done);
            }

            throw new PipelineStoppedException();
        }

        WriteObject(result);
        if (error is not null)
        {
            throw error;
        }
    }

    private T Await<T>(string activity, Func<IProgress<IndexCreationProgress>, CancellationToken, Task<T>> work)
    {
        try
        {
            return AwaitWithProgress(work, report => Show(activity, report));
        }
        catch (PerfMonitoringException e) when (Stopping)
        {
            Host.UI.WriteWarningLine(e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}");
            throw new PipelineStoppedException();
        }
        finally
        {
            if (!Stopping)
            {
                WriteProgress(new ProgressRecord(0, activity, "Done") { RecordType = ProgressRecordType.Completed });
            }
        }
    }

    private void Show(string activity, IndexCreationProgress report) => WriteProgress(new ProgressRecord(0, activity, report.Phase)
    {
        // -1 shows no bar: unknown is not 0 %.
        PercentComplete = report.Percent is { } percent ? (int)percent : -1,
        SecondsRemaining = report.Remaining is { } remaining ? (int)Math.Min(Math.Max(0, remaining.TotalSeconds), int.MaxValue) : -1,
        CurrentOperation = report.Blockers.Count == 0 ? null : "waits for " + string.Join(", ", report.Blockers),
    });

    private static string? WhatWasDone(object? result) => result switch
    {
        IndexRemovalResult { State: IndexRemovalState.Removed } removed =>
            $"{removed.IndexName} is dropped: the drop was begun when it was stopped. {removed.UndoStatement} makes it again.",
        IndexCreationResult { State: IndexCreationState.Created } created => $"{created.IndexName} is built: that was done when it was stopped.",
        _ => null,
    };
}
