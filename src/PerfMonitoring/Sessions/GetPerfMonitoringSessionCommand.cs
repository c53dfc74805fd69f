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

    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FleetCompleter))]
    public string[]? Group { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(FleetCompleter))]
    public string[]? Tag { get; set; }

    protected override void ProcessRecord()
    {
        var (groups, tags) = (NamePattern.Of(Group), NamePattern.Of(Tag));
        foreach (var name in Name ?? ["*"])
        {
            var pattern = new NamePattern(name);
            var found = SessionTable.Current.All.Where(s => pattern.Matches(s.Name)).ToList();
            WriteObject(
                found.Where(s => (groups is null || (s.Group is { } group && Array.Exists(groups, g => g.Matches(group))))
                    && (tags is null || s.Tags.Any(tag => Array.Exists(tags, t => t.Matches(tag))))),
                enumerateCollection: true);
            if (found.Count == 0 && !pattern.IsPattern)
            {
                WriteError(Errors.Record(Errors.SessionNotFound(name)));
            }
        }
    }
}
