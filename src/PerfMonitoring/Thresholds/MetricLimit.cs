using System.Globalization;
using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Thresholds;

/// <summary>
/// A limit as the user wrote it: a number in the metric's unit, or a time span. Which of them is valid depends on the metric.
/// </summary>
public readonly record struct MetricLimit
{
    internal MetricLimit(decimal? number, TimeSpan? time, string text)
    {
        Number = number;
        Time = time;
        Text = text;
    }

    /// <summary>The number; null if the user wrote something else.</summary>
    public decimal? Number { get; }

    /// <summary>The time span; null if the user wrote something else.</summary>
    public TimeSpan? Time { get; }

    private string Text { get; }

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>The number that the metric is compared with.</summary>
    /// <param name="parameter">Name of the parameter, for the error.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="unit">The unit of its limits.</param>
    /// <exception cref="PerfMonitoringException">InvalidThreshold: neither a number nor, for a metric of times, a time
    /// span.</exception>
    internal decimal For(string parameter, Metric metric, ThresholdUnit unit)
    {
        if (Number is { } number)
        {
            return number;
        }

        if (Time is { } time)
        {
            return unit == ThresholdUnit.Milliseconds
                ? (decimal)time.TotalMilliseconds
                : throw new PerfMonitoringException(
                    ErrorIds.InvalidThreshold, FailureKind.InvalidArgument,
                    $"-{parameter} {Text} is a time span; {metric.Type} is measured in {unit}.",
                    $"Write -{parameter} as a number of {unit}.", Text);
        }

        throw new PerfMonitoringException(
            ErrorIds.InvalidThreshold, FailureKind.InvalidArgument,
            $"-{parameter} '{VisibleText.Line(Text, 60)}' is not a number that a limit can be.",
            metric.Units[0] == ThresholdUnit.Milliseconds
                ? $"Write -{parameter} 250 for 250 ms, or -{parameter} 1s." : $"Write a number, such as -{parameter} 0.9.", Text);
    }
}

/// <summary>
/// Reads a limit: 250, 0.9, 10GB, 1s, 00:00:05. It refuses nothing, because PowerShell loses a conversion error in a binding by
/// position.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class LimitAttribute : ArgumentTransformationAttribute
{
    public override object Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        return value switch
        {
            MetricLimit limit => limit,
            // PowerShell reads 1s without quotes as a short; no other input is a short.
            short or TimeSpan =>
                new MetricLimit(null, DurationAttribute.Read(value), value is short seconds ? $"{seconds}s" : text),
            null or bool or char or DateTime or Enum => new MetricLimit(null, null, text),
            string written => Read(written),
            _ => new MetricLimit(
                LanguagePrimitives.TryConvertTo<decimal>(value, CultureInfo.InvariantCulture, out var number) ? number : null,
                null, text),
        };
    }

    // A cell of a CSV file may have the decimal comma of its culture, which PowerShell would drop. PowerShell reads 10GB itself.
    private static MetricLimit Read(string text) =>
        PipelineObject.Number(TypeCode.Decimal, text) is decimal number ? new MetricLimit(number, null, text)
        : DurationAttribute.Read(text) is { } time ? new MetricLimit(null, time, text)
        : !string.IsNullOrWhiteSpace(text) && !text.Contains(',', StringComparison.Ordinal)
            && LanguagePrimitives.TryConvertTo<decimal>(text, CultureInfo.InvariantCulture, out var written)
            ? new MetricLimit(written, null, text)
        : new MetricLimit(null, null, text);
}
