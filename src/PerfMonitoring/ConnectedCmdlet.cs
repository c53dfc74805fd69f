using System.Management.Automation;
using System.Reflection;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Sessions;

namespace PerfMonitoring;

/// <summary>The session at which an object of the pipeline is worked on, where there are several.</summary>
internal enum Routing
{
    /// <summary>That of the object's database; an object of another database is an error.</summary>
    Own,
    /// <summary>That of the object's database; if it is none of them, the object is good for every database.</summary>
    OwnOrEach,
    /// <summary>Every session, whatever database the object is of.</summary>
    Each,
}

/// <summary>
/// A cmdlet that works on sessions: those of <c>-Session</c>, otherwise the runspace's default. On one session it works on the
/// pipeline's thread. On several, <see cref="FanOut"/> runs a cmdlet of the same type for each. A cmdlet therefore overrides
/// <see cref="BeginWork"/>, <see cref="ProcessItem"/> and <see cref="EndWork"/>, which know of one session only.
/// </summary>
public abstract class ConnectedCmdlet : PerfCmdlet
{
    private FanOut? fanOut;
    private SessionTable sessions = null!;

    // The sessions of the run where there are several.
    private IReadOnlyList<PerfMonitoringSession> siblings = [];

    /// <summary>Sessions, or their names, with wildcards.</summary>
    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[]? Session { get; set; }

    /// <summary>At how many sessions the cmdlet works at the same time.</summary>
    [Parameter]
    [ValidateRange(1, 256)]
    [Configured("Session.ThrottleLimit")]
    public int ThrottleLimit { get; set; } = Math.Min(Environment.ProcessorCount, 16);

    internal PerfMonitoringSession CurrentSession { get; private set; } = null!;

    internal override string? NameOfSession => CurrentSession?.Name;

    internal IMonitoringConnection Connection => CurrentSession.Connection;

    /// <summary>How objects of the pipeline find their session.</summary>
    internal virtual Routing Routing => Routing.Own;

    /// <summary>The work before the first object, on one session.</summary>
    internal virtual void BeginWork()
    {
    }

    /// <summary>The work on one object of the pipeline, or the only work, on one session.</summary>
    internal virtual void ProcessItem()
    {
    }

    /// <summary>The work after the last object, on one session.</summary>
    internal virtual void EndWork()
    {
    }

    /// <summary>Refuses arguments that fit no session.</summary>
    /// <exception cref="PerfMonitoringException">Where they contradict each other or cannot be read.</exception>
    private protected virtual void CheckArguments()
    {
    }

