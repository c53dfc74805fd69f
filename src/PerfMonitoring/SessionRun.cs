using System.Management.Automation;
using System.Management.Automation.Host;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring;

/// <summary>
/// The part of a run that works on one session. Its steps run one after the other. It is the runtime of its cmdlet: it passes on
/// what the cmdlet writes and asks to the pipeline's thread.
/// </summary>
internal sealed class SessionRun(FanOut whole, PerfMonitoringSession session, int number, bool isQuiet) : IPartRuntime
{
    private readonly object gate = new();
    private readonly object ending = new();
    private readonly Queue<(Action<ConnectedCmdlet> Act, bool IsLast)> steps = new();
    private readonly HashSet<int> activities = [];
    private ConnectedCmdlet cmdlet = null!;
    private bool isScheduled;
    private bool isDone;

    public PerfMonitoringSession Session => session;

    /// <summary>Whether all that it wrote was shown; for the pipeline's thread.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What the cmdlet answered to -Quiet; null without an answer.</summary>
    public bool? Verdict { get; private set; }

    /// <summary>Number of steps that wait.</summary>
    public int Backlog
    {
        get
        {
            lock (gate)
            {
                return steps.Count;
            }
        }
    }

    /// <inheritdoc/>
    public PSHost Host => whole.Runtime.Host;

    /// <inheritdoc/>
    public PSTransactionContext CurrentPSTransaction => whole.Runtime.CurrentPSTransaction;

    /// <summary>Adds the first step, and the cmdlet that takes the steps.</summary>
    public void Post(ConnectedCmdlet part, Action<ConnectedCmdlet> act)
    {
        cmdlet = part;
        Post(act);
    }

    /// <summary>Adds a step.</summary>
    public void Post(Action<ConnectedCmdlet> act, bool isLast = false)
    {
        lock (gate)
        {
            steps.Enqueue((act, isLast));
            if (isScheduled)
            {
                return;
            }

            isScheduled = true;
        }

        whole.Schedule(this);
    }

    /// <summary>Stops the step that runs, and runs no other.</summary>
    public void Stop()
    {
        lock (ending)
        {
            if (isDone)
            {
                return;
            }

            cmdlet.StopWork();
        }

        // A part without work must end, too.
        Post(static _ => throw new PipelineStoppedException());
    }

    /// <summary>Runs the steps that wait; for the threads of the run.</summary>
    public void Work()
    {
        while (true)
        {
            (Action<ConnectedCmdlet> Act, bool IsLast) step;
            lock (gate)
            {
                if (!steps.TryDequeue(out step))
                {
                    isScheduled = false;
                    return;
                }
            }

            if (!isDone)
            {
                Run(step.Act, step.IsLast);
            }
        }
    }

    /// <inheritdoc/>
    public void SayToHost(string line) => whole.Tell(() => SayNow(line), evenStopped: true);

    /// <summary>Shows a line through the host; for the pipeline's thread.</summary>
    public void SayNow(string line) => whole.Runtime.Host.UI.WriteWarningLine(VisibleText.Line(Name(line)));

    /// <inheritdoc/>
    public void WriteObject(object? sendToPipeline)
    {
        // A list of answers would be true whatever they are, so that the whole gives one.
        if (isQuiet && sendToPipeline is bool answer)
        {
            Verdict = answer;
            return;
        }

        whole.Tell(() => whole.Runtime.WriteObject(sendToPipeline));
    }

    /// <inheritdoc/>
    public void WriteObject(object? sendToPipeline, bool enumerateCollection) =>
        whole.Tell(() => whole.Runtime.WriteObject(sendToPipeline, enumerateCollection));

    /// <inheritdoc/>
    public void WriteError(ErrorRecord errorRecord) => whole.Tell(() => whole.WriteError(errorRecord, this));

    /// <inheritdoc/>
    public void WriteWarning(string text) => whole.Tell(() => whole.Runtime.WriteWarning(Name(text)));

    /// <inheritdoc/>
    public void WriteVerbose(string text) => whole.Tell(() => whole.Runtime.WriteVerbose(Name(text)));

    /// <inheritdoc/>
    public void WriteDebug(string text) => whole.Tell(() => whole.Runtime.WriteDebug(Name(text)));

    /// <inheritdoc/>
    public void WriteCommandDetail(string text) => whole.Tell(() => whole.Runtime.WriteCommandDetail(Name(text)));

    /// <inheritdoc/>
    public void WriteInformation(InformationRecord informationRecord) => whole.Tell(() =>
    {
        if (informationRecord.MessageData is HostInformationMessage line)
        {
            line.Message = Name(line.Message);
        }

        whole.Runtime.WriteInformation(informationRecord);
    });

