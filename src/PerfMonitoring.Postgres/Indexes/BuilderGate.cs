using Dapper;
using Npgsql;
using PerfMonitoring.Postgres.Connections;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>
/// The lock that lets one builder at a time work in a database, and the connection that holds it. That connection is free while the statement runs on another;
/// so it watches.
/// </summary>
internal sealed class BuilderGate : IAsyncDisposable
{
    private readonly Database target;
    private readonly NpgsqlConnection connection;

    private BuilderGate(Database target, NpgsqlConnection connection)
    {
        this.target = target;
        this.connection = connection;
    }

    /// <summary>Waits until no other builder is at work, for as long as that takes.</summary>
    public static async Task<BuilderGate> EnterAsync(Database target, IndexChange change, CancellationToken cancellationToken)
    {
        var gate = new BuilderGate(target, await target.ConnectAsync(cancellationToken));
        try
        {
            while (!(await gate.QueryAsync<bool>("TryLockBuilder", null, cancellationToken))[0])
            {
                var holders = await gate.QueryAsync<BlockerRow>("GetBuilders", null, cancellationToken);
                change.Report("waiting for another builder", [.. holders.Select(h => h.ToBlocker())]);
                await Task.Delay(IndexChange.PollInterval, cancellationToken);
            }

            return gate;
        }
        catch
        {
            await gate.connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks the server. Not cancelled half-way: a lock whose answer got lost would stay with the pooled connection, and the unlocking needs a clean one.</summary>
    public Task<List<T>> QueryAsync<T>(string name, object? parameters, CancellationToken cancellationToken) => target.RunAsync(
        async () => (await connection.QueryAsync<T>(IndexSql.Command(name, parameters, CancellationToken.None))).AsList(), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await connection.ExecuteAsync(IndexSql.Command("UnlockBuilder", null, CancellationToken.None));
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The session is gone, and its locks with it; it must not come back from the pool.
            NpgsqlConnection.ClearPool(connection);
        }

        await connection.DisposeAsync();
    }
}
