using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>The strategies that objects from the pipeline and ids mean.</summary>
internal static class StrategyObjects
{
    /// <summary>
    /// The strategy that an object means: a record of ours as it is; of anything else the one in the store, since a file may be
    /// old or of another database.
    /// </summary>
    /// <param name="cmdlet">The cmdlet whose session is asked.</param>
    /// <param name="item">The object.</param>
    /// <param name="mustBeAsShown">Whether the one in the store must be what the object shows.</param>
    /// <exception cref="PerfMonitoringException">
    /// OtherDatabase, ObjectIncomplete, ObjectUnreadable, DatabaseUnproven, StrategyNotFound, StrategyNotStored, StrategyChanged.
    /// </exception>
    internal static IndexStrategy StrategyOf(this ConnectedCmdlet cmdlet, PSObject item, bool mustBeAsShown)
    {
        if (item.BaseObject is IndexStrategy live)
        {
            PipelineObject.Check(live.Target, cmdlet.Connection.Target, $"The strategy for {live.IndexName}", live);
            return live;
        }

        var read = new PipelineObject(item, "an index strategy", "Pipe what Get-IndexStrategy gives, or pass -Id.");
        read.MustBeOf(cmdlet.Connection.Target);
        // An id beside IndexStrategyId is that of a result, of a figure or of an action.
        var isOther = read.Declares("IndexStrategyId");
        var id = read.Need<Guid>(isOther ? "IndexStrategyId" : "Id");
        if (!isOther && read.Get<bool>("IsStored") == false)
        {
            throw Errors.StrategyNotStored(read.Text("IndexName"), item);
        }

        var strategy = cmdlet.FindStrategy(id) ?? throw StrategyErrors.NotFound(id, cmdlet.Connection.Target);
        if (mustBeAsShown && !isOther)
        {
            MustBeSame("TableName", read.Text("TableName"), strategy.TableName);
            MustBeSame("IndexName", read.Text("IndexName"), strategy.IndexName);
            MustBeSame("IndexDefinition", read.Text("IndexDefinition"), strategy.IndexDefinition);
            MustBeSame("MaintenanceWindow", read.Get<MaintenanceWindow>("MaintenanceWindow"), strategy.MaintenanceWindow);
        }

        return strategy;

        void MustBeSame(string property, object? shown, object stored)
        {
            if (shown is not null && !shown.Equals(stored))
            {
                throw new PerfMonitoringException(
                    ErrorIds.StrategyChanged, FailureKind.InvalidArgument,
                    $"The strategy for {strategy.IndexName} has another {property} in the store than in the object.",
                    "Look at what Get-IndexStrategy gives, and pipe that.", item);
            }
        }
    }

    /// <summary>The stored strategy of an id, removed ones too; null where there is none.</summary>
    internal static IndexStrategy? FindStrategy(this ConnectedCmdlet cmdlet, Guid id)
    {
        IndexStrategy? found = null;
        cmdlet.WriteAll(
            token => cmdlet.Connection.Strategies.GetAsync(new() { Ids = [id], IncludeInactive = true }, token), strategy =>
            found = strategy);
        return found;
    }
}
