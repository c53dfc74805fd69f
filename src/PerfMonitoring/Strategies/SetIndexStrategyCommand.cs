using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>Changes the editable values of a stored strategy.</summary>
[Cmdlet(
    VerbsCommon.Set, "IndexStrategy",
    SupportsShouldProcess = true,
    DefaultParameterSetName = "InputObject",
    HelpUri = OnlineHelp.Folder + "Set-IndexStrategy.md")]
[OutputType(typeof(IndexStrategy))]
public sealed class SetIndexStrategyCommand : StrategyCmdlet
{
    [Parameter]
    [Word(typeof(MaintenanceWindow))]
    [KnownWord]
    public MaintenanceWindow? MaintenanceWindow { get; set; }

    [Parameter]
    [Word(typeof(UsagePattern))]
    [KnownWord]
    public UsagePattern? UsagePattern { get; set; }

    [Parameter]
    public bool? IsMonitoring { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Change(IndexStrategy strategy)
    {
        var change = new IndexStrategyChange {
            MaintenanceWindow = MaintenanceWindow, UsagePattern = UsagePattern, IsMonitoring = IsMonitoring };
        if (change == new IndexStrategyChange())
        {
            throw new PerfMonitoringException(
                ErrorIds.NothingToChange, FailureKind.InvalidArgument, "Nothing is given that shall change.",
                "Pass -MaintenanceWindow, -UsagePattern or -IsMonitoring.");
        }

        if (ShouldProcess($"{strategy.IndexName} on {strategy.TableName}", "Change strategy"))
        {
            var changed = Await(token => Connection.Strategies.UpdateAsync(strategy.Id, change, token));
            if (PassThru)
            {
                WriteObject(changed);
            }
        }
    }
}
