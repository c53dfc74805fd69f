using System.Globalization;
using System.Management.Automation;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>What a setting is and which values it takes, as the attributes of its parameters say.</summary>
internal sealed class Setting
{
    private const int LongestText = 1_000;

    private readonly DurationAttribute? duration;
    private readonly ValidateRangeAttribute? range;
    private readonly ConfiguredAttribute configured;
    private readonly Type type;

    /// <summary>Reads the attributes of a property.</summary>
    /// <param name="property">A property with <see cref="ConfiguredAttribute"/>.</param>
    /// <param name="initial">Its value in a new object.</param>
    public Setting(PropertyInfo property, object? initial)
    {
        configured = property.GetCustomAttribute<ConfiguredAttribute>()!;
        duration = property.GetCustomAttribute<DurationAttribute>();
        range = property.GetCustomAttribute<ValidateRangeAttribute>()
            ?? (property.IsDefined(typeof(PortOrNothingAttribute)) ? new ValidateRangeAttribute(1, 65535) : null);
        type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        // A number below its own limit is how a parameter says that it is not given.
        Default = initial is not null && Fits(initial) ? initial : null;
    }

    public string Name => configured.Name;

    /// <summary>The built-in value; null for none.</summary>
    public object? Default { get; }

    /// <summary>The kind of its values.</summary>
    public string Type => duration is not null ? "Duration" : configured.IsSize ? "Size" : type.IsEnum ? type.Name
        : type == typeof(string) ? "Text" : type == typeof(double) ? "Number" : "Integer";

    /// <summary>The values that it takes, in words.</summary>
    public string Limits => duration is not null ? $"a duration {duration}, such as 45s, 30m, 12h or 7d"
        : type.IsEnum ? "one of " + string.Join(", ", Enum.GetNames(type))
        : type == typeof(string) ? configured.Limits ?? "a text"
        : (configured.IsSize ? "a size in bytes or with a unit, such as 500MB"
            : type == typeof(double) ? "a number" : "a whole number") + (range is null ? "" : Bounds());

    /// <summary>The words of an enumeration; empty for other settings.</summary>
    public IReadOnlyList<string> Words => type.IsEnum ? Enum.GetNames(type) : [];

    /// <summary>The value of the setting's type for what a user or a file gives.</summary>
    /// <returns>Null if the setting does not take it.</returns>
    public object? Read(object? given)
    {
        var value = given is PSObject wrapped ? wrapped.BaseObject : given;
        value = value switch
        {
            null => null,
            JsonElement { ValueKind: JsonValueKind.String } json => json.GetString(),
            // A bare number has no unit: it is neither seconds nor days.
            JsonElement { ValueKind: JsonValueKind.Number } json when duration is null =>
                json.TryGetDecimal(out var exact) ? exact : json.GetDouble(),
            JsonElement => null,
            string text => text.Trim(),
            _ => value,
        };
        var read = value switch
        {
            null or "" => null,
            _ when duration is not null => DurationAttribute.Read(value),
            _ when type.IsEnum => value is string or Enum && Words.Contains($"{value}", StringComparer.OrdinalIgnoreCase)
                ? Enum.Parse(type, $"{value}", ignoreCase: true) : null,
            _ when type == typeof(string) => value as string,
            _ => Number(value),
        };
        return read is not null && Fits(read) ? read : null;
    }

    /// <summary>A value as a person writes it: 500MB, 7d, OffPeak; null for none.</summary>
    public string? Text(object? value) => value switch
    {
        null => null,
        TimeSpan time => Text(time),
        long size when configured.IsSize => Size(size),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    /// <summary>A value as the file keeps it.</summary>
    public JsonNode ToJson(object value) => value switch
    {
        int number => number,
        double number => number,
        long number when !configured.IsSize => number,
        _ => Text(value)!,
    };

    /// <summary>Whether both take the same values and have the same default.</summary>
    public bool IsLike(Setting other) =>
        Name == other.Name && Type == other.Type && Limits == other.Limits && Equals(Default, other.Default);

    private static string Text(TimeSpan time) => time.Ticks switch
    {
        0 => "0s",
        var t when t % TimeSpan.TicksPerDay == 0 => Unit(t / TimeSpan.TicksPerDay, "d"),
        var t when t % TimeSpan.TicksPerHour == 0 => Unit(t / TimeSpan.TicksPerHour, "h"),
        var t when t % TimeSpan.TicksPerMinute == 0 => Unit(t / TimeSpan.TicksPerMinute, "m"),
        var t when t % TimeSpan.TicksPerSecond == 0 => Unit(t / TimeSpan.TicksPerSecond, "s"),
        var t when t % TimeSpan.TicksPerMillisecond == 0 => Unit(t / TimeSpan.TicksPerMillisecond, "ms"),
        _ => time.ToString("c", CultureInfo.InvariantCulture),
    };

    private static string Size(long bytes) => bytes switch
    {
        0 => "0",
        _ when bytes % (1L << 40) == 0 => Unit(bytes >> 40, "TB"),
        _ when bytes % (1L << 30) == 0 => Unit(bytes >> 30, "GB"),
        _ when bytes % (1L << 20) == 0 => Unit(bytes >> 20, "MB"),
        _ when bytes % (1L << 10) == 0 => Unit(bytes >> 10, "KB"),
        _ => Unit(bytes, ""),
    };

    private static string Unit(long number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number}{unit}");

    private string Bounds() => (range!.MinRange, range.MaxRange) switch
    {
        (null, _) => "",
        (var least, int.MaxValue or long.MaxValue or double.MaxValue) => $", at least {Bound(least)}",
        var (least, most) => $", from {Bound(least)} to {Bound(most)}",
    };

    private string? Bound(object? bound) =>
        configured.IsSize && bound is not null ? Size(Convert.ToInt64(bound, CultureInfo.InvariantCulture))
        : Convert.ToString(bound, CultureInfo.InvariantCulture);

    // PowerShell reads 500MB, but it also rounds, and makes numbers of everything.
    private object? Number(object value)
    {
        var culture = CultureInfo.InvariantCulture;
        if (value is bool or char or Enum || !LanguagePrimitives.TryConvertTo<double>(value, culture, out var real)
            || !double.IsFinite(real))
        {
            return null;
        }

        if (type == typeof(double))
        {
            return real;
        }

        return LanguagePrimitives.TryConvertTo<decimal>(value, culture, out var exact) && decimal.IsInteger(exact)
            && LanguagePrimitives.TryConvertTo(exact, type, culture, out var whole)
            ? whole : null;
    }

    private bool Fits(object value) => value switch
    {
        TimeSpan time => duration?.Allows(time) != false,
        string text => text.Length <= LongestText && text.EnumerateRunes().All(VisibleText.IsVisible) && configured.Allows(text),
        Enum => true,
        _ => range?.MinRange is null
            || (Compare(value, range.MinRange) >= 0 && Compare(value, range.MaxRange) <= 0),
    };

    private static int Compare(object value, object limit) => Comparer<double>.Default.Compare(
        Convert.ToDouble(value, CultureInfo.InvariantCulture), Convert.ToDouble(limit, CultureInfo.InvariantCulture));
}
