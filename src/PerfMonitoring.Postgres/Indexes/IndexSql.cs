using System.Globalization;
using Dapper;
using Npgsql;
using PerfMonitoring.Postgres.Connections;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>The statements of this folder.</summary>
internal static class IndexSql
{
    public static string Text(string name) => Sql.Get(typeof(IndexSql), name, int.MaxValue);

    public static CommandDefinition Command(string name, object? parameters, CancellationToken cancellationToken) =>
        new(Text(name), parameters, cancellationToken: cancellationToken);

    /// <summary>Gives a session the limits of what changes indexes.</summary>
    public static Task SetLimitsAsync(
        this NpgsqlConnection connection, TimeSpan lockTimeout, string? maintenanceWorkMem, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(Command(
            "SetBuildLimits",
            new
            {
                LockTimeoutMs = ((long)Math.Ceiling(lockTimeout.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture),
                MaintenanceWorkMem = maintenanceWorkMem,
            },
            cancellationToken));

    /// <summary>Runs a statement that was made of a definition, for as long as it takes.</summary>
    public static Task ExecuteDdlAsync(this NpgsqlConnection connection, string statement, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(statement, commandTimeout: 0, cancellationToken: cancellationToken));
}
