using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.QueryLog;

/// <summary>Removes rows before a given time from the stored log.</summary>
[Cmdlet(
    VerbsCommon.Clear, "QueryPerformanceLog",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High,
    HelpUri = OnlineHelp.Folder + "Clear-QueryPerformanceLog.md")]
[OutputType(typeof(QueryPerformanceLogCleanup))]
public sealed class ClearQueryPerformanceLogCommand : ConnectedCmdlet
{
    [Parameter(Mandatory = true, Position = 0)]
    [Moment]
    public DateTimeOffset Before { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var found = Await(token => Connection.QueryLog.CountAsync(Before, token));
        if (found.Rows == 0 && found.Partitions == 0)
        {
            WriteVerbose($"The log in {Connection.StoreTarget} has nothing from before {Before:u}.");
            WriteObject(found with { Target = Connection.Target });
            return;
        }

        if (ShouldProcess(
            $"{Connection.StoreTarget}",
            $"Remove {found.Rows} row(s) of the query log, of all databases in the store, from before {Before:u} "
                + $"({found.Partitions} partition(s) dropped whole)"))
        {
            WriteObject(Await(token => Connection.QueryLog.ClearAsync(Before, token)) with { Target = Connection.Target });
        }
    });
}
