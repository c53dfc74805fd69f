using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.IndexRemoval;

/// <summary>Drops invalid indexes that a failed build or drop left, without blocking reads or writes.</summary>
[Cmdlet(VerbsDiagnostic.Repair, "Index", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(IndexRemovalResult))]
public sealed class RepairIndexCommand : IndexChangeCmdlet
{
    /// <summary>Names of indexes, without schema; by default all that are invalid.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public string[]? IndexName { get; set; }

    protected override void EndProcessing()
    {
        IReadOnlyList<Removal.IndexRemoval> invalid = [];
        Run(() => invalid = Await(token => Removal.IndexRemoval.FindInvalidAsync(Connection, token)));
        foreach (var missing in (IndexName ?? []).Where(n => !invalid.Any(i => i.Usage.IndexName == n)))
        {
            WriteError(Errors.Record(new PerfMonitoringException(
                "IndexNotInvalid", FailureKind.NotFound, $"There is no invalid index '{missing}' in {Connection.Target} that nobody builds.",
                "Run Repair-Index -WhatIf without a name to see all.", missing)));
        }

        foreach (var repair in invalid.Where(i => IndexName is null || IndexName.Contains(i.Usage.IndexName)))
        {
            ForItem(repair.Usage, () => Repair(repair));
        }
    }

    private void Repair(Removal.IndexRemoval repair)
    {
        if (!ShouldProcess($"{repair.Usage.TableName} in {Connection.Target}", repair.Statement))
        {
            return;
        }

        Change(
            $"Dropping invalid index {repair.Usage.IndexName} on {repair.Usage.TableName}",
            (progress, token) => repair.RunAsync(Connection, Options, progress, token));
    }
}
