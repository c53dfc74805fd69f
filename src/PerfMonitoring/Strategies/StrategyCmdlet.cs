using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>A cmdlet that changes stored strategies: objects from the pipeline, or ids.</summary>
public abstract class StrategyCmdlet : ConnectedCmdlet
{
    /// <summary>The strategies.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = "InputObject")]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Ids of the strategies.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id")]
    public Guid[] Id { get; set; } = [];

    /// <inheritdoc/>
    internal override void ProcessItem()
    {
        foreach (var item in InputObject)
        {
            ForItem(item, () =>
            {
                var strategy = this.StrategyOf(item, mustBeAsShown: false);
                Change(strategy.IsStored ? strategy : throw Errors.StrategyNotStored(strategy.IndexName, strategy));
            });
        }

        foreach (var id in Id)
        {
            ForItem(id, () =>
                Change(this.FindStrategy(id) is { IsActive: true } found
                    ? found : throw StrategyErrors.NotFound(id, Connection.Target)));
        }
    }

    private protected abstract void Change(IndexStrategy strategy);
}
