using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Strategies;

/// <summary>Finds the strategies for objects from the pipeline and for ids.</summary>
internal static class StrategyObjects
{
    /// <summary>
    /// The strategy for an object. A record of this module is returned as it is. For any other object the strategy comes from the
    /// store, because a file may be old or from another database.
    /// </summary>
    /// <param name="cmdlet">The cmdlet whose session is used.</param>
    /// <param name="item">The object.</param>
    /// <param name="mustBeAsShown">Whether the stored strategy must equal the object.</param>
    /// <exception cref="PerfMonitoringException"> OtherDatabase, ObjectIncomplete, ObjectUnreadable, DatabaseUnproven,
    /// StrategyNotFound, StrategyNotStored, StrategyChanged.
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
        // If an object has IndexStrategyId, its Id is the id of a result, of a figure or of an action.
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

    /// <summary>The stored strategy with an id, also a removed one; null if there is none.</summary>
    internal static IndexStrategy? FindStrategy(this ConnectedCmdlet cmdlet, Guid id)
    {
        IndexStrategy? found = null;
        cmdlet.WriteAll(
            token => cmdlet.Connection.Strategies.GetAsync(new() { Ids = [id], IncludeInactive = true }, token),
            strategy => found = strategy);
        return found;
    }
}
