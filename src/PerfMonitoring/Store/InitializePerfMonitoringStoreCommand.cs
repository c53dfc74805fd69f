using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

/// <summary>Creates the store, or upgrades it to this version.</summary>
[Cmdlet(
    VerbsData.Initialize, "PerfMonitoringStore",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Medium,
    HelpUri = OnlineHelp.Folder + "Initialize-PerfMonitoringStore.md")]
[OutputType(typeof(StoreMigration))]
public sealed class InitializePerfMonitoringStoreCommand : ConnectedCmdlet
{
    protected override void ProcessRecord() => Run(() =>
    {
        var pending = Await(Connection.Store.GetPendingAsync);
        if (pending.Count == 0)
        {
            WriteVerbose($"The store in {Connection.StoreTarget} is up to date.");
            return;
        }

        var sql = string.Join(Environment.NewLine, pending.Select(m => $"-- {m.Name}{Environment.NewLine}{m.Sql}"));
        if (ShouldProcess(
            $"Performing the operation \"Initialize-PerfMonitoringStore\" on {Connection.StoreTarget}:{Environment.NewLine}{sql}",
            $"Run {pending.Count} migration(s) of schema perf_monitoring in {Connection.StoreTarget}?",
            "Initialize-PerfMonitoringStore"))
        {
            WriteObject(Await(Connection.Store.UpgradeAsync), enumerateCollection: true);
        }
    });
}
