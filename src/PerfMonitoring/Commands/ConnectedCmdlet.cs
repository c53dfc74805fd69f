using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;
using PerfMonitoring.Session;

namespace PerfMonitoring.Commands;

/// <summary>A cmdlet that works on a session: the one of <c>-Session</c>, else the runspace's default.</summary>
public abstract class ConnectedCmdlet : PerfCmdlet
{
    /// <summary>A session, or its name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject? Session { get; set; }

    private protected PerfMonitoringSession CurrentSession { get; private set; } = null!;

    private protected IMonitoringConnection Connection => CurrentSession.Connection;

    /// <inheritdoc/>
    protected override void BeginProcessing() => Run(() => CurrentSession = Resolve(Session));

    /// <summary>Where -Replica and -Window ask how indexes are used.</summary>
    private protected static UsageScope Scope(PSObject[] replicas, TimeSpan window) =>
        window >= DropVerdict.MinimumAge && window.TotalDays <= 3650
            ? new() { Replicas = [.. replicas.Select(r => Resolve(r).Connection)], Window = window }
            : throw new PerfMonitoringException(
                "InvalidWindow", FailureKind.InvalidArgument, $"-Window is {window}; it must be from 7 days to 10 years.",
                "Write 35d: weekly and monthly work must have had its turn.", window);

    /// <summary>The open session that an object, a name or null (the default) means.</summary>
    private protected static PerfMonitoringSession Resolve(PSObject? sessionOrName)
    {
        var session = SessionTable.Current.Resolve(sessionOrName);
        return session.IsOpen ? session : throw Errors.SessionClosed(session.Name);
    }
}
