using System.Management.Automation;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.IndexUsage;

/// <summary>How the indexes are used, and which do not earn their keep.</summary>
[Cmdlet(VerbsCommon.Get, "IndexUsageStat", DefaultParameterSetName = CurrentSet)]
[OutputType(typeof(IndexUsageStat))]
public sealed class GetIndexUsageStatCommand : ConnectedCmdlet
{
    private const string CurrentSet = "Current";
    private const string HistorySet = "History";

    private readonly NameFilter filter = new();

    /// <summary>Tables, with or without schema; wildcards.</summary>
    [Parameter(Position = 0, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    public string[]? TableName { get; set; }

    /// <summary>Indexes, without schema; wildcards.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    public string[]? IndexName { get; set; }

    /// <summary>Only indexes that were never scanned.</summary>
    [Parameter]
    public SwitchParameter Unused { get; set; }

    /// <summary>Only indexes that are recommended for drop.</summary>
    [Parameter]
    public SwitchParameter RecommendedForDrop { get; set; }

    protected override void ProcessRecord() => filter.Add(TableName, IndexName);

    // One read serves all names, and indexes can only be judged together.
    protected override void EndProcessing() => Run(() =>
    {
        var all = Await(Connection.IndexUsage.GetCurrentAsync);
        foreach (var missing in filter.Missing(all))
        {
            WriteError(Errors.Record(missing));
        }

        foreach (var stat in all.Where(IsWanted))
        {
            WriteObject(stat);
        }
    });

    private bool IsWanted(IndexUsageStat stat) =>
        (!Unused || stat.TotalScans == 0) && (!RecommendedForDrop || stat.IsRecommendedForDrop) && filter.Matches(stat.TableName, stat.IndexName);
}
