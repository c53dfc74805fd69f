using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>Removes thresholds; their rows stay in the store, inactive.</summary>
[Cmdlet(
    VerbsCommon.Remove, "PerformanceThreshold",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Medium,
    DefaultParameterSetName = "InputObject",
    HelpUri = OnlineHelp.Folder + "Remove-PerformanceThreshold.md")]
[OutputType(typeof(void))]
public sealed class RemovePerformanceThresholdCommand : ThresholdCmdlet
{
    private protected override void Change(Guid id)
    {
        if (ShouldProcess($"{Connection.StoreTarget}", $"Remove the threshold {id}"))
        {
            Await(token => Connection.Thresholds.RemoveAsync(id, token));
        }
    }
}
