using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Lists the sessions of the runspace.</summary>
[Cmdlet(VerbsCommon.Get, "PerfMonitoringSession", HelpUri = OnlineHelp.Folder + "Get-PerfMonitoringSession.md")]
[OutputType(typeof(PerfMonitoringSession))]
public sealed class GetPerfMonitoringSessionCommand : PerfCmdlet
{
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public string[]? Name { get; set; }

    protected override void ProcessRecord()
    {
        foreach (var name in Name ?? ["*"])
        {
            var pattern = new NamePattern(name);
            var found = SessionTable.Current.All.Where(s => pattern.Matches(s.Name)).ToList();
            WriteObject(found, enumerateCollection: true);
            if (found.Count == 0 && !pattern.IsPattern)
            {
                WriteError(Errors.Record(Errors.SessionNotFound(name)));
            }
        }
    }
}
