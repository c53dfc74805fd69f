using System.Management.Automation;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Removal;

namespace PerfMonitoring.Commands.IndexRemoval;

/// <summary>Builds indexes again that were dropped.</summary>
[Cmdlet(VerbsCommon.Undo, "IndexRemoval", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = ResultSet)]
[OutputType(typeof(IndexCreationResult))]
public sealed class UndoIndexRemovalCommand : IndexChangeCmdlet
{
    private const string ResultSet = "Result";
    private const string ActionSet = "Action";
    private const string NameSet = "Name";

    /// <summary>Results of Invoke-IndexRemoval.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = ResultSet)]
    public IndexRemovalResult[] InputObject { get; set; } = [];

    /// <summary>Drops in the audit.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ActionSet)]
    public IndexAction[] Action { get; set; } = [];

    /// <summary>Names of indexes, without schema, whose last drop in the audit is undone.</summary>
    [Parameter(Mandatory = true, ParameterSetName = NameSet)]
    public string[] IndexName { get; set; } = [];

    protected override void ProcessRecord()
    {
        foreach (var removed in InputObject)
        {
            ForItem(removed, () =>
            {
                if (removed.State != IndexRemovalState.Removed && removed.LeftoverIndex is null)
                {
                    WriteVerbose($"{removed.IndexName} was not dropped: there is nothing to undo.");
                }
                else
                {
                    Restore(removed.Definition, removed.Target, removed);
                }
            });
        }

        foreach (var action in Action)
        {
            ForItem(action, () => Restore(action));
        }

        foreach (var name in IndexName)
        {
            ForItem(name, () => Restore(Await(token => IndexRestoration.FindAsync(Connection, name, token))));
        }
    }

    private void Restore(IndexAction action) => Restore(IndexRestoration.DefinitionOf(action), action.Target ?? Connection.Target, action);

    private void Restore(IndexDefinition definition, ServerTarget target, object item)
    {
        if (!target.IsSameDatabaseAs(Connection.Target))
        {
            throw Errors.OtherDatabase($"Index {definition.Name}", target, Connection.Target, item);
        }

        if (!ShouldProcess($"{definition.Table} in {Connection.Target}", definition.WithoutConstants))
        {
            return;
        }

        Change(
            $"Creating index {definition.Name} on {definition.Table}",
            (progress, token) => IndexRestoration.RunAsync(Connection, definition, Options, progress, token));
    }
}
