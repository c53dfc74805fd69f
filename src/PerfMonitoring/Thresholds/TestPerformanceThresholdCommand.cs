using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Thresholds;

/// <summary>Measures metrics and compares the values with their limits.</summary>
[Cmdlet(
    VerbsDiagnostic.Test, "PerformanceThreshold",
    DefaultParameterSetName = "Stored",
    HelpUri = OnlineHelp.Folder + "Test-PerformanceThreshold.md")]
[OutputType(typeof(ThresholdResult), typeof(bool))]
public sealed class TestPerformanceThresholdCommand : ConnectedCmdlet
{
    private readonly List<PerformanceThreshold> thresholds = [];
    private bool isIncomplete;

    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = "Threshold")]
    public PSObject[] InputObject { get; set; } = [];

    [Parameter(ParameterSetName = "Stored")]
    public Guid[]? Id { get; set; }

    [Parameter(Position = 0, ParameterSetName = "Stored")]
    [Parameter(Position = 0, Mandatory = true, ParameterSetName = "Limits")]
    [Word(typeof(MetricType))]
    [KnownWord]
    public MetricType[]? MetricType { get; set; }

    [Parameter(Position = 1, Mandatory = true, ParameterSetName = "Limits")]
    [Limit]
    public MetricLimit Warning { get; set; }

    [Parameter(Position = 2, Mandatory = true, ParameterSetName = "Limits")]
    [Limit]
    public MetricLimit Critical { get; set; }

    [Parameter(ParameterSetName = "Limits")]
    [Word(typeof(ThresholdUnit))]
    [KnownWord]
    public ThresholdUnit? Unit { get; set; }

    [Parameter(ParameterSetName = "Limits")]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    public string? TableName { get; set; }

    [Parameter]
    [Duration("1s", "1h")]
    public TimeSpan? SampleInterval { get; set; }

    [Parameter]
    public SwitchParameter Quiet { get; set; }

    // A measurement changes nothing, so limits of another database are good for each.
    internal override Routing Routing => Routing.OwnOrEach;

    internal override void ProcessItem()
    {
        switch (ParameterSetName)
        {
            case "Threshold":
                var before = thresholds.Count;
                Array.ForEach(InputObject, item => ForItem(item, () => thresholds.Add(Read(item))));
                isIncomplete |= thresholds.Count < before + InputObject.Length;
                break;
            case "Limits":
                Run(() => thresholds.AddRange(MetricType!.Select(Given)));
                break;
            default:
                Run(AddStored);
                break;
        }
    }

    internal override void EndWork() => Run(() =>
    {
        if (thresholds.Count == 0)
        {
            WriteError(Errors.Record(new PerfMonitoringException(
                ErrorIds.NoThreshold, FailureKind.NotFound, "There is no threshold to test.",
                "Make one with New-PerformanceThreshold, or pass -MetricType, -Warning and -Critical.")));
            if (Quiet)
            {
                WriteObject(false);
            }

            return;
        }

        var progress = new ProgressRecord(1, "Testing thresholds", "Counting") { PercentComplete = 0 };
        var run = AwaitWithProgress<double, ThresholdRun>(
            (report, token) => ThresholdTest.RunAsync(Connection, thresholds, SampleInterval, report, token),
            share =>
            {
                progress.PercentComplete = (int)(share * 100);
                WriteProgress(progress);
            });
        progress.RecordType = ProgressRecordType.Completed;
        WriteProgress(progress);
        Tell(run.StoreFailure);
        if (Quiet)
        {
            WriteObject(!isIncomplete && run.Results.All(r => r.State == ThresholdState.Ok));
        }
        else
        {
            WriteObject(run.Results, enumerateCollection: true);
        }
    });

    // A measurement changes nothing, so the limits of the object are used, wherever it is stored.
    private static PerformanceThreshold Read(PSObject item)
    {
        if (item.BaseObject is PerformanceThreshold live)
        {
            return live;
        }

        var read = new PipelineObject(
            item, "a threshold", "Pipe what Get-PerformanceThreshold gives, or pass -MetricType, -Warning and -Critical.");
        var threshold = new PerformanceThreshold
        {
            Id = read.Get<Guid>("Id"),
            MetricType = read.Need<MetricType>("MetricType"),
            TableName = read.Text("TableName"),
            Warning = read.Need<decimal>("Warning"),
            Critical = read.Need<decimal>("Critical"),
            Unit = read.Need<ThresholdUnit>("Unit"),
        };
        Metric.Of(threshold.MetricType).Check(threshold.Warning, threshold.Critical, threshold.Unit, threshold.TableName);
        return threshold;
    }

    // A read-only role, a standby and a missing store are normal. Any other failure is reported.
    private void Tell(PerfMonitoringException? failure)
    {
        if (failure is null)
        {
            return;
        }

        var text = $"The sample of the counters was not stored, so the next test cannot count from this one. {failure.Message}";
        if (failure.Kind is FailureKind.PermissionDenied or FailureKind.NotSupported or FailureKind.NotInstalled)
        {
            WriteVerbose(text);
        }
        else
        {
            WriteWarning($"{text} {failure.Remedy}".TrimEnd());
        }
    }

    private PerformanceThreshold Given(MetricType type)
    {
        var metric = Metric.Of(type);
        var unit = Unit ?? metric.Units[0];
        var (warning, critical) = (Warning.For(nameof(Warning), metric, unit), Critical.For(nameof(Critical), metric, unit));
        metric.Check(warning, critical, unit, TableName);
        var table = TableName is null ? null : Await(token => Limits.FindTableAsync(Connection, TableName, token));
        return new PerformanceThreshold
        {
            MetricType = type,
            TableName = table,
            Warning = warning,
            Critical = critical,
            Unit = unit,
        };
    }

    private void AddStored()
    {
        var stored = Await(token => Connection.Thresholds.GetAsync(includeInactive: false, token));
        thresholds.AddRange(stored
            .Where(t => MetricType is null || MetricType.Contains(t.MetricType))
            .Where(t => Id is null || Id.Contains(t.Id!.Value)));
        foreach (var id in Id ?? [])
        {
            if (!stored.Any(t => t.Id == id))
            {
                isIncomplete = true;
                WriteError(Errors.Record(Limits.NotFound($"with the id {id}"), id));
            }
        }
    }
}
