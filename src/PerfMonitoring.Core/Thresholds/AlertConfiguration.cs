using System.Collections;
using System.Collections.ObjectModel;
using System.Text.Json;

namespace PerfMonitoring.Thresholds;

/// <summary>The configuration of an alert. PowerShell makes one from a hashtable; in CSV it is its JSON.</summary>
public sealed class AlertConfiguration : ReadOnlyDictionary<string, object?>
{
    /// <summary>A configuration of these values, which JSON can hold; copied.</summary>
    public AlertConfiguration(IDictionary values)
        : base(Copy(values))
    {
    }

    /// <summary>The values as JSON, in one line.</summary>
    public override string ToString() => JsonSerializer.Serialize<IReadOnlyDictionary<string, object?>>(this);

    private static Dictionary<string, object?> Copy(IDictionary values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Keys.Cast<object>().ToDictionary(k => k.ToString()!, k => values[k]);
    }
}
