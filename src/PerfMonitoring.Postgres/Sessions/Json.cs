using System.Text.Json;
using System.Text.Json.Serialization;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>How values are written as JSON, for jsonb columns and back.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault };

    /// <summary>Rows for jsonb_to_recordset: the names are those of columns.</summary>
    public static readonly JsonSerializerOptions Rows = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