    /// <inheritdoc/>
    protected sealed override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() =>
        {
            CheckArguments();
            sessions = SessionTable.Current;
            // Objects find the session of their database by themselves.
            var mayRoute = Session is null && Routing != Routing.Each && sessions.All.Count > 1
                && (ExpectsInput || FanOut.ItemParameters.Any(Bound.ContainsKey));
            // Of a fleet no session is the default: what says no database is then an error.
            var chosen = Session is not null ? Choose()
                : mayRoute && sessions.Default is null ? [sessions.All[0]] : [sessions.Resolve(null)];
            CurrentSession = chosen[0];
            fanOut = mayRoute ? new FanOut(this, TakeStep(), sessions.All, sessions)
                : chosen.Count > 1 ? new FanOut(this, TakeStep(), chosen, null)
                : null;
        });
        if (fanOut is null)
        {
            BeginWork();
        }
    }

    /// <inheritdoc/>
    protected sealed override void ProcessRecord()
    {
        if (this is ByNameCmdlet { IsUnnamed: true } byName)
        {
            WriteError(Errors.Record(byName.Unnamed()));
        }
        else if (fanOut is null)
        {
            ProcessItem();
        }
        else
        {
            fanOut.Process(TakeStep());
        }
    }

    /// <inheritdoc/>
    protected sealed override void EndProcessing()
    {
        if (fanOut is null)
        {
            EndWork();
        }
        else
        {
            fanOut.End();
        }
    }

    /// <inheritdoc/>
    protected override void StopProcessing()
    {
        base.StopProcessing();
        fanOut?.Stop();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            fanOut?.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>A cmdlet of the same type that works on one of the sessions, for <see cref="FanOut"/>.</summary>
    /// <param name="session">The session.</param>
    /// <param name="siblings">All sessions of the run.</param>
    /// <param name="runtime">Takes what the part writes.</param>
    internal ConnectedCmdlet MakePart(
        PerfMonitoringSession session, IReadOnlyList<PerfMonitoringSession> siblings, IPartRuntime runtime)
    {
        var part = (ConnectedCmdlet)Activator.CreateInstance(GetType())!;
        part.CommandRuntime = runtime;
        part.CurrentSession = session;
        part.sessions = sessions;
        part.siblings = siblings;
        // Settings that are no parameters; the others come with the arguments.
        foreach (var (property, _) in Settings.Of(GetType()))
        {
            property.SetValue(part, property.GetValue(this));
        }

        return part;
    }

    /// <summary>Takes over the arguments of a step.</summary>
    internal void Take(FanOut.Step step)
    {
        Call = step.Call;
        foreach (var (parameter, value) in step.Arguments)
        {
            parameter.SetValue(this, value);
        }
    }

    /// <summary>Stops the work, as Ctrl+C does.</summary>
    internal void StopWork() => StopProcessing();

    internal bool IsStopped => Stopping;

    /// <summary>Whether the first error ends the run (-ErrorAction Stop).</summary>
    internal bool StopsAtError =>
        LanguagePrimitives.TryConvertTo<ActionPreference>(
            Bound.TryGetValue("ErrorAction", out var given) ? given : GetVariableValue("ErrorActionPreference"), out var action)
        && action == ActionPreference.Stop;

    // While sessions on several databases are open, the view of an object says which database it is of (ManyDatabases.xslt).
    private protected override object Shown(object item)
    {
        if (CurrentSession is { IsOneOfMany: true } && item.GetType() is { Namespace: { } room } type
            && room.StartsWith("PerfMonitoring.", StringComparison.Ordinal))
        {
            var names = PSObject.AsPSObject(item).TypeNames;
            var marked = type.FullName + "#Target";
            if (!names.Contains(marked))
            {
                names.Insert(0, marked);
            }
        }

        return item;
    }

    /// <summary>Adds to a refusal by the server the grants that this cmdlet lacks.</summary>
    private protected override PerfMonitoringException Explain(PerfMonitoringException e) =>
        e.ErrorId == ErrorIds.PermissionDenied && CurrentSession is { IsOpen: true } && !Stopping
            && Await(token => AccessCheck.FindRemedyAsync(Connection, CommandName, token)) is { } remedy
            ? e.WithRemedy(remedy)
            : e;

    /// <summary>
    /// Asks for confirmation to build or store an index. -WhatIf and -Confirm show the statement with its constants. The verbose
    /// line hides them, because logs keep it.
    /// </summary>
    private protected bool ShouldProcess(string target, IndexDefinition definition, string verb = "")
    {
        var statement = definition.ToCreateStatement(concurrently: true);
        return ShouldProcess(
            Describe(IsWhatIf ? statement : definition.WithoutConstants),
            $"Are you sure you want to perform this action? {Describe(statement)}", "Confirm");

        string Describe(string shown) => $"Performing the operation \"{verb}{shown}\" on target \"{target}\".";
    }

    /// <summary>The connections of -Replica; of several servers, each has its own standbys among them.</summary>
    internal IReadOnlyList<IMonitoringConnection> FindReplicas(PSObject[] replicas)
    {
        var found = replicas.Length == 0 ? [] : sessions.FindAll(replicas);
        return [.. found.Where(r => !IsOfSibling(r.Target.SystemIdentifier)).Select(r => r.Connection)];

        // A standby has the system identifier of its primary.
        bool IsOfSibling(long? cluster) => cluster is not null && Connection.Target.SystemIdentifier is { } ours
            && cluster != ours && siblings.Any(s => s.Target.SystemIdentifier == cluster);
    }

    // A change is never made twice in one database.
    private List<PerfMonitoringSession> Choose()
    {
        var given = sessions.FindAll(Session!);
        if (GetType().GetCustomAttribute<CmdletAttribute>() is not { SupportsShouldProcess: true })
        {
            return given;
        }

        var kept = new List<PerfMonitoringSession>();
        foreach (var session in given)
        {
            if (kept.Find(k => k.Target.IsSameDatabaseAs(session.Target)) is { } same)
            {
                WriteWarning(
                    $"Session '{session.Name}' is left out: it is connected to the same database as session '{same.Name}'.");
            }
            else
            {
                kept.Add(session);
            }
        }

        return kept;
    }

    private FanOut.Step TakeStep() => new(
        TakeCall(), [.. FanOut.ParametersOf(GetType()).Select(p => (p, p.GetValue(this)))]);
}

/// <summary>
/// A cmdlet that takes names, ids or values by property name. The database of the object beside them says at which session they
/// are meant.
/// </summary>
public abstract class ByNameCmdlet : ConnectedCmdlet
{
    /// <summary>The database of the object that comes down the pipeline.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, DontShow = true)]
    public PSObject? Target { get; set; }

    /// <summary>The identity of that database.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true, DontShow = true)]
    public string? DatabaseIdentity { get; set; }

    internal override Routing Routing => Routing.OwnOrEach;

    // Without this an object that only says its database would select everything.
    internal bool IsUnnamed => ExpectsInput && (Bound.ContainsKey(nameof(Target)) || Bound.ContainsKey(nameof(DatabaseIdentity)))
        && !Taken.Any(Bound.ContainsKey);

    private IEnumerable<string> Taken => FanOut.ParametersOf(GetType())
        .Where(p => p.DeclaringType != typeof(ByNameCmdlet)
            && p.GetCustomAttributes<ParameterAttribute>().Any(a => a.ValueFromPipelineByPropertyName))
        .Select(p => p.Name);

    internal PerfMonitoringException Unnamed() => Errors.ObjectIncomplete(
        $"The object has none of the properties that {CommandName} takes: {string.Join(", ", Taken)}.",
        "Pipe objects that have one of them, or pass the parameter.", CommandName);
}
