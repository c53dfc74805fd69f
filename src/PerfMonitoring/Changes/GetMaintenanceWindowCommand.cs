using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Shows when indexes may be built.</summary>
[Cmdlet(VerbsCommon.Get, "MaintenanceWindow", HelpUri = OnlineHelp.Folder + "Get-MaintenanceWindow.md")]
[OutputType(typeof(MaintenanceSchedule))]
public sealed class GetMaintenanceWindowCommand : ConnectedCmdlet
{
    [Parameter(Position = 0)]
    [Word(typeof(MaintenanceWindow))]
    [KnownWord]
    public MaintenanceWindow[]? Window { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var now = DateTimeOffset.UtcNow;
        foreach (var schedule in Await(Connection.MaintenanceWindows.GetAsync)
            .Where(s => Window is null || Window.Contains(s.Window)))
        {
            WriteObject(Schedules.At(schedule, Connection, now));
        }
    });
}
