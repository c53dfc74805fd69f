using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Sessions;

namespace PerfMonitoring;

/// <summary>A cmdlet that works on a session: the one of <c>-Session</c>, else the runspace's default.</summary>
public abstract class ConnectedCmdlet : PerfCmdlet
{
    /// <summary>A session, or its name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject? Session { get; set; }

    private protected PerfMonitoringSession CurrentSession { get; private set; } = null!;

    internal IMonitoringConnection Connection => CurrentSession.Connection;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() => CurrentSession = Resolve(Session));
    }

    /// <summary>A refusal by the server names the grants that this cmdlet lacks.</summary>
    private protected override PerfMonitoringException Explain(PerfMonitoringException e) =>
        e.ErrorId == ErrorIds.PermissionDenied && CurrentSession is { IsOpen: true } && !Stopping
            && Await(token => AccessCheck.FindRemedyAsync(Connection, MyInvocation.MyCommand.Name, token)) is { } remedy
            ? e.WithRemedy(remedy)
            : e;

    /// <summary>
    /// Asks whether an index shall be built or stored. -WhatIf and -Confirm show its statement as it is; the verbose line, which
    /// logs keep, hides its constants.
    /// </summary>
    private protected bool ShouldProcess(string target, IndexDefinition definition, string verb = "")
    {
        var statement = definition.ToCreateStatement(concurrently: true);
        return ShouldProcess(
            Describe(IsWhatIf ? statement : definition.WithoutConstants),
            $"Are you sure you want to perform this action? {Describe(statement)}", "Confirm");

        string Describe(string shown) => $"Performing the operation \"{verb}{shown}\" on target \"{target}\".";
    }

    /// <summary>The open session that an object, a name or null (the default) means.</summary>
    internal static PerfMonitoringSession Resolve(PSObject? sessionOrName)
    {
        var session = SessionTable.Current.Resolve(sessionOrName);
        return session.IsOpen ? session : throw Errors.SessionClosed(session.Name);
    }
}
