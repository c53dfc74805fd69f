using System.Management.Automation;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>Restores dropped indexes.</summary>
[Cmdlet(
    VerbsCommon.Undo, "IndexRemoval",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High,
    DefaultParameterSetName = ResultSet,
    HelpUri = OnlineHelp.Folder + "Undo-IndexRemoval.md")]
[OutputType(typeof(IndexCreationResult))]
public sealed class UndoIndexRemovalCommand : IndexChangeCmdlet
{
    private const string ResultSet = "Result";
    private const string NameSet = "Name";

    /// <summary>Results of Invoke-IndexRemoval, or drops in the audit.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = ResultSet)]
    [Alias("Action")]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Names of indexes, without schema, whose last drop in the audit is undone.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    public string[] IndexName { get; set; } = [];

    internal override void ProcessItem()
    {
        foreach (var item in InputObject)
        {
            ForItem(item, () => Restore(item));
        }

        foreach (var name in IndexName)
        {
            ForItem(name, () =>
                Restore(IndexRestoration.DefinitionOf(Await(token => IndexRestoration.FindAsync(Connection, name, token)))));
        }
    }

    private void Restore(PSObject item)
    {
        if (item.BaseObject is IndexAction action)
        {
            PipelineObject.Check(action.Target, Connection.Target, $"Index {action.IndexName}", action);
            Restore(IndexRestoration.DefinitionOf(action));
        }
        else if (item.BaseObject is IndexRemovalResult removed)
        {
            PipelineObject.Check(removed.Target, Connection.Target, $"Index {removed.IndexName}", removed);
            if (WasDropped(removed.State, removed.LeftoverIndex, removed.IndexName))
            {
                Restore(removed.Definition);
            }
        }
        else
        {
            RestoreFromAudit(item);
        }
    }

    // The definition comes from the audit, and not from a file.
    private void RestoreFromAudit(PSObject item)
    {
        var read = new PipelineObject(
            item, "a result of Invoke-IndexRemoval or an action of Get-IndexStrategyHistory",
            "Pipe what one of these gives, or pass -IndexName.");
        read.MustBeOf(Connection.Target);
        var (table, index) = (read.NeedText("TableName"), read.NeedText("IndexName"));
        Func<IndexAction, bool> isMeant;
        if (read.Has("Action"))
        {
            var id = read.Need<Guid>("Id");
            isMeant = a => a.Id == id;
        }
        else
        {
            if (!WasDropped(read.Need<IndexRemovalState>("State"), read.Text("LeftoverIndex"), index))
            {
                return;
            }

            var undo = read.NeedText("UndoStatement");
            isMeant = a => a.Action is IndexActionKind.Drop or IndexActionKind.Revert && a.UndoStatement == undo;
        }

        IndexAction? found = null;
        WriteAll(
            token => Connection.Actions.GetAsync(new() { TableName = table, IndexName = index }, token),
            action => found ??= isMeant(action) ? action : null);
        Restore(IndexRestoration.DefinitionOf(found ?? throw new PerfMonitoringException(
            ErrorIds.RemovalNotFound, FailureKind.NotFound,
            $"The history of this database does not hold this drop of {index} on {table}.",
            "Get-IndexStrategyHistory lists what was done.", item)));
    }

    private bool WasDropped(IndexRemovalState state, string? leftover, string index)
    {
        if (state != IndexRemovalState.Removed && leftover is null)
        {
            WriteVerbose($"{index} was not dropped: there is nothing to undo.");
            return false;
        }

        return true;
    }

    private void Restore(IndexDefinition definition)
    {
        if (!ShouldProcess($"{definition.Table} in {Connection.Target}", definition))
        {
            return;
        }

        Change(
            $"Creating index {definition.Name} on {definition.Table}",
            (progress, token) => IndexRestoration.RunAsync(Connection, definition, Options, progress, token));
    }
}
