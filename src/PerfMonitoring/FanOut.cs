using System.Collections.Concurrent;
using System.Globalization;
using System.Management.Automation;
using System.Reflection;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring;

/// <summary>
/// Runs a cmdlet on several sessions: a part of the same type for each, on threads of its own, at most -ThrottleLimit at once.
/// What the parts write and ask is shown on the pipeline's thread. An object of the pipeline goes to the part of its database.
/// </summary>
internal sealed class FanOut : IDisposable
{
    /// <summary>Parameters whose values are objects that may say their database.</summary>
    public static readonly string[] ItemParameters = ["InputObject", "SlowQuery"];

    // Flat memory: a part waits where the pipeline does not take its objects, and the pipeline where a part is that far behind.
    private const int Capacity = 256;

    // A part can get on without a message.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(50);

    private const int ProgressId = 1_000_000;

    private readonly ConnectedCmdlet cmdlet;
    private readonly Step begin;
    private readonly IReadOnlyList<PerfMonitoringSession> sessions;
    private readonly SessionTable? routing;
    private readonly bool isQuiet;
    private readonly bool stopsAtError;
    private readonly object gate = new();
    private readonly List<SessionRun> runs = [];
    private readonly List<Thread> workers = [];
    private readonly List<Task> stops = [];
    private readonly BlockingCollection<Message> messages = new(Capacity);
    private readonly BlockingCollection<SessionRun> ready = [];
    private readonly CancellationTokenSource stopped = new();

    // What ended a part, until it is written.
    private readonly List<(SessionRun Run, ErrorRecord Error)> ends = [];

    private int ended;
    private bool isEnding;
    private bool isDisposed;

    /// <summary>Prepares a run. Nothing starts before there is something to do.</summary>
    /// <param name="cmdlet">The cmdlet that PowerShell runs.</param>
    /// <param name="begin">Its arguments before the first object.</param>
    /// <param name="sessions">The sessions to work on.</param>
    /// <param name="routing">
    /// Has the default session, for objects that say no database; null if they are for every session.
    /// </param>
    public FanOut(
        ConnectedCmdlet cmdlet, Step begin, IReadOnlyList<PerfMonitoringSession> sessions, SessionTable? routing)
    {
        this.cmdlet = cmdlet;
        this.begin = begin;
        this.sessions = [.. sessions];
        this.routing = routing;
        isQuiet = begin.Call.Bound.TryGetValue("Quiet", out var quiet) && LanguagePrimitives.IsTrue(quiet);
        stopsAtError = cmdlet.StopsAtError;
    }

    /// <summary>Ends when the run is stopped.</summary>
    public CancellationToken Stopped => stopped.Token;

    /// <summary>The runtime of the cmdlet that PowerShell runs; for the pipeline's thread only.</summary>
    public ICommandRuntime2 Runtime => (ICommandRuntime2)cmdlet.CommandRuntime;

    /// <summary>Whether there are several parts, so far.</summary>
    public bool IsSeveral => runs.Count > 1;

    /// <summary>The parameters of a cmdlet.</summary>
    public static IEnumerable<PropertyInfo> ParametersOf(Type type) => type.GetProperties()
        .Where(p => p.CanWrite && p.IsDefined(typeof(ParameterAttribute)));

    /// <summary>Gives an object of the pipeline to the parts that it concerns, and shows what there is to show.</summary>
    public void Process(Step step) => Guard(() =>
    {
        foreach (var (session, part) in Route(step))
        {
            RunOf(session).Post(c =>
            {
                c.Take(part);
                c.ProcessItem();
            });
        }

        Message message;
        while (messages.TryTake(out message))
        {
            Show(message);
        }

        while (runs.Exists(r => r.Backlog > Capacity))
        {
            if (messages.TryTake(out message, LookAgain))
            {
                Show(message);
            }
        }
    });

    /// <summary>Waits for all parts.</summary>
    public void End() => Guard(() =>
    {
        isEnding = true;
        if (runs.Count == 0)
        {
            // Nothing came down the pipeline.
            foreach (var session in Everywhere())
            {
                RunOf(session);
            }
        }

        foreach (var run in runs)
        {
            run.Post(c => c.EndWork(), isLast: true);
        }

        while (ended < runs.Count)
        {
            Show(messages.Take());
        }

        WriteEnds();
        ShowProgress();
        if (isQuiet)
        {
            Runtime.WriteObject(runs.TrueForAll(r => r.Verdict == true));
        }
    });

