using System.Globalization;
using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The statements that change indexes, on a connection.</summary>
internal static class IndexSql
{

    public static CommandDefinition Command(string name, object? parameters, CancellationToken cancellationToken) =>
        new(Sql.Get(name), parameters, cancellationToken: cancellationToken);

    /// <summary>Sets the limits of a session that changes indexes.</summary>
    public static Task SetLimitsAsync(
        this NpgsqlConnection connection, TimeSpan lockTimeout, string? maintenanceWorkMem,
        CancellationToken cancellationToken) =>
        connection.ExecuteAsync(Command(
            "SetBuildLimits",
            new
            {
                LockTimeoutMs = ((long)Math.Ceiling(lockTimeout.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture),
                MaintenanceWorkMem = maintenanceWorkMem,
            },
            cancellationToken));

    /// <summary>Runs a statement that was composed from a definition.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="statement">The statement.</param>
    /// <param name="isWatched">Whether it may run without a time limit, because another connection watches the server.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public static Task ExecuteDdlAsync(
        this NpgsqlConnection connection, string statement, bool isWatched, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            statement, commandTimeout: isWatched ? 0 : null, cancellationToken: cancellationToken));

    /// <summary>
    /// Builds an index and marks it. Both commands are sent at once, so the server runs both even if this process dies during the
    /// build.
    /// </summary>
    public static async Task BuildMarkedAsync(
        this NpgsqlConnection connection, string statement, RelationName index, Guid actionId,
        CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) {
            Timeout = 0, BatchCommands = { new NpgsqlBatchCommand(statement) } };
        AddMark(batch, index, actionId);
        // The second command is the first with rows. Its answer shows that the index is built.
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        try
        {
            await reader.NextResultAsync(cancellationToken);
        }
        catch (PostgresException)
        {
            // Only the mark is missing. The audit records the build in any case.
        }
    }

    /// <summary>Marks an index in the transaction that creates it.</summary>
    public static async Task MarkAsync(
        this NpgsqlConnection connection, RelationName index, Guid actionId, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddMark(batch, index, actionId);
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static void AddMark(NpgsqlBatch batch, RelationName index, Guid actionId)
    {
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Get("SetMark"))
        {
            Parameters = {
                new NpgsqlParameter("Index", index.ToString()), new NpgsqlParameter("Mark", ActionTrace.MarkOf(actionId)) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Sql.Get("MarkIndex")));
    }
}
