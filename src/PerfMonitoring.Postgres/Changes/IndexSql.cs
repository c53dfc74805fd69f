using System.Globalization;
using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The statements by which indexes change, on a connection.</summary>
internal static class IndexSql
{

    public static CommandDefinition Command(string name, object? parameters, CancellationToken cancellationToken) =>
        new(Sql.Get(name), parameters, cancellationToken: cancellationToken);

    /// <summary>Gives a session the limits of what changes indexes.</summary>
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

    /// <summary>Runs a statement that was made of a definition.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="statement">The statement.</param>
    /// <param name="isWatched">Whether it may take as long as it takes, since another connection watches the server
    /// meanwhile.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public static Task ExecuteDdlAsync(
        this NpgsqlConnection connection, string statement, bool isWatched, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(new CommandDefinition(
            statement, commandTimeout: isWatched ? 0 : null, cancellationToken: cancellationToken));

    /// <summary>
    /// Builds an index and marks it. All goes to the server at once, so that it does both even where nobody is left to hear of
    /// the build's end.
    /// </summary>
    public static async Task BuildMarkedAsync(
        this NpgsqlConnection connection, string statement, RelationName index, Guid actionId,
        CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) {
            Timeout = 0, BatchCommands = { new NpgsqlBatchCommand(statement) } };
        AddMark(batch, index, actionId);
        // The first command with rows is the second: when its answer is there, the index is built.
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        try
        {
            await reader.NextResultAsync(cancellationToken);
        }
        catch (PostgresException)
        {
            // Only its mark is missing, and the audit is told of the build in any case.
        }
    }

    /// <summary>Marks an index in the transaction that makes it.</summary>
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