    /// <summary>Stops all parts. They clean up; <see cref="Dispose"/> waits for that.</summary>
    public void Stop()
    {
        lock (gate)
        {
            if (!isDisposed)
            {
                stopped.Cancel();
                // To cancel a statement can take time, if its server does not answer.
                stops.AddRange(runs.Select(r => Task.Run(r.Stop)));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        StopAndWait();
        lock (gate)
        {
            isDisposed = true;
        }

        Task.WaitAll([.. stops]);

        ready.CompleteAdding();
        workers.ForEach(w => w.Join());
        workers.Clear();
        ready.Dispose();
        messages.Dispose();
        stopped.Dispose();
    }

    /// <summary>Shows something on the pipeline's thread; for the threads of the parts.</summary>
    /// <param name="show">Shows it.</param>
    /// <param name="evenStopped">Whether to show it after the pipeline was stopped.</param>
    public void Tell(Action show, bool evenStopped = false)
    {
        try
        {
            messages.Add(new Message(show, evenStopped), evenStopped ? CancellationToken.None : stopped.Token);
        }
        catch (OperationCanceledException)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Lets a thread take up a part that has something to do.</summary>
    public void Schedule(SessionRun run) => ready.Add(run);

    /// <summary>Writes what ended a part; for the pipeline's thread.</summary>
    public void EndWith(SessionRun run, ErrorRecord error)
    {
        if (stopped.IsCancellationRequested)
        {
            run.SayNow($"{error.Exception.Message}");
            return;
        }

        ends.Add((run, error));
        WriteEnds();
    }

    /// <summary>Writes an error of a part; for the pipeline's thread.</summary>
    public void WriteError(ErrorRecord error, params SessionRun[] of) =>
        Runtime.WriteError(Named(error, of));

    /// <summary>Counts a part that has ended; for the pipeline's thread.</summary>
    public void Ended()
    {
        ended++;
        if (!stopped.IsCancellationRequested)
        {
            WriteEnds();
            ShowProgress();
        }
    }

    private static ErrorRecord Named(ErrorRecord error, SessionRun[] of)
    {
        var names = of.Length <= 3
            ? string.Join(", ", of.Select(r => r.Session.Name)) : $"{of[0].Session.Name} and {of.Length - 1} more sessions";
        var exception = error.Exception is PerfMonitoringException { Subject: null } e && error.TargetObject is { } item
            ? e.WithSubject(item) : error.Exception;
        var named = new ErrorRecord(
            exception, error.FullyQualifiedErrorId, error.CategoryInfo.Category,
            of.Length == 1 ? of[0].Session : of.Select(r => r.Session).ToArray())
        {
            ErrorDetails = new ErrorDetails($"{names}: {error.ErrorDetails?.Message ?? exception.Message}")
            {
                RecommendedAction = error.ErrorDetails?.RecommendedAction ?? "",
            },
        };
        named.CategoryInfo.TargetName = names;
        return named;
    }

    // The server that could not be reached; null for any other error.
    private static string? LostServer(ErrorRecord error) =>
        error.Exception is PerfMonitoringException { Kind: FailureKind.ConnectionFailed, Subject: string address }
            ? address.Split('/')[0] : null;

    private static string ServerOf(ServerTarget target) => $"{target.HostName}:{target.Port}";

    // One error for each server that cannot be reached, however many sessions it has. An error that ended the only part ends the
    // cmdlet.
    private void WriteEnds()
    {
        var isOver = isEnding && ended == runs.Count;
        if (ends.Count > 0 && isOver && !IsSeveral)
        {
            Runtime.ThrowTerminatingError(Named(ends[0].Error, [ends[0].Run]));
        }

        if (!IsSeveral && !stopsAtError)
        {
            return;
        }

        foreach (var group in ends.GroupBy(e => LostServer(e.Error) ?? e.Run.Session.Name, StringComparer.Ordinal).ToList())
        {
            var isLost = LostServer(group.First().Error) is not null;
            if (isLost && !stopsAtError && !isOver && !(isEnding && AllEnded(group.Key)))
            {
                continue;
            }

            foreach (var end in group)
            {
                ends.Remove(end);
            }

            if (isLost)
            {
                var first = group.FirstOrDefault(
                    e => e.Error.Exception is PerfMonitoringException { ErrorId: not ErrorIds.ServerDown }, group.First());
                WriteError(first.Error, [.. group.Select(e => e.Run)]);
            }
            else
            {
                foreach (var end in group)
                {
                    WriteError(end.Error, end.Run);
                }
            }
        }

        bool AllEnded(string server) => runs.TrueForAll(r => r.HasEnded
            || (ServerOf(r.Session.Target) != server && ServerOf(r.Session.Store) != server));
    }

    private void ShowProgress()
    {
        if (!IsSeveral)
        {
            return;
        }

        Runtime.WriteProgress(
            new ProgressRecord(ProgressId, begin.Call.CommandName, string.Create(
                CultureInfo.InvariantCulture, $"{ended} of {runs.Count} sessions"))
            {
                PercentComplete = 100 * ended / runs.Count,
                RecordType = isEnding && ended == runs.Count ? ProgressRecordType.Completed : ProgressRecordType.Processing,
            });
    }

    /// <summary>The progress of a part, below that of the whole.</summary>
    public static int ProgressIdOf(int run, int id) => ProgressId + (1_000 * (run + 1)) + (id % 1_000);

    /// <summary>The id of the progress of the whole.</summary>
    public static int WholeProgressId => ProgressId;

    // Of a fleet no session is the default.
    private IReadOnlyList<PerfMonitoringSession> Everywhere(PSObject? item = null)
    {
        if (routing is null || routing.Default is not null)
        {
            return routing is null ? sessions : [routing.Default!];
        }

        if (!isEnding)
        {
            Runtime.WriteError(Errors.Record(Errors.NoDefaultSession(sessions.Count), item));
        }

        return [];
    }


    private SessionRun RunOf(PerfMonitoringSession session)
    {
        if (runs.Find(r => r.Session == session) is { } found)
        {
            return found;
        }

        var run = new SessionRun(this, session, runs.Count, isQuiet);
        run.Post(cmdlet.MakePart(session, sessions, run), c =>
        {
            c.Take(begin);
            c.BeginWork();
        });
        lock (gate)
        {
            runs.Add(run);
        }

        if (workers.Count < Math.Min(cmdlet.ThrottleLimit, sessions.Count))
        {
            var worker = new Thread(Work) { IsBackground = true, Name = $"PerfMonitoring {workers.Count + 1}" };
            workers.Add(worker);
            worker.Start();
        }

        // It may have been stopped in between.
        if (stopped.IsCancellationRequested)
        {
            run.Stop();
        }

        return run;
    }

    private void Work()
    {
        foreach (var run in ready.GetConsumingEnumerable())
        {
            run.Work();
        }
    }

    private IEnumerable<(PerfMonitoringSession Session, Step Step)> Route(Step step)
    {
        var bound = step.Call.Bound;
        if (Array.Find(ItemParameters, bound.ContainsKey) is { } name)
        {
            var (parameter, value) = step.Arguments.First(a => a.Parameter.Name == name);
            var parts = new Dictionary<PerfMonitoringSession, List<PSObject>>();
            foreach (var item in value as PSObject[] ?? [(PSObject)value!])
            {
                foreach (var session in Find(item))
                {
                    if (!parts.TryGetValue(session, out var items))
                    {
                        parts[session] = items = [];
                    }

                    items.Add(item);
                }
            }

            return parts.Select(p => (p.Key, value is PSObject[] ? step.With(parameter, p.Value.ToArray()) : step));
        }

        PSObject? place = null;
        if (cmdlet is ByNameCmdlet named && (named.Target is not null || named.DatabaseIdentity is not null))
        {
            place = new PSObject();
            place.Properties.Add(new PSNoteProperty(nameof(named.Target), named.Target));
            place.Properties.Add(new PSNoteProperty(nameof(named.DatabaseIdentity), named.DatabaseIdentity));
        }

        return Find(place).Select(s => (s, step));
    }

    // The default session comes first where it is one of several of the same database.
    private IEnumerable<PerfMonitoringSession> Find(PSObject? item)
    {
        if (item is null || cmdlet.Routing == Routing.Each)
        {
            return Everywhere();
        }

        var read = new PipelineObject(item, "an object of a database", "Pipe what a cmdlet of PerfMonitoring wrote.");
        foreach (var session in routing?.Default is { } first ? [first, .. sessions] : sessions)
        {
            switch (read.IsOf(session.Target, session.Store))
            {
                case null:
                    return Everywhere(item);
                case true:
                    return [session];
            }
        }

        if (cmdlet.Routing == Routing.OwnOrEach)
        {
            return Everywhere(item);
        }

        Runtime.WriteError(Errors.Record(read.OfNone([.. sessions.Select(s => s.Name)]), item));
        return [];
    }

    private void Show(Message message)
    {
        // A stopped pipeline takes lines for the host only.
        if (message.EvenStopped || !cmdlet.IsStopped)
        {
            message.Show();
        }
    }

    // If the pipeline ends in the midst (-ErrorAction Stop, Select-Object -First), no part works behind the prompt.
    private void Guard(Action act)
    {
        try
        {
            act();
        }
        catch
        {
            StopAndWait();
            throw;
        }

        if (cmdlet.IsStopped)
        {
            StopAndWait();
            throw new PipelineStoppedException();
        }
    }

    private void StopAndWait()
    {
        if (ended == runs.Count)
        {
            return;
        }

        Stop();
        while (ended < runs.Count)
        {
            var message = messages.Take();
            if (message.EvenStopped)
            {
                message.Show();
            }
        }
    }

    /// <summary>A call with the arguments of one object of the pipeline.</summary>
    internal sealed record Step(Invocation Call, IReadOnlyList<(PropertyInfo Parameter, object? Value)> Arguments)
    {
        public Step With(PropertyInfo parameter, object value) => this with
        {
            Arguments = [.. Arguments.Select(a => a.Parameter == parameter ? (parameter, value) : a)],
        };
    }

    private readonly record struct Message(Action Show, bool EvenStopped);
}
