using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Restores a dropped index.</summary>
internal static class IndexRestoration
{
    /// <summary>Builds the index in the usual way, and records in the store that it exists.</summary>
    /// <param name="connection">The session.</param>
    /// <param name="definition">The definition of the dropped index.</param>
    /// <param name="options">Limits.</param>
    /// <param name="progress">Receives progress.</param>
    /// <param name="cancellationToken">Cancels the operation and cleans up.</param>
    /// <returns>As <see cref="IIndexChanger.BuildAsync"/>.</returns>
    public static async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> RunAsync(
        IMonitoringConnection connection, IndexDefinition definition, IndexChangeOptions options,
        IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken)
    {
        var strategy = new IndexStrategy {
            Definition = definition, Reason = "It was dropped and is wanted again.", Target = connection.Target };
        return await connection.IndexChanger.BuildAsync(
            strategy, options with { Action = IndexActionKind.Restore }, progress, cancellationToken);
    }

    /// <summary>The index that an action of the audit dropped.</summary>
    /// <exception cref="PerfMonitoringException">NotUndoable: the action dropped nothing, or the audit does not contain the
    /// definition.</exception>
    public static IndexDefinition DefinitionOf(IndexAction action)
    {
        var what = $"{action.Action} of {action.IndexName} on {action.TableName}";
        if (action.Action is not (IndexActionKind.Drop or IndexActionKind.Revert)
            || action.Outcome == IndexActionOutcome.Cancelled)
        {
            throw new PerfMonitoringException(
                ErrorIds.NotUndoable, FailureKind.InvalidArgument, $"{what} ({action.Outcome}) dropped no index.",
                "Get-IndexStrategyHistory -Action Drop lists those that did.", action);
        }

        return RemovalEvidence.Read(action)?.Definition
            ?? throw new PerfMonitoringException(
                ErrorIds.RemovalNotReadable, FailureKind.NotFound, $"The audit does not hold the definition for {what}.",
                action.UndoStatement is null ? null : "Run the statement that the action has as its UndoStatement.", action);
    }

    /// <summary>The last drop of an index of that name.</summary>
    /// <exception cref="PerfMonitoringException">StoreMissing; RemovalNotFound; AmbiguousIndexName: tables of several schemas had
    /// one.</exception>
    public static async Task<IndexAction> FindAsync(
        IMonitoringConnection connection, string indexName, CancellationToken cancellationToken)
    {
        var filter = new IndexActionFilter
        {
            IndexName = indexName, Actions = [IndexActionKind.Drop, IndexActionKind.Revert],
            Outcomes = [IndexActionOutcome.Succeeded],
        };
        var found = new List<IndexAction>();
        await foreach (var action in connection.Actions.GetAsync(filter, cancellationToken))
        {
            if (!found.Exists(f => f.TableName == action.TableName))
            {
                found.Add(action);
            }
        }

        return found switch
        {
            [var only] => only,
            [] => throw new PerfMonitoringException(
                ErrorIds.RemovalNotFound, FailureKind.NotFound,
                $"The audit in {connection.StoreTarget} has no drop of an index '{indexName}' of {connection.Target}.",
                "Get-IndexStrategyHistory lists what was done.", indexName),
            _ => throw new PerfMonitoringException(
                ErrorIds.AmbiguousIndexName, FailureKind.InvalidArgument,
                $"An index '{indexName}' was dropped on {string.Join(" and on ", found.Select(f => f.TableName))}.",
                "Pipe the right one from Get-IndexStrategyHistory.", indexName),
        };
    }
}
