using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Commands.Thresholds;

/// <summary>Stores two limits for a metric.</summary>
[Cmdlet(VerbsCommon.New, "PerformanceThreshold", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(PerformanceThreshold))]
public sealed class NewPerformanceThresholdCommand : ConnectedCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    public MetricType MetricType { get; set; }

    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Number]
    public decimal Warning { get; set; }

    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
    [Number]
    public decimal Critical { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public ThresholdUnit? Unit { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string? TableName { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public bool AlertEnabled { get; set; } = true;

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public IDictionary? AlertConfiguration { get; set; }

    protected override void ProcessRecord() => ForItem(MetricType, () =>
    {
        var metric = Metric.Of(MetricType);
        var unit = Unit ?? metric.Units[0];
        // A column of an imported file that is empty means no table.
        var table = string.IsNullOrEmpty(TableName) ? null : TableName;
        metric.Check(Warning, Critical, unit, table);
        if (table is not null)
        {
            var name = RelationName.Parse(table);
            table = Await(token => Connection.Metrics.FindTableAsync(name, token))?.Name
                ?? throw new PerfMonitoringException(
                    "TableNotFound", FailureKind.NotFound, $"{Connection.Target} has no table {name}.", "Check -TableName and its schema.", TableName);
            metric.Check(Warning, Critical, unit, table);
        }

        var threshold = new PerformanceThreshold
        {
            MetricType = MetricType,
            TableName = table,
            Warning = Warning,
            Critical = Critical,
            Unit = unit,
            AlertEnabled = AlertEnabled,
            AlertConfiguration = Limits.Configuration(AlertConfiguration),
        };
        if (ShouldProcess($"{Connection.StoreTarget}", $"Store a threshold for {MetricType}{(table is null ? "" : " of " + table)}: warning {Warning}, critical {Critical} ({unit})"))
        {
            WriteObject(Await(token => Connection.Thresholds.AddAsync(threshold, token)));
        }
    });
}
