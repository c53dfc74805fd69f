using System.Globalization;
using System.Management.Automation;
using System.Text.RegularExpressions;

namespace PerfMonitoring.Commands;

/// <summary>
/// Lets a time span be written as 7d, 12h, 30m or 45s. A bare number is refused: PowerShell would take it as ticks of 100 ns.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed partial class DurationAttribute : ArgumentTransformationAttribute
{
    /// <summary>Whether the cmdlet itself refuses what a bare number means.</summary>
    public bool LetsNumbersPass { get; init; }

    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is decimal days and > -10_000_000 and < 10_000_000)
        {
            // To PowerShell 7d without quotes is the number 7 of type decimal.
            return TimeSpan.FromDays((double)days);
        }

        if (value is short seconds)
        {
            // And 45s the number 45 of type short.
            return TimeSpan.FromSeconds(seconds);
        }

        // As ConvertTo-Json writes one.
        if (value is PSCustomObject && PSObject.AsPSObject(inputData).Properties["Ticks"]?.Value is long ticks)
        {
            return TimeSpan.FromTicks(ticks);
        }

        if (!LetsNumbersPass && value is (int or long or double))
        {
            throw new ArgumentTransformationMetadataException($"'{value}' has no unit: write {value}d for days, {value}h for hours, or days.hours:minutes:seconds.");
        }

        return value is string text && Unit().Match(text.Trim()) is { Success: true } match
            && double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) is var number and < 10_000_000
            ? match.Groups[2].Value switch
            {
                "d" or "D" => TimeSpan.FromDays(number),
                "h" or "H" => TimeSpan.FromHours(number),
                "m" or "M" => TimeSpan.FromMinutes(number),
                _ => TimeSpan.FromSeconds(number),
            }
            : inputData;
    }

    [GeneratedRegex(@"^([0-9]+(?:\.[0-9]+)?)([dhmsDHMS])$")]
    private static partial Regex Unit();
}
