using System.Management.Automation;

namespace PerfMonitoring.Commands.Thresholds;

/// <summary>Removes thresholds; their rows stay in the store, inactive.</summary>
[Cmdlet(VerbsCommon.Remove, "PerformanceThreshold", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(void))]
public sealed class RemovePerformanceThresholdCommand : ConnectedCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public Guid[] Id { get; set; } = [];

    protected override void ProcessRecord()
    {
        foreach (var id in Id)
        {
            ForItem(id, () =>
            {
                if (ShouldProcess($"{Connection.StoreTarget}", $"Remove the threshold {id}"))
                {
                    Await(token => Connection.Thresholds.RemoveAsync(id, token));
                }
            });
        }
    }
}
