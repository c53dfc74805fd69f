using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Messages;

/// <summary>Shows the last messages and errors of the module's cmdlets in this process.</summary>
[Cmdlet(VerbsCommon.Get, "PerfMonitoringLog", HelpUri = OnlineHelp.Folder + "Get-PerfMonitoringLog.md")]
[OutputType(typeof(PerfMonitoringLogEntry))]
public sealed class GetPerfMonitoringLogCommand : PerfCmdlet
{
    [Parameter(Position = 0)]
    [Word(typeof(MessageLevel))]
    [KnownWord]
    public MessageLevel[]? Level { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(LoggedCmdletCompleter))]
    public string[]? Cmdlet { get; set; }

    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(LoggedSessionCompleter))]
    public string[]? Session { get; set; }

    [Parameter]
    [Moment]
    public DateTimeOffset? Since { get; set; }

    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int Last { get; set; } = int.MaxValue;

    protected override void ProcessRecord() => Run(() =>
    {
        var (cmdlets, sessions) = (NamePattern.Of(Cmdlet), NamePattern.Of(Session));
        WriteObject(
            MessageLog.OfProcess.ToArray()
                .Where(e => (Level is null || Level.Contains(e.Level)) && (Since is null || e.Time >= Since)
                    && (cmdlets?.Any(p => p.Matches(e.Cmdlet)) ?? true)
                    && (sessions?.Any(p => e.Session is not null && p.Matches(e.Session)) ?? true))
                .TakeLast(Last),
            enumerateCollection: true);
    });
}
