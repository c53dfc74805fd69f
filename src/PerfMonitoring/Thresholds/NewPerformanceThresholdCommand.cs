using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Thresholds;

/// <summary>Stores a warning and a critical limit for a metric.</summary>
[Cmdlet(
    VerbsCommon.New, "PerformanceThreshold",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Low,
    HelpUri = OnlineHelp.Folder + "New-PerformanceThreshold.md")]
[OutputType(typeof(PerformanceThreshold))]
public sealed class NewPerformanceThresholdCommand : ByNameCmdlet
{
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [Word(typeof(MetricType))]
    [KnownWord]
    public MetricType MetricType { get; set; }

    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [Limit]
    public MetricLimit Warning { get; set; }

    [Parameter(Mandatory = true, Position = 2, ValueFromPipelineByPropertyName = true)]
    [Limit]
    public MetricLimit Critical { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Word(typeof(ThresholdUnit))]
    [KnownWord]
    public ThresholdUnit? Unit { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string? TableName { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public bool AlertEnabled { get; set; } = true;

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public IDictionary? AlertConfiguration { get; set; }

    internal override void ProcessItem() => ForItem(MetricType, () =>
    {
        var metric = Metric.Of(MetricType);
        var unit = Unit ?? metric.Units[0];
        // An empty cell of an imported file means no table.
        var table = string.IsNullOrEmpty(TableName) ? null : TableName;
        var (warning, critical) = (Warning.For(nameof(Warning), metric, unit), Critical.For(nameof(Critical), metric, unit));
        metric.Check(warning, critical, unit, table);
        if (table is not null)
        {
            table = Await(token => Limits.FindTableAsync(Connection, table, token));
            metric.Check(warning, critical, unit, table);
        }

        var threshold = new PerformanceThreshold
        {
            MetricType = MetricType,
            TableName = table,
            Warning = warning,
            Critical = critical,
            Unit = unit,
            AlertEnabled = AlertEnabled,
            AlertConfiguration = Limits.Configuration(AlertConfiguration),
        };
        if (ShouldProcess(
            $"{Connection.StoreTarget}",
            $"Store a threshold for {MetricType}{(table is null ? "" : " of " + table)}: warning {warning}, critical "
                + $"{critical} ({unit})"))
        {
            WriteObject(Await(token => Connection.Thresholds.AddAsync(threshold, token)) with { Target = Connection.Target });
        }
    });
}
