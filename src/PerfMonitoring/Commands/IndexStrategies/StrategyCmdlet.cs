using System.Management.Automation;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.IndexStrategies;

/// <summary>A cmdlet that changes stored strategies: objects from the pipeline, or ids.</summary>
public abstract class StrategyCmdlet : ConnectedCmdlet
{
    /// <summary>The strategies.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = "InputObject")]
    public IndexStrategy[] InputObject { get; set; } = [];

    /// <summary>Their ids.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Id")]
    public Guid[] Id { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var strategy in InputObject)
        {
            ForItem(strategy, () =>
            {
                if (strategy.Target is not null && !strategy.Target.IsSameDatabaseAs(Connection.Target))
                {
                    throw Errors.OtherDatabase($"Strategy {strategy.IndexName}", strategy.Target, Connection.Target, strategy);
                }

                Change(strategy.IsStored ? strategy : throw Errors.StrategyNotStored(strategy));
            });
        }

        foreach (var id in Id)
        {
            ForItem(id, () => Change(Find(id)));
        }
    }

    private protected abstract void Change(IndexStrategy strategy);

    private IndexStrategy Find(Guid id)
    {
        IndexStrategy? found = null;
        WriteAll(token => Connection.Strategies.GetAsync(new() { Ids = [id] }, token), strategy => found = strategy);
        return found ?? throw Errors.StrategyNotFound(id);
    }
}
