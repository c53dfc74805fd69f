using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Usage;

/// <summary>Stores today's usage of the indexes.</summary>
[Cmdlet(
    VerbsData.Update, "IndexUsageStat",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Low,
    DefaultParameterSetName = "Name",
    HelpUri = OnlineHelp.Folder + "Update-IndexUsageStat.md")]
[OutputType(typeof(IndexUsageStat))]
public sealed class UpdateIndexUsageStatCommand : ConnectedCmdlet
{
    private readonly NameFilter filter = new();

    /// <summary>Usage figures or strategies that select the indexes.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "InputObject")]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Tables, with or without schema; wildcards are allowed.</summary>
    [Parameter(Position = 0, ParameterSetName = "Name")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string[]? TableName { get; set; }

    /// <summary>Indexes, without schema; wildcards are allowed.</summary>
    [Parameter(Position = 1, ParameterSetName = "Name")]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public string[]? IndexName { get; set; }

    /// <summary>Sessions on the standbys of the server, or their names. An index that is scanned there counts as used.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[] Replica { get; set; } = [];

    /// <summary>How long an index must not have been scanned, on any server, to count as unused.</summary>
    [Parameter]
    [Duration("7d", "3650d")]
    [Configured("IndexUsage.Window")]
    public TimeSpan Window { get; set; } = DropVerdict.DefaultWindow;

    internal override void ProcessItem()
    {
        if (ParameterSetName == "Name")
        {
            filter.Add(TableName, IndexName);
        }

        foreach (var item in InputObject)
        {
            ForItem(item, () =>
            {
                var read = new PipelineObject(
                    item, "a figure of Get-IndexUsageStat",
                    "Pipe what Get-IndexUsageStat gives, or pass -TableName and -IndexName.");
                read.MustBeOf(Connection.Target);
                filter.Add([read.NeedText("TableName")], [read.NeedText("IndexName")]);
            });
        }
    }

    internal override void EndWork() => Run(() =>
    {
        var scope = UsageScopes.Of(this, Replica, Window);
        var all = Await(token => UsageReader.GetAsync(Connection, scope, token));
        var wanted = all.Where(s => filter.Matches(s.TableName, s.IndexName)).ToList();
        foreach (var missing in filter.Missing($"{Connection.Target}", "Run Get-IndexUsageStat without a name to see all."))
        {
            WriteError(Errors.Record(missing));
        }

        if (wanted.Count == 0
            || !ShouldProcess(
                $"{Connection.StoreTarget}", $"Store today's usage of {wanted.Count} index(es) of {Connection.Target}"))
        {
            return;
        }

        var recording = Await(token => UsageRecorder.RecordAsync(Connection, wanted, token));
        foreach (var skipped in recording.Skipped)
        {
            WriteWarning(skipped.Remedy is null ? skipped.Message : $"{skipped.Message} {skipped.Remedy}");
        }

        WriteVerbose(
            $"{recording.Stored.Count} stored, {recording.Adopted} of them new to the store; {recording.Unmonitored} left "
                + $"out: their strategy is removed or not monitored, or they are the rest of a build that failed.");
        WriteObject(recording.Stored, enumerateCollection: true);
    });
}
