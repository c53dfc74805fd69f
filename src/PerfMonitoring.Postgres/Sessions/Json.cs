using System.Text.Json;
using System.Text.Json.Serialization;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>The JSON format of values for jsonb columns, for writing and reading.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    /// <summary>The options for rows of jsonb_to_recordset, whose keys are names of columns.</summary>
    public static readonly JsonSerializerOptions Rows = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
