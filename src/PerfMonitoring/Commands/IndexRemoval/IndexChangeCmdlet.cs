using System.Management.Automation;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Commands.IndexRemoval;

/// <summary>A cmdlet that changes indexes of the monitored database, one after the other, without blocking reads or writes.</summary>
public abstract class IndexChangeCmdlet : ConnectedCmdlet
{
    /// <summary>How long each wait for a lock or for other transactions may last; zero waits for ever.</summary>
    [Parameter]
    public TimeSpan LockTimeout { get; set; } = new IndexBuildOptions().LockTimeout;

    /// <summary>How often it is tried again after such a wait was too long.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int MaximumRetry { get; set; } = new IndexBuildOptions().MaximumRetry;

    private protected IndexBuildOptions Options => new() { LockTimeout = LockTimeout, MaximumRetry = MaximumRetry };

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() =>
        {
            // A bare number is ticks to PowerShell: 30 would be 3 microseconds.
            if (LockTimeout != TimeSpan.Zero && LockTimeout.TotalMilliseconds is < 1 or > int.MaxValue)
            {
                throw new PerfMonitoringException(
                    "InvalidLockTimeout", FailureKind.InvalidArgument,
                    $"-LockTimeout is {LockTimeout.TotalSeconds} s; it must be 0 or from 1 ms to 24 days.",
                    "Write it as hours:minutes:seconds, 00:00:30 for 30 seconds, or 0 to wait for ever.", LockTimeout);
            }
        });
    }

    /// <summary>Does a change with progress. What is left after Ctrl+C is said by the host: a stopped pipeline takes no errors.</summary>
    private protected T Change<T>(string activity, Func<IProgress<IndexCreationProgress>, CancellationToken, Task<T>> work)
    {
        try
        {
            return AwaitWithProgress(work, report =>
            {
                var blockers = report.Blockers.Count == 0 ? null : "waits for " + string.Join(", ", report.Blockers);
                WriteProgress(new ProgressRecord(0, activity, report.Phase)
                {
                    // -1 shows no bar: unknown is not 0 %.
                    PercentComplete = report.Percent is { } percent ? (int)percent : -1,
                    CurrentOperation = blockers,
                });
            });
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
}
