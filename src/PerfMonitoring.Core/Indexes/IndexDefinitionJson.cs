using System.Text.Json;
using System.Text.Json.Serialization;

namespace PerfMonitoring.Indexes;

/// <summary>How the store keeps an <see cref="IndexDefinition"/>, and the evidence beside it.</summary>
internal static class IndexDefinitionJson
{
    /// <summary>Names in camel case, enums as words; what is null and what is computed is left out.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        IgnoreReadOnlyProperties = true,
        Converters = { new JsonStringEnumConverter() },
    };
}
