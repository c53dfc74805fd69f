using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Changes;

/// <summary>
/// Drops invalid indexes that a failed build or drop left, or rebuilds bloated ones, without blocking reads or writes.
/// </summary>
[Cmdlet(
    VerbsDiagnostic.Repair, "Index",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High,
    DefaultParameterSetName = InvalidSet,
    HelpUri = OnlineHelp.Folder + "Repair-Index.md")]
[OutputType(typeof(IndexRemovalResult), ParameterSetName = [InvalidSet])]
[OutputType(typeof(IndexRepairResult), ParameterSetName = [BloatedSet])]
public sealed class RepairIndexCommand : IndexChangeCmdlet
{
    private const string InvalidSet = "Invalid";
    private const string BloatedSet = "Bloated";

    /// <summary>Names of indexes, without schema; by default all invalid or all bloated indexes.</summary>
    [Parameter(Position = 0)]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public string[]? IndexName { get; set; }

    /// <summary>Rebuilds bloated B-trees instead of dropping invalid indexes.</summary>
    [Parameter(Mandatory = true, ParameterSetName = BloatedSet)]
    public SwitchParameter Bloated { get; set; }

    /// <summary>The smallest share of bloat in an index's size, 0 to 1.</summary>
    [Parameter(ParameterSetName = BloatedSet)]
    [ValidateRange(0.0, 1.0)]
    [Configured("IndexRepair.MinimumBloat")]
    public double MinimumBloat { get; set; } = 0.5;

    /// <summary>The smallest amount of bloat, in bytes.</summary>
    [Parameter(ParameterSetName = BloatedSet)]
    [ValidateRange(0, long.MaxValue)]
    [Configured("IndexRepair.MinimumWaste", IsSize = true)]
    public long MinimumWaste { get; set; } = 10 * 1024 * 1024;

    /// <summary>How long each wait for older transactions may last; zero waits for ever.</summary>
    [Parameter(ParameterSetName = BloatedSet)]
    [Duration("1ms", "24d", OrZero = true)]
    [Configured("IndexChange.SnapshotTimeout")]
    public TimeSpan SnapshotTimeout { get; set; } = new IndexChangeOptions().SnapshotTimeout;

    internal override void EndWork()
    {
        if (Bloated)
        {
            IReadOnlyList<BloatedIndex> bloated = [];
            Run(() => bloated = Await(token => BloatedIndex.FindAsync(Connection, MinimumBloat, MinimumWaste, token)));
            foreach (var index in Wanted(bloated, b => b.Index.Definition.Name, IsNotBloated))
            {
                ForItem(index, () => Rebuild(index));
            }

            return;
        }

        IReadOnlyList<IndexRemoval> invalid = [];
        Run(() => invalid = Await(token => IndexRemoval.FindInvalidAsync(Connection, token)));
        foreach (var repair in Wanted(invalid, i => i.Usage.IndexName, IsNotInvalid))
        {
            ForItem(repair.Usage, () => Drop(repair));
        }
    }

    private IEnumerable<T> Wanted<T>(IReadOnlyList<T> found, Func<T, string> name, Func<string, PerfMonitoringException> missing)
    {
        foreach (var absent in (IndexName ?? []).Where(n => !found.Any(f => name(f) == n)))
        {
            WriteError(Errors.Record(missing(absent)));
        }

        return found.Where(f => IndexName is null || IndexName.Contains(name(f)));
    }

    private PerfMonitoringException IsNotInvalid(string name) => new(
        ErrorIds.IndexNotInvalid, FailureKind.NotFound,
        $"There is no invalid index '{name}' in {Connection.Target} that nobody builds.",
        "Run Repair-Index -WhatIf without a name to see all.", name);

    private PerfMonitoringException IsNotBloated(string name) => new(
        ErrorIds.IndexNotBloated, FailureKind.NotFound,
        $"There is no B-tree '{name}' in {Connection.Target} that is known to be bloated so much.",
        "Run ANALYZE, or lower -MinimumBloat and -MinimumWaste: Repair-Index -Bloated -MinimumBloat 0 -MinimumWaste 0 -WhatIf "
            + "shows all.", name);

    private void Drop(IndexRemoval repair)
    {
        if (ShouldProcess($"{repair.Usage.TableName} in {Connection.Target}", repair.Statement))
        {
            Change(
                $"Dropping invalid index {repair.Usage.IndexName} on {repair.Usage.TableName}",
                (progress, token) => repair.RunAsync(Connection, Options, progress, token));
        }
    }

    private void Rebuild(BloatedIndex index)
    {
        if (ShouldProcess($"{index.Index.Definition.Table} in {Connection.Target}", $"{index.Statement} -- {index.Reason}"))
        {
            Change(
                $"Rebuilding index {index.Index.Definition.Name} on {index.Index.Definition.Table}",
                (progress, token) =>
                    index.RunAsync(Connection, Options with { SnapshotTimeout = SnapshotTimeout }, progress, token));
        }
    }
}
