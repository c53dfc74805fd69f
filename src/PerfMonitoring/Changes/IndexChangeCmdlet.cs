using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;

namespace PerfMonitoring.Changes;

/// <summary>A cmdlet that changes indexes of the monitored database without blocking reads or writes.</summary>
public abstract class IndexChangeCmdlet : ConnectedCmdlet
{
    /// <summary>How long a wait for a lock may last; zero waits for ever.</summary>
    [Parameter]
    [Duration("1ms", "24d", OrZero = true)]
    [Configured("IndexChange.LockTimeout")]
    public TimeSpan LockTimeout { get; set; } = new IndexChangeOptions().LockTimeout;

    /// <summary>How many times the change is tried again after a wait that was too long.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    [Configured("IndexChange.MaximumRetry")]
    public int MaximumRetry { get; set; } = new IndexChangeOptions().MaximumRetry;

    private protected IndexChangeOptions Options => new() { LockTimeout = LockTimeout, MaximumRetry = MaximumRetry };

    /// <inheritdoc/>
    internal override void BeginWork()
    {
        base.BeginWork();
        Run(() =>
        {
            // What earlier runs could not write, for their process was killed, decides what there is to do.
            if (!IsWhatIf)
            {
                Await(token => Connection.Actions.ReconcileAsync(null, token));
            }
        });
    }

    /// <summary>Asks whether an index shall be dropped, after saying whom that hinders.</summary>
    private protected bool ShouldDrop(IndexRemoval removal, string statement)
    {
        if (removal.Warning is { } warning)
        {
            WriteWarning(warning);
        }

        return ShouldProcess($"{removal.Usage.TableName} in {Connection.Target}", statement);
    }

    /// <summary>
    /// Makes a change with progress, and writes its result. After Ctrl+C the host shows the result, because a stopped pipeline
    /// takes neither objects nor errors.
    /// </summary>
    private protected void Change<T>(
        string activity,
        Func<IProgress<IndexChangeProgress>, CancellationToken, Task<(T Result, PerfMonitoringException? Error)>> work)
    {
        var (result, error) = Await(activity, work);
        if (Stopping)
        {
            SayWhatWasDone(result);
            throw new PipelineStoppedException();
        }

        WriteObject(result);
        if (error is not null)
        {
            throw error;
        }
    }

    private T Await<T>(string activity, Func<IProgress<IndexChangeProgress>, CancellationToken, Task<T>> work)
    {
        try
        {
            return AwaitWithProgress<IndexChangeProgress, T>(work, report => Show(activity, report));
        }
        catch (PerfMonitoringException e) when (Stopping)
        {
            SayWhatIsLeft(e);
            throw new PipelineStoppedException();
        }
        finally
        {
            if (!Stopping)
            {
                ShowDone(activity);
            }
        }
    }

    private protected void Show(string activity, IndexChangeProgress report, int activityId = 0) =>
        WriteProgress(new ProgressRecord(activityId, activity, report.Phase)
    {
        // -1 hides the bar, because unknown is not 0 %.
        PercentComplete = report.Percent is { } percent ? (int)percent : -1,
        SecondsRemaining = report.Remaining is { } remaining
            ? (int)Math.Min(Math.Max(0, remaining.TotalSeconds), int.MaxValue) : -1,
        CurrentOperation = report.BlockedBy.Count == 0 ? null : "waits for " + string.Join(", ", report.BlockedBy),
    });

    private protected void ShowDone(string activity, int activityId = 0) =>
        WriteProgress(new ProgressRecord(activityId, activity, "Done") { RecordType = ProgressRecordType.Completed });

    /// <summary>Shows the result through the host if the pipeline is already stopped.</summary>
    private protected void SayWhatWasDone(object? result)
    {
        if (result is IndexRemovalResult { State: IndexRemovalState.Removed } removed)
        {
            SayToHost(
                $"{removed.IndexName} is dropped: the drop was begun when it was stopped. "
                    + $"{removed.UndoStatement} restores it.");
        }
        else if (result is IndexCreationResult { State: IndexCreationState.Created } created)
        {
            SayToHost($"{created.IndexName} on {created.TableName} is built.");
        }
        else if (result is IndexRepairResult { State: IndexRepairState.Rebuilt } rebuilt)
        {
            SayToHost($"{rebuilt.IndexName} on {rebuilt.TableName} is rebuilt.");
        }
        else if (result is IndexCreationResult { State: IndexCreationState.Reverted } reverted)
        {
            SayToHost($"{reverted.IndexName} on {reverted.TableName} was built and is dropped again. {reverted.Reason}");
        }
    }

    /// <summary>Shows what is left through the host if the pipeline is already stopped.</summary>
    private protected void SayWhatIsLeft(PerfMonitoringException e) =>
        SayToHost(e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}");
}
