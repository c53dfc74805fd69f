using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Closes a session; without <c>-Session</c> the default one.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "PerfMonitoring", HelpUri = OnlineHelp.Folder + "Disconnect-PerfMonitoring.md")]
[OutputType(typeof(void))]
public sealed class DisconnectPerfMonitoringCommand : PerfCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject? Session { get; set; }

    protected override void ProcessRecord() => ForItem(Session, () =>
    {
        var sessions = SessionTable.Current;
        var session = sessions.Resolve(Session);
        if (!session.IsOpen)
        {
            return;
        }

        sessions.Remove(session);
        Await(_ => session.Connection.DisposeAsync().AsTask());
    });
}
