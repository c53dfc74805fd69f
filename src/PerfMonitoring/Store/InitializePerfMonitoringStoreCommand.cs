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
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Group { get; set; }

    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? Tag { get; set; }

    /// <summary>What the user says of a database that the store may know under another address.</summary>
    [Parameter]
    [Word(typeof(StoreEntryIdentity))]
    [KnownWord]
    public StoreEntryIdentity Identity { get; set; }

    /// <summary>Whether the schemas of all databases in the store are upgraded.</summary>
    [Parameter]
    public SwitchParameter All { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var registration = new StoreRegistration { Group = Group, Tags = Tag, Identity = Identity };
        if (Identity == StoreEntryIdentity.Auto && Await(Connection.Store.GetNoteAsync) is { } note)
        {
            WriteWarning(note);
        }

        var pending = Await(token => Connection.Store.GetPendingAsync(registration, All, token));
        var sql = string.Join(
            Environment.NewLine, pending.Select(m => $"-- {m.SchemaName}: {m.Name}{Environment.NewLine}{m.Sql}"));
        if (pending.Count == 0)
        {
            WriteVerbose($"The store in {Connection.StoreTarget} is up to date.");
            if (registration == new StoreRegistration())
            {
                return;
            }
        }
        else if (!ShouldProcess(
            $"Performing the operation \"Initialize-PerfMonitoringStore\" on {Connection.StoreTarget}:{Environment.NewLine}{sql}",
            $"Run {pending.Count} migration(s) of the store in {Connection.StoreTarget}?",
            "Initialize-PerfMonitoringStore"))
        {
            return;
        }

        // Group, tags and identity are written without migrations, too.
        if (!IsWhatIf)
        {
            WriteObject(
                Await(token => Connection.Store.UpgradeAsync(registration, All, token)), enumerateCollection: true);
        }
    });
}
