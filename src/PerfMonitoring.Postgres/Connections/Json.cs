using System.Text.Json;

namespace PerfMonitoring.Postgres.Connections;

/// <summary>How values are written as JSON, for jsonb columns and back.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);
}
