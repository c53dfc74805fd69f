using System.Text.Json;
using System.Text.Json.Serialization;

namespace PerfMonitoring.Indexes;

/// <summary>How the store keeps an <see cref="IndexDefinition"/>, and what holds one.</summary>
public static class IndexDefinitionJson
{
    /// <summary>Names in camel case; what is null and what is computed is left out.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
    };
}
