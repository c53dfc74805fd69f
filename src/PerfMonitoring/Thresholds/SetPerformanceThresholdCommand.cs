using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>Changes limits, unit or alert of a threshold.</summary>
[Cmdlet(
    VerbsCommon.Set, "PerformanceThreshold",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Low,
    DefaultParameterSetName = "InputObject",
    HelpUri = OnlineHelp.Folder + "Set-PerformanceThreshold.md")]
[OutputType(typeof(PerformanceThreshold))]
public sealed class SetPerformanceThresholdCommand : ThresholdCmdlet
{
    [Parameter]
    [Limit]
    public MetricLimit Warning { get; set; }

    [Parameter]
    [Limit]
    public MetricLimit Critical { get; set; }

    [Parameter]
    [Word(typeof(ThresholdUnit))]
    [KnownWord]
    public ThresholdUnit Unit { get; set; }

    [Parameter]
    public bool AlertEnabled { get; set; }

    [Parameter]
    [AllowNull]
    public IDictionary? AlertConfiguration { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    private protected override void Change(Guid id)
    {
        var old = Await(token => Connection.Thresholds.GetAsync(includeInactive: false, token)).FirstOrDefault(t => t.Id == id)
            ?? throw Limits.NotFound($"with the id {id}");
        if (!new[] { nameof(Warning), nameof(Critical), nameof(Unit), nameof(AlertEnabled), nameof(AlertConfiguration) }.Any(
            IsGiven))
        {
            throw new PerfMonitoringException(
                ErrorIds.NothingToChange, FailureKind.InvalidArgument, "Nothing is given that shall change.",
                "Pass -Warning, -Critical, -Unit, -AlertEnabled or -AlertConfiguration.", id);
        }

        if (IsGiven(nameof(Unit)) && Unit != old.Unit && !(IsGiven(nameof(Warning)) && IsGiven(nameof(Critical))))
        {
            throw new PerfMonitoringException(
                ErrorIds.InvalidThreshold, FailureKind.InvalidArgument,
                $"-Unit {Unit} cannot be changed alone: both limits are in {old.Unit}.",
                "Pass -Warning and -Critical in the new unit.", Unit);
        }

        var metric = Metric.Of(old.MetricType);
        var unit = IsGiven(nameof(Unit)) ? Unit : old.Unit;
        var threshold = old with
        {
            Warning = IsGiven(nameof(Warning)) ? Warning.For(nameof(Warning), metric, unit) : old.Warning,
            Critical = IsGiven(nameof(Critical)) ? Critical.For(nameof(Critical), metric, unit) : old.Critical,
            Unit = unit,
            AlertEnabled = IsGiven(nameof(AlertEnabled)) ? AlertEnabled : old.AlertEnabled,
            AlertConfiguration = IsGiven(nameof(AlertConfiguration))
                ? Limits.Configuration(AlertConfiguration) : old.AlertConfiguration,
        };
        metric.Check(threshold.Warning, threshold.Critical, threshold.Unit, threshold.TableName);
        if (!ShouldProcess(
            $"{Connection.StoreTarget}",
            $"Change the threshold {id} for {threshold.MetricType}: warning {threshold.Warning}, critical "
                + $"{threshold.Critical} ({threshold.Unit})"))
        {
            return;
        }

        var stored = Await(token => Connection.Thresholds.UpdateAsync(threshold, token));
        if (PassThru)
        {
            WriteObject(stored with { Target = Connection.Target });
        }
    }

    private bool IsGiven(string parameter) => Bound.ContainsKey(parameter);
}
