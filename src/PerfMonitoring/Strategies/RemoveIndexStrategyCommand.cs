using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>Removes stored strategies: they stay in the store, inactive. Their indexes are not dropped.</summary>
[Cmdlet(
    VerbsCommon.Remove, "IndexStrategy",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Medium,
    DefaultParameterSetName = "InputObject",
    HelpUri = OnlineHelp.Folder + "Remove-IndexStrategy.md")]
[OutputType(typeof(void))]
public sealed class RemoveIndexStrategyCommand : StrategyCmdlet
{
    private protected override void Change(IndexStrategy strategy)
    {
        if (ShouldProcess($"{strategy.IndexName} on {strategy.TableName}", "Remove strategy"))
        {
            Await(token => Connection.Strategies.UpdateAsync(strategy.Id, new() { IsActive = false }, token));
        }
    }
}
