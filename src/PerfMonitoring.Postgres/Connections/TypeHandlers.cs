using System.Data;
using System.Text.Json;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace PerfMonitoring.Postgres.Connections;

/// <summary>How Core's types cross to the server and back.</summary>
internal static class TypeHandlers
{
    /// <summary>Tells Dapper; called once, before the first statement.</summary>
    public static void Register()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(new InstantHandler());
        SqlMapper.AddTypeHandler(new JsonHandler<IReadOnlyList<string>>());
        EnumLabel.RegisterAll();
    }

    private sealed class InstantHandler : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override DateTimeOffset Parse(object value) => value switch
        {
            DateTimeOffset instant => instant,
            DateTime { Kind: DateTimeKind.Unspecified } time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
            DateTime time => new DateTimeOffset(time.ToUniversalTime()),
            _ => throw new DataException($"Cannot read {value.GetType()} as a point in time."),
        };

        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value)
        {
            ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlDbType.TimestampTz;
            parameter.Value = value.UtcDateTime;
        }
    }
}

/// <summary>A value that is stored as jsonb.</summary>
internal sealed class JsonHandler<T> : SqlMapper.TypeHandler<T>
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public override T Parse(object value) => JsonSerializer.Deserialize<T>((string)value, Options)!;

    public override void SetValue(IDbDataParameter parameter, T? value)
    {
        ((NpgsqlParameter)parameter).NpgsqlDbType = NpgsqlDbType.Jsonb;
        parameter.Value = value is null ? DBNull.Value : JsonSerializer.Serialize(value, Options);
    }
}
