using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Usage;

/// <summary>Shows how indexes are used, and which ones cost more than they are used for.</summary>
[Cmdlet(
    VerbsCommon.Get, "IndexUsageStat",
    DefaultParameterSetName = CurrentSet,
    HelpUri = OnlineHelp.Folder + "Get-IndexUsageStat.md")]
[OutputType(typeof(IndexUsageStat))]
public sealed class GetIndexUsageStatCommand : ByNameCmdlet
{
    private const string CurrentSet = "Current";
    private const string HistorySet = "History";

    private readonly NameFilter filter = new();

    /// <summary>Tables, with or without schema; wildcards are allowed.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string[]? TableName { get; set; }

    /// <summary>Indexes, without schema; wildcards are allowed.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public string[]? IndexName { get; set; }

    /// <summary>Only indexes that were never scanned.</summary>
    [Parameter]
    public SwitchParameter Unused { get; set; }

    /// <summary>Only indexes that are recommended for drop.</summary>
    [Parameter]
    public SwitchParameter RecommendedForDrop { get; set; }

    /// <summary>Sessions on the standbys of the server, or their names. An index that is scanned there counts as used.</summary>
    [Parameter(ParameterSetName = CurrentSet)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[] Replica { get; set; } = [];

    /// <summary>How long an index must not have been scanned, on any server, to count as unused.</summary>
    [Parameter(ParameterSetName = CurrentSet)]
    [Duration("7d", "3650d")]
    [Configured("IndexUsage.Window")]
    public TimeSpan Window { get; set; } = DropVerdict.DefaultWindow;

    /// <summary>First day of the stored history to read (UTC).</summary>
    [Parameter(ParameterSetName = HistorySet)]
    [Moment]
    public DateTime? Since { get; set; }

    /// <summary>Last day of the stored history to read (UTC).</summary>
    [Parameter(ParameterSetName = HistorySet)]
    [Moment]
    public DateTime? Until { get; set; }

    internal override void ProcessItem() => filter.Add(TableName, IndexName);

    // One reading serves all names, and indexes can only be judged together.
    internal override void EndWork() => Run(() =>
    {
        if (ParameterSetName == HistorySet)
        {
            WriteAll(token => Connection.IndexUsage.GetHistoryAsync(Day(Since), Day(Until), token), WriteWanted);
            WriteMissing(
                $"the history of {Connection.Target} of these days", "Get-IndexUsageStat without names shows all of them.");
            return;
        }

        var scope = UsageScopes.Of(this, Replica, Window);
        var all = Await(token => UsageReader.GetAsync(Connection, scope, token));
        foreach (var stat in all)
        {
            WriteWanted(stat);
        }

        WriteMissing($"{Connection.Target}", "Run Get-IndexUsageStat without a name to see all.");
    });

    private void WriteMissing(string where, string remedy)
    {
        foreach (var missing in filter.Missing(where, remedy))
        {
            WriteError(Errors.Record(missing));
        }
    }

    private void WriteWanted(IndexUsageStat stat)
    {
        if (IsWanted(stat))
        {
            WriteObject(stat);
        }
    }

    // A typed date means that day; a time means its day in UTC.
    private static DateOnly? Day(DateTime? at) => at is { } time
        ? DateOnly.FromDateTime(time is { Kind: DateTimeKind.Unspecified, TimeOfDay.Ticks: 0 } ? time : time.ToUniversalTime())
        : null;

    private bool IsWanted(IndexUsageStat stat) =>
        filter.Matches(stat.TableName, stat.IndexName) && (!Unused || stat.TotalScans == 0)
            && (!RecommendedForDrop || stat.IsRecommendedForDrop);
}