    /// <inheritdoc/>
    public void WriteProgress(ProgressRecord progressRecord)
    {
        // The cmdlet may change the record after it has passed it on.
        var id = FanOut.ProgressIdOf(number, progressRecord.ActivityId);
        var shown = new ProgressRecord(id, progressRecord.Activity, progressRecord.StatusDescription)
        {
            PercentComplete = progressRecord.PercentComplete,
            SecondsRemaining = progressRecord.SecondsRemaining,
            RecordType = progressRecord.RecordType,
        };
        if (!string.IsNullOrEmpty(progressRecord.CurrentOperation))
        {
            shown.CurrentOperation = progressRecord.CurrentOperation;
        }

        whole.Tell(() => ShowProgress(shown));
    }

    /// <inheritdoc/>
    public void WriteProgress(long sourceId, ProgressRecord progressRecord) => WriteProgress(progressRecord);

    /// <inheritdoc/>
    public bool ShouldProcess(string? target) => Ask(() => whole.Runtime.ShouldProcess(Name(target)));

    /// <inheritdoc/>
    public bool ShouldProcess(string? target, string? action) => Ask(() => whole.Runtime.ShouldProcess(Name(target), action));

    /// <inheritdoc/>
    public bool ShouldProcess(string? verboseDescription, string? verboseWarning, string? caption) =>
        Ask(() => whole.Runtime.ShouldProcess(Name(verboseDescription), Name(verboseWarning), caption));

    /// <inheritdoc/>
    public bool ShouldProcess(
        string? verboseDescription, string? verboseWarning, string? caption, out ShouldProcessReason shouldProcessReason)
    {
        (var answer, shouldProcessReason) = Ask(() =>
            (whole.Runtime.ShouldProcess(Name(verboseDescription), Name(verboseWarning), caption, out var reason), reason));
        return answer;
    }

    /// <inheritdoc/>
    public bool ShouldContinue(string? query, string? caption) => Ask(() => whole.Runtime.ShouldContinue(Name(query), caption));

    /// <inheritdoc/>
    public bool ShouldContinue(string? query, string? caption, ref bool yesToAll, ref bool noToAll)
    {
        var (yes, no) = (yesToAll, noToAll);
        var answer = Ask(() => whole.Runtime.ShouldContinue(Name(query), caption, ref yes, ref no));
        (yesToAll, noToAll) = (yes, no);
        return answer;
    }

    /// <inheritdoc/>
    public bool ShouldContinue(
        string? query, string? caption, bool hasSecurityImpact, ref bool yesToAll, ref bool noToAll)
    {
        var (yes, no) = (yesToAll, noToAll);
        var answer = Ask(() => whole.Runtime.ShouldContinue(Name(query), caption, hasSecurityImpact, ref yes, ref no));
        (yesToAll, noToAll) = (yes, no);
        return answer;
    }

    /// <inheritdoc/>
    public bool TransactionAvailable() => false;

    /// <summary>Ends this part; the others go on.</summary>
    public void ThrowTerminatingError(ErrorRecord errorRecord)
    {
        whole.Tell(() => whole.EndWith(this, errorRecord));
        throw new PipelineStoppedException();
    }

    private void Run(Action<ConnectedCmdlet> act, bool isLast)
    {
        try
        {
            if (whole.Stopped.IsCancellationRequested)
            {
                throw new PipelineStoppedException();
            }

            act(cmdlet);
            if (!isLast)
            {
                return;
            }
        }
        catch (PipelineStoppedException)
        {
            // It was stopped, or its error is on its way.
        }
        catch (Exception e)
        {
            // PowerShell itself writes a failure that a cmdlet does not expect in the same form.
            whole.Tell(
                () => whole.EndWith(this, new ErrorRecord(e, e.GetType().FullName, ErrorCategory.NotSpecified, session)),
                evenStopped: true);
        }

        lock (ending)
        {
            isDone = true;
        }

        cmdlet.Dispose();
        whole.Tell(
            () =>
            {
                HasEnded = true;
                if (!whole.Stopped.IsCancellationRequested)
                {
                    EndProgress();
                }

                whole.Ended();
            },
            evenStopped: true);
    }

    private T Ask<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        whole.Tell(() =>
        {
            try
            {
                answer.SetResult(question());
            }
            catch (Exception e)
            {
                answer.SetException(e);
                throw;
            }
        });
        try
        {
            return answer.Task.WaitAsync(whole.Stopped).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
    }

    private void ShowProgress(ProgressRecord shown)
    {
        if (whole.IsSeveral)
        {
            shown.ParentActivityId = FanOut.WholeProgressId;
        }

        shown.Activity = Name(shown.Activity);

        if (shown.RecordType == ProgressRecordType.Completed)
        {
            activities.Remove(shown.ActivityId);
        }
        else
        {
            activities.Add(shown.ActivityId);
        }

        whole.Runtime.WriteProgress(shown);
    }

    private void EndProgress()
    {
        foreach (var id in activities)
        {
            whole.Runtime.WriteProgress(
                new ProgressRecord(id, session.Name, "Done") { RecordType = ProgressRecordType.Completed });
        }

        activities.Clear();
    }

    private string Name(string? text) => $"{session.Name}: {text}";
}
