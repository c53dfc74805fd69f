using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Common;

/// <summary>
/// Accepts a time span as 7d, 12h, 30m, 45s or 250ms. A bare number other than 0 is refused, because PowerShell would read it as
/// ticks of 100 ns.
/// </summary>
/// <param name="minimum">The least that the parameter takes, as a user writes it.</param>
/// <param name="maximum">The most that it takes.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed partial class DurationAttribute(string minimum, string maximum) : ArgumentTransformationAttribute
{
    // .NET counts no further.
    private const double MostDays = 10_000_000;

    /// <summary>Whether it takes 0, too, though that is below the least.</summary>
    public bool OrZero { get; init; }

    /// <summary>Whether the limits allow a time span.</summary>
    /// <remarks>
    /// <see cref="Transform"/> does not ask: PowerShell forgets its errors where it binds by position. <see cref="Arguments"/>
    /// does.
    /// </remarks>
    public bool Allows(TimeSpan time) =>
        (OrZero && time == TimeSpan.Zero) || (time >= Read(minimum) && time <= Read(maximum));

    /// <summary>The limits in words.</summary>
    public override string ToString() => $"{(OrZero ? "0 or " : "")}from {minimum} to {maximum}";

    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;

        // The form that ConvertTo-Json writes.
        if (value is PSCustomObject && PSObject.AsPSObject(inputData).Properties["Ticks"]?.Value is long ticks)
        {
            return TimeSpan.FromTicks(ticks);
        }

        return value is null ? null
            : Read(value) ?? throw new ArgumentTransformationMetadataException(
                $"'{VisibleText.Line(value.ToString(), 60)}' is no duration: write 7d, 12h, 30m, 45s or 250ms, or "
                    + $"days.hours:minutes:seconds.");
    }

    /// <summary>The time span for a value; null if it has no unit or is too long.</summary>
    /// <param name="value">A time span, a text, or the value that PowerShell makes of one without quotes.</param>
    internal static TimeSpan? Read(object value) => value switch
    {
        TimeSpan time => time,
        // PowerShell reads 7d without quotes as the number 7 of type decimal.
        decimal days when Math.Abs(days) < (decimal)MostDays => TimeSpan.FromDays((double)days),
        // PowerShell reads 45s without quotes as the number 45 of type short.
        short seconds => TimeSpan.FromSeconds(seconds),
        0 or 0L or 0.0 => TimeSpan.Zero,
        string text => Read(text.Trim()),
        _ => null,
    };

    private static TimeSpan? Read(string text)
    {
        if (Unit().Match(text) is not { Success: true } match)
        {
            return text == "0" ? TimeSpan.Zero
                : text.Contains(':', StringComparison.Ordinal)
                && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var written) ? written
                : null;
        }

        var number = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        var days = number * match.Groups[2].Value.ToLowerInvariant() switch
        {
            "d" => 1,
            "h" => 1 / 24.0,
            "m" => 1 / 1440.0,
            "s" => 1 / 86_400.0,
            _ => 1 / 86_400_000.0,
        };
        return Math.Abs(days) < MostDays ? TimeSpan.FromTicks((long)Math.Round(days * TimeSpan.TicksPerDay)) : null;
    }

    [GeneratedRegex(@"^(-?[0-9]+(?:\.[0-9]+)?)(d|h|m|s|ms)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Unit();
}
