using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>Lists the thresholds of the store.</summary>
[Cmdlet(VerbsCommon.Get, "PerformanceThreshold", HelpUri = OnlineHelp.Folder + "Get-PerformanceThreshold.md")]
[OutputType(typeof(PerformanceThreshold))]
public sealed class GetPerformanceThresholdCommand : ByNameCmdlet
{
    [Parameter(Position = 0)]
    [Word(typeof(MetricType))]
    [KnownWord]
    public MetricType[]? MetricType { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[]? Id { get; set; }

    [Parameter]
    [SupportsWildcards]
    public string[]? TableName { get; set; }

    [Parameter]
    public SwitchParameter IncludeInactive { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var tables = NamePattern.Of(TableName);
        var found = Await(token => Connection.Thresholds.GetAsync(IncludeInactive, token))
            .Where(t => MetricType is null || MetricType.Contains(t.MetricType))
            .Where(t => Id is null || Id.Contains(t.Id!.Value))
            .Where(t =>
                tables is null || (t.TableName is not null && tables.Any(p => p.Matches(RelationName.Parse(t.TableName)))))
            .Select(t => t with { Target = Connection.Target })
            .ToList();
        WriteObject(found, enumerateCollection: true);
        foreach (var id in Id ?? [])
        {
            if (!found.Exists(t => t.Id == id))
            {
                WriteError(Errors.Record(Limits.NotFound($"with the id {id}"), id));
            }
        }

        foreach (var table in tables?.Where(p => !p.IsPattern && !found.Exists(t => p.Matches(RelationName.Parse(t.TableName!))))
            ?? [])
        {
            WriteError(Errors.Record(Limits.NotFound($"for the table '{table.Text}'"), table.Text));
        }
    });
}
