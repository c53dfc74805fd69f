using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Statements;

namespace PerfMonitoring.QueryLog;

/// <summary>Stores the activity of the statements since the last update.</summary>
[Cmdlet(
    VerbsData.Update, "QueryPerformanceLog",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Low,
    HelpUri = OnlineHelp.Folder + "Update-QueryPerformanceLog.md")]
[OutputType(typeof(QueryPerformanceLogUpdate))]
public sealed class UpdateQueryPerformanceLogCommand : ConnectedCmdlet
{
    internal override void ProcessItem() => Run(() =>
    {
        if (!ShouldProcess(
            $"{Connection.StoreTarget}", $"Store what the statements of {Connection.Target} did since the last run"))
        {
            return;
        }

        var update = AwaitWithProgress<string, QueryPerformanceLogUpdate>(Connection.QueryLog.UpdateAsync, WriteVerbose);
        if (update.Gaps > 0)
        {
            WriteWarning(
                $"The counters of {update.Gaps} statement(s) were lost or started again after {update.GapSince:u}: " +
                "what these statements did before that is partly unknown. Run it more often, or raise pg_stat_statements.max.");
        }

        if (update.UntrustedStatements.Count > 0)
        {
            WriteWarning(UntrustedStatement.Describe(update.UntrustedStatements, "are stored without a plan"));
        }

        if (update.HiddenStatements > 0)
        {
            WriteWarning(Hidden.Message(update.HiddenStatements, Connection.UserName));
        }

        WriteObject(update);
    });
}
