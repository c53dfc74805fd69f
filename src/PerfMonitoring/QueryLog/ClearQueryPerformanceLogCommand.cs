using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;

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
    [Parameter(Position = 0)]
    [Moment]
    public DateTimeOffset? Before { get; set; }

    /// <summary>The age from which rows are removed, where no moment is given.</summary>
    [Configured("QueryLog.Retention", Unless = [nameof(Before)])]
    [Duration("1d", "3650d")]
    internal TimeSpan? Retention { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var before = Before ?? DateTimeOffset.UtcNow - Retention ?? throw new PerfMonitoringException(
            ErrorIds.InvalidArgument, FailureKind.InvalidArgument,
            "-Before is not given, and the configuration has no retention.",
            "Pass -Before, or say how long the log is kept: Set-PerfMonitoringConfiguration QueryLog.Retention 90d",
            nameof(Before));
        var found = Await(token => Connection.QueryLog.CountAsync(before, token));
        if (found.Rows == 0 && found.Partitions == 0)
        {
            WriteVerbose($"The log in {Connection.StoreTarget} has nothing from before {before:u}.");
            WriteObject(found with { Target = Connection.Target });
            return;
        }

        if (ShouldProcess(
            $"{Connection.StoreTarget}",
            $"Remove {found.Rows} row(s) of the query log from before {before:u} "
                + $"({found.Partitions} partition(s) dropped whole)"))
        {
            WriteObject(Await(token => Connection.QueryLog.ClearAsync(before, token)) with { Target = Connection.Target });
        }
    });
}
