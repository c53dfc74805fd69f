using System.Collections;
using System.Collections.Concurrent;
using System.Management.Automation;
using System.Threading.Channels;
using PerfMonitoring.Messages;

namespace PerfMonitoring.Common;

/// <summary>
/// A cmdlet with asynchronous work. Work runs in the thread pool, output is written on the pipeline's thread, and Ctrl+C cancels
/// the work.
/// </summary>
public abstract class PerfCmdlet : PSCmdlet, IDisposable
{
    // Large enough that the hand-over between threads costs little per row, small enough for flat memory use.
    private const int BatchSize = 256;

    private readonly CancellationTokenSource stopping = new();

    /// <summary>The call, where not PowerShell runs this cmdlet but <see cref="FanOut"/>; else null.</summary>
    internal Invocation? Call { get; set; }

    /// <summary>The name of the session that the cmdlet works on, for the log; null if it has none.</summary>
    internal virtual string? NameOfSession => null;

    private Housekeeping Housekeeping => field ??= new Housekeeping(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    protected override void BeginProcessing() =>
        Run(() =>
        {
            Housekeeping.Begin();
            Arguments.Check(Bound, areTyped: true, GetType());
        });

    /// <inheritdoc/>
    protected override void StopProcessing() => stopping.Cancel();

    /// <summary>Releases the cmdlet's resources.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
        {
            stopping.Dispose();
        }
    }

    internal string CommandName => Call?.CommandName ?? MyInvocation.MyCommand.Name;

    private protected new string ParameterSetName => Call?.ParameterSetName ?? base.ParameterSetName;

    internal Dictionary<string, object> BoundParameters => Bound;

    private protected Dictionary<string, object> Bound => Call?.Bound ?? MyInvocation.BoundParameters;

    private protected bool ExpectsInput => Call?.ExpectsInput ?? MyInvocation.ExpectingInput;

