using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace PerfMonitoring.Pipeline;

/// <summary>Ways in which an object loses its type between two cmdlets.</summary>
public enum Shape
{
    /// <summary>The object keeps its type.</summary>
    Live,
    /// <summary>Export-Clixml, Import-Clixml.</summary>
    Clixml,
    /// <summary>The result of a job.</summary>
    Job,
    /// <summary>Export-Csv, Import-Csv.</summary>
    Csv,
    /// <summary>ConvertTo-Json, ConvertFrom-Json.</summary>
    Json,
    /// <summary>ConvertFrom-Json -AsHashtable.</summary>
    Table,
    /// <summary>Select-Object *.</summary>
    SelectAll,
    /// <summary>Select-Object of an id and names.</summary>
    SelectFew,
}

/// <summary>Imitates the effect of these cmdlets on an object, because the bare engine does not have them.</summary>
internal static class Shapes
{
    public static PSObject Of(PSObject live, Shape shape, params string[] few) => shape switch
    {
        Shape.Clixml => RoundTrip(live, 2),
        Shape.Job => RoundTrip(live, 1),
        Shape.Csv => Notes(live, (_, value) => value?.ToString() ?? ""),
        Shape.Json => PSObject.AsPSObject(Json(live, 0)!),
        Shape.Table => PSObject.AsPSObject(new Hashtable(live.Properties.ToDictionary(p => p.Name, p => Json(p.Value, 1)))),
        Shape.SelectAll => Notes(live, (_, value) => value),
        Shape.SelectFew => Notes(live, (_, value) => value, few),
        _ => live,
    };

    /// <summary>A copy with other values.</summary>
    public static PSObject With(PSObject item, params (string Name, object? Value)[] changes) =>
        Notes(item, (name, value) =>
            Array.Exists(changes, c => c.Name == name) ? Array.Find(changes, c => c.Name == name).Value : value);

    private static PSObject RoundTrip(PSObject live, int depth) =>
        PSObject.AsPSObject(PSSerializer.Deserialize(PSSerializer.Serialize(live, depth)));

    private static PSObject Notes(PSObject live, Func<string, object?, object?> map, params string[] only)
    {
        var copy = new PSObject();
        foreach (var property in live.Properties.Where(p => only.Length == 0 || only.Contains(p.Name)))
        {
            copy.Properties.Add(new PSNoteProperty(property.Name, map(property.Name, property.Value)));
        }

        return copy;
    }

    private static object? Json(object? value, int depth) =>
        (value is PSObject { BaseObject: not PSCustomObject } wrapped ? wrapped.BaseObject : value) switch
    {
        null => null,
        string or bool => value,
        // An enumeration of 64 bits is written by its name.
        Enum word => word.ToString(),
        double or float or decimal => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        DateTimeOffset moment => moment.LocalDateTime,
        Guid or DateOnly => string.Format(CultureInfo.InvariantCulture, "{0}", value),
        IConvertible number => Convert.ToInt64(number, CultureInfo.InvariantCulture),
        var other when depth > 2 => other.ToString(),
        IEnumerable list => list.Cast<object?>().Select(v => Json(v, depth + 1)).ToArray(),
        var other => Notes(PSObject.AsPSObject(other), (_, v) => Json(v, depth + 1)),
    };
}
