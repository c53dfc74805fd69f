using System.Text.Json;
using System.Text.Json.Serialization;

namespace PerfMonitoring.Indexes;

/// <summary>The JSON form of an <see cref="IndexDefinition"/>, and of records with one, in the store.</summary>
public static class IndexDefinitionJson
{
    /// <summary>Names in camel case; null and computed properties are left out.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
    };
}
