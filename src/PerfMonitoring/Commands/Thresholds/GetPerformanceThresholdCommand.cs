using System.Management.Automation;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.Thresholds;

/// <summary>Lists the thresholds of the store.</summary>
[Cmdlet(VerbsCommon.Get, "PerformanceThreshold")]
[OutputType(typeof(PerformanceThreshold))]
public sealed class GetPerformanceThresholdCommand : ConnectedCmdlet
{
    [Parameter(Position = 0)]
    public MetricType[]? MetricType { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[]? Id { get; set; }

    [Parameter]
    [SupportsWildcards]
    public string[]? TableName { get; set; }

    [Parameter]
    public SwitchParameter IncludeInactive { get; set; }

    protected override void ProcessRecord() => Run(() =>
    {
        var tables = TableName?.Select(t => WildcardPattern.Get(t, WildcardOptions.IgnoreCase)).ToList();
        var found = Await(token => Connection.Thresholds.GetAsync(IncludeInactive, token))
            .Where(t => MetricType is null || MetricType.Contains(t.MetricType))
            .Where(t => Id is null || Id.Contains(t.Id!.Value))
            .Where(t => tables is null || (t.TableName is not null && tables.Exists(p => p.IsMatch(t.TableName))))
            .ToList();
        WriteObject(found, enumerateCollection: true);
        foreach (var id in Id ?? [])
        {
            if (!found.Exists(t => t.Id == id))
            {
                WriteError(Errors.Record(Limits.NotFound($"with the id {id}"), id));
            }
        }
    });
}
