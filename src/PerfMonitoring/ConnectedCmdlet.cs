using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Sessions;

namespace PerfMonitoring;

/// <summary>A cmdlet that works on a session: that of <c>-Session</c>, otherwise the runspace's default.</summary>
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

    /// <summary>Adds to a refusal by the server the grants that this cmdlet lacks.</summary>
    private protected override PerfMonitoringException Explain(PerfMonitoringException e) =>
        e.ErrorId == ErrorIds.PermissionDenied && CurrentSession is { IsOpen: true } && !Stopping
            && Await(token => AccessCheck.FindRemedyAsync(Connection, MyInvocation.MyCommand.Name, token)) is { } remedy
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

    /// <summary>The open session for an object, a name or null (the default session).</summary>
    internal static PerfMonitoringSession Resolve(PSObject? sessionOrName)
    {
        var session = SessionTable.Current.Resolve(sessionOrName);
        return session.IsOpen ? session : throw Errors.SessionClosed(session.Name);
    }
}