    private protected bool IsWhatIf => Call?.IsWhatIf ?? (Bound.TryGetValue("WhatIf", out var given)
        ? (SwitchParameter)given
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference")));

    /// <summary>Whether the pipeline was stopped, by Ctrl+C or because nobody needs its objects.</summary>
    private protected new bool Stopping => stopping.IsCancellationRequested;

    /// <summary>The call as it is now; the next object of the pipeline changes it.</summary>
    private protected Invocation TakeCall() => new(
        CommandName, ParameterSetName, new Dictionary<string, object>(Bound, StringComparer.OrdinalIgnoreCase), ExpectsInput,
        IsWhatIf);

    /// <summary>Writes an object to the pipeline.</summary>
    private protected new void WriteObject(object? item) => base.WriteObject(item is null ? null : Shown(item));

    /// <summary>Writes the objects of a list to the pipeline, or the list as one object.</summary>
    private protected new void WriteObject(object? item, bool enumerateCollection)
    {
        if (!enumerateCollection || item is not IEnumerable items)
        {
            WriteObject(item);
            return;
        }

        foreach (var one in items)
        {
            WriteObject(one);
        }
    }

    /// <summary>What the pipeline gets for an object: the object, perhaps marked for its view.</summary>
    private protected virtual object Shown(object item) => item;

    /// <summary>Writes a warning.</summary>
    private protected new void WriteWarning(string text)
    {
        Housekeeping.Note(MessageLevel.Warning, text);
        base.WriteWarning(VisibleText.Line(text));
    }

    /// <summary>Writes a verbose message.</summary>
    private protected new void WriteVerbose(string text)
    {
        Housekeeping.Note(MessageLevel.Verbose, text);
        base.WriteVerbose(VisibleText.Line(text));
    }

    /// <summary>Writes a verbose message of the configuration.</summary>
    internal void Tell(string text) => WriteVerbose(text);

    /// <summary>Writes an error, and the cmdlet goes on.</summary>
    private protected new void WriteError(ErrorRecord record)
    {
        Housekeeping.Note(record);
        base.WriteError(record);
    }

    /// <summary>Writes an error, and the cmdlet ends.</summary>
    private protected new void ThrowTerminatingError(ErrorRecord record)
    {
        Housekeeping.Note(record);
        base.ThrowTerminatingError(record);
    }

    /// <summary>Shows progress.</summary>
    private protected new void WriteProgress(ProgressRecord progress)
    {
        progress.Activity = VisibleText.Line(progress.Activity);
        progress.StatusDescription = VisibleText.Line(progress.StatusDescription);
        progress.CurrentOperation = VisibleText.Line(progress.CurrentOperation);
        base.WriteProgress(progress);
    }

    /// <summary>Asks for confirmation of an action on a target.</summary>
    private protected new bool ShouldProcess(string target, string action) =>
        base.ShouldProcess(VisibleText.Line(target), VisibleText.Line(action));

    /// <summary>Asks for confirmation with the cmdlet's text; the description may have several lines.</summary>
    private protected new bool ShouldProcess(string description, string question, string caption) =>
        base.ShouldProcess(VisibleText.Lines(description), VisibleText.Line(question), VisibleText.Line(caption));

    /// <summary>
    /// Writes a line for the person at the host, as Write-Host does: to the information stream, which a runbook can redirect (6>)
    /// or silence (-InformationAction Ignore), and never to the pipeline.
    /// </summary>
    private protected void Say(string text)
    {
        Housekeeping.Note(MessageLevel.Information, text);
        WriteInformation(new InformationRecord(new HostInformationMessage { Message = VisibleText.Line(text) }, CommandName)
        {
            Tags = { "PSHOST" },
        });
    }

    /// <summary>Writes a line through the host, because a stopped pipeline takes no warnings.</summary>
    private protected void SayToHost(string text)
    {
        Housekeeping.Note(MessageLevel.Warning, text);
        if (CommandRuntime is IPartRuntime part)
        {
            part.SayToHost(VisibleText.Line(text));
        }
        else
        {
            Host.UI.WriteWarningLine(VisibleText.Line(text));
        }
    }

    /// <summary>Waits for a result.</summary>
    private protected T Await<T>(Func<CancellationToken, Task<T>> work)
    {
        try
        {
            return Housekeeping.Wait(Housekeeping.Start(() => work(stopping.Token)));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Waits for work without a result.</summary>
    private protected void Await(Func<CancellationToken, Task> work) => Await(async token =>
    {
        await work(token);
        return true;
    });

    /// <summary>Writes the items of a source as they arrive, and holds only a few batches.</summary>
    private protected void WriteAll<T>(Func<CancellationToken, IAsyncEnumerable<T>> source) =>
        WriteAll(source, item => WriteObject(item));

    /// <summary>Passes the items of a source to <paramref name="write"/>, on the pipeline's thread.</summary>
    internal void WriteAll<T>(Func<CancellationToken, IAsyncEnumerable<T>> source, Action<T> write)
    {
        using var abandon = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        var channel = Channel.CreateBounded<T[]>(new BoundedChannelOptions(4) { SingleReader = true, SingleWriter = true });
        var producer = Housekeeping.Start(async () =>
        {
            await ProduceAsync(source(abandon.Token), channel.Writer, abandon.Token);
            return true;
        });
        try
        {
            while (channel.Reader.WaitToReadAsync(stopping.Token).AsTask().GetAwaiter().GetResult())
            {
                Housekeeping.ShowStatements();
                while (channel.Reader.TryRead(out var batch))
                {
                    foreach (var item in batch)
                    {
                        write(item);
                    }
                }
            }

            Housekeeping.ShowStatements();
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        finally
        {
            // Also cancels if a later cmdlet needs no more items (Select-Object -First), or the write failed.
            abandon.Cancel();
            producer.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default).GetAwaiter().GetResult();
        }
    }

    /// <summary>Waits for a result and shows the work's reports, on the pipeline's thread.</summary>
    /// <param name="work">The work.</param>
    /// <param name="show">Shows a report.</param>
    /// <param name="showStopped">Shows a report that arrives after the pipeline was stopped. The work cleans up then, and only
    /// the host takes lines.</param>
    private protected TResult AwaitWithProgress<TReport, TResult>(
        Func<IProgress<TReport>, CancellationToken, Task<TResult>> work, Action<TReport> show,
        Action<TReport>? showStopped = null)
    {
        using var abandon = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
        using var reports = new BlockingCollection<TReport>();
        var task = Housekeeping.Start(async () =>
        {
            try
            {
                return await work(new QueueProgress<TReport>(reports), abandon.Token);
            }
            finally
            {
                reports.CompleteAdding();
            }
        });
        try
        {
            foreach (var report in reports.GetConsumingEnumerable())
            {
                if (stopping.IsCancellationRequested)
                {
                    showStopped?.Invoke(report);
                    continue;
                }

                try
                {
                    Housekeeping.ShowStatements();
                    show(report);
                }
                catch (PipelineStoppedException)
                {
                    showStopped?.Invoke(report);
                    throw;
                }
            }

            return Housekeeping.Wait(task);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
        finally
        {
            // Also cancels if a later cmdlet needs no more items (Select-Object -First), so that no work runs behind the prompt.
            abandon.Cancel();
            foreach (var report in reports.GetConsumingEnumerable())
            {
                showStopped?.Invoke(report);
            }

            task.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default).GetAwaiter().GetResult();
        }
    }

    /// <summary>
    /// Runs an act on one item of the pipeline. A failure is a non-terminating error, and the next item follows.
    /// </summary>
    private protected void ForItem(object? item, Action act)
    {
        try
        {
            Arguments.Check(Bound, areTyped: false, GetType());
            act();
        }
        catch (PerfMonitoringException e) when (e.Kind != FailureKind.ConnectionFailed)
        {
            WriteError(Errors.Record(Explain(e), item));
        }
        catch (PerfMonitoringException e)
        {
            ThrowTerminatingError(Errors.Record(e, item));
        }
        catch (Exception e) when (Housekeeping.Note(e))
        {
            throw;
        }
    }

    /// <summary>Runs an act whose failure ends the cmdlet, with a stable error id.</summary>
    private protected void Run(Action act)
    {
        try
        {
            Arguments.Check(Bound, areTyped: false, GetType());
            act();
        }
        catch (PerfMonitoringException e)
        {
            ThrowTerminatingError(Errors.Record(Explain(e)));
        }
        catch (Exception e) when (Housekeeping.Note(e))
        {
            throw;
        }
    }

    /// <summary>Adds a remedy that only the cmdlet knows.</summary>
    private protected virtual PerfMonitoringException Explain(PerfMonitoringException e) => e;

    private static async Task ProduceAsync<T>(
        IAsyncEnumerable<T> source, ChannelWriter<T[]> writer, CancellationToken cancellationToken)
    {
        try
        {
            var batch = new List<T>(BatchSize);
            await using var items = source.GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                var next = items.MoveNextAsync();
                // The items are shown before the wait for more.
                if (!next.IsCompleted && batch.Count > 0)
                {
                    await writer.WriteAsync([.. batch], cancellationToken);
                    batch.Clear();
                }

                if (!await next)
                {
                    break;
                }

                batch.Add(items.Current);
                if (batch.Count == BatchSize)
                {
                    await writer.WriteAsync([.. batch], cancellationToken);
                    batch.Clear();
                }
            }

            if (batch.Count > 0)
            {
                await writer.WriteAsync([.. batch], cancellationToken);
            }

            writer.Complete();
        }
        catch (Exception e)
        {
            writer.Complete(e);
        }
    }

    private sealed class QueueProgress<T>(BlockingCollection<T> reports) : IProgress<T>
    {
        public void Report(T value) => reports.TryAdd(value);
    }
}
