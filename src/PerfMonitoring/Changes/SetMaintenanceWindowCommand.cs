using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Sets when indexes may be built.</summary>
[Cmdlet(
    VerbsCommon.Set, "MaintenanceWindow",
    SupportsShouldProcess = true,
    HelpUri = OnlineHelp.Folder + "Set-MaintenanceWindow.md")]
[OutputType(typeof(MaintenanceSchedule))]
public sealed class SetMaintenanceWindowCommand : ByNameCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Word(typeof(MaintenanceWindow))]
    [KnownWord]
    public MaintenanceWindow Window { get; set; }

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? CronExpression { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Duration("1m", "7d")]
    public TimeSpan? Duration { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string? TimeZone { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    internal override void ProcessItem() => ForItem(Window, () =>
    {
        if (Window == MaintenanceWindow.Immediate)
        {
            throw new PerfMonitoringException(
                ErrorIds.WindowHasNoSchedule, FailureKind.InvalidArgument,
                "-Window Immediate is always open: it takes no schedule.",
                "Set OffPeak, Weekend or Scheduled, and give the strategies that window with Set-IndexStrategy "
                    + "-MaintenanceWindow.", Window);
        }

        if (CronExpression is null && Duration is null && TimeZone is null)
        {
            throw new PerfMonitoringException(
                ErrorIds.NothingToChange, FailureKind.InvalidArgument, "Nothing is given that shall change.",
                "Pass -CronExpression, -Duration or -TimeZone.", Window);
        }

        var windows = Connection.MaintenanceWindows;
        var old = Await(windows.GetAsync).Single(s => s.Window == Window);
        var schedule = old with
        {
            CronExpression = CronExpression ?? old.CronExpression ?? throw new PerfMonitoringException(
                ErrorIds.CronExpressionMissing, FailureKind.InvalidArgument, $"The window {Window} has no schedule yet.",
                "Pass -CronExpression.", Window),
            Duration = Duration ?? old.Duration,
            TimeZone = TimeZone ?? old.TimeZone,
            IsDefault = false,
        };
        // An unreadable schedule fails here, before the confirmation and the write.
        var shown = Schedules.At(schedule, Connection, DateTimeOffset.UtcNow);
        if (ShouldProcess(
            $"{Connection.Target}",
            $"Set the maintenance window {Window}: {schedule.CronExpression} ({schedule.TimeZone}) for {schedule.Duration}"))
        {
            Await(token => windows.SetAsync(schedule, token));
            if (PassThru)
            {
                WriteObject(shown);
            }
        }
    });
}
