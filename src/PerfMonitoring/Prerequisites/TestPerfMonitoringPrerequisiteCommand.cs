using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>Reports what the server offers, what is missing, the consequences, and the remedy.</summary>
[Cmdlet(VerbsDiagnostic.Test, "PerfMonitoringPrerequisite", HelpUri = OnlineHelp.Folder + "Test-PerfMonitoringPrerequisite.md")]
[OutputType(typeof(PrerequisiteResult), typeof(bool))]
public sealed class TestPerfMonitoringPrerequisiteCommand : ConnectedCmdlet
{
    [Parameter]
    public SwitchParameter Quiet { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var met = true;
        WriteAll(token => PrerequisiteCheck.RunAsync(Connection, token), result =>
        {
            met &= !result.Required || result.State == PrerequisiteState.Ok;
            if (!Quiet)
            {
                WriteObject(result);
            }
        });
        if (Quiet)
        {
            WriteObject(met);
        }
    });
}
