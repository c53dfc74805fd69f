using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Closes sessions; without <c>-Session</c> the default one.</summary>
[Cmdlet(VerbsCommunications.Disconnect, "PerfMonitoring", HelpUri = OnlineHelp.Folder + "Disconnect-PerfMonitoring.md")]
[OutputType(typeof(void))]
public sealed class DisconnectPerfMonitoringCommand : PerfCmdlet
{
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[]? Session { get; set; }

    protected override void ProcessRecord()
    {
        // Each argument fails by itself, so that the others are closed.
        foreach (var given in Session ?? [null!])
        {
            ForItem(given, () =>
            {
                var sessions = SessionTable.Current;
                foreach (var session in given is null ? [sessions.Resolve(null)] : sessions.Find(given))
                {
                    if (session.IsOpen)
                    {
                        sessions.Remove(session);
                        Await(_ => session.Connection.DisposeAsync().AsTask());
                    }
                }
            });
        }
    }
}
