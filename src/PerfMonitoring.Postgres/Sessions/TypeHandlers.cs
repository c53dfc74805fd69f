using System.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>How Core's types are sent to the server and read back.</summary>
internal static class TypeHandlers
{
    /// <summary>Registers the handlers with Dapper; called once, before the first statement.</summary>
    public static void Register()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.AddTypeHandler(new InstantHandler());
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
