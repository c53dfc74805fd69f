using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// The locks that let one builder at a time work on a table, and a few in a database, and the connection that holds them. That
/// connection is free while the statement runs on another; so it watches.
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

    /// <summary>
    /// Waits until no other builder is at work on the table, and then until the database has a free place, for as long as that
    /// takes. What processes that are gone began on the table, and the server still works on, is waited for too; how they ended
    /// is written.
    /// </summary>
    public static async Task<BuilderGate> EnterAsync(
        Database target, IIndexActionRepository actions, IndexChange change, uint tableOid, CancellationToken cancellationToken)
    {
        var gate = new BuilderGate(target, await target.ConnectAsync(cancellationToken));
        try
        {
            // In this order: whoever has a place waits for no table, so nobody waits in a circle.
            await gate.LockAsync(change, [tableOid], cancellationToken);
            await gate.ReconcileAsync(actions, change, tableOid, cancellationToken);
            await gate.LockAsync(
                change, [.. Enumerable.Range(0, change.Options.ThrottleLimit).Select(place => (long)place)], cancellationToken);
            return gate;
        }
        catch
        {
            await gate.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Asks the server. Not cancelled half-way: a lock whose answer got lost would stay with the pooled connection, and the
    /// unlocking needs a clean one.
    /// </summary>
    public Task<List<T>> QueryAsync<T>(string name, object? parameters, CancellationToken cancellationToken) => target.RunAsync(
        async () => (await connection.QueryAsync<T>(IndexSql.Command(name, parameters, CancellationToken.None))).AsList(),
        cancellationToken);

    private async Task LockAsync(IndexChange change, long[] keys, CancellationToken cancellationToken)
    {
        while (await QueryAsync<long>("TryLockBuilder", new { Keys = keys }, cancellationToken) is [])
        {
            var holders = await QueryAsync<BlockerRow>("GetBuilders", new { Keys = keys }, cancellationToken);
            change.Report("waiting for another builder", [.. holders.Select(h => h.ToBlocker())]);
            await Task.Delay(IndexChange.PollInterval, cancellationToken);
        }
    }

    private async Task ReconcileAsync(
        IIndexActionRepository actions, IndexChange change, uint tableOid, CancellationToken cancellationToken)
    {
        var held = new BuilderLock(tableOid, connection.ProcessID);
        while (await actions.ReconcileAsync(held, cancellationToken) is [var (action, trace), ..])
        {
            change.Report(
                $"waiting for {action.Action} of {action.IndexName}: its process is gone, and the server's {trace.ProcessId} "
                    + $"is at work on it"
                    + (trace.Phase is null ? "" : $" ({trace.Phase})"),
                [new IndexCreationBlocker(trace.ProcessId ?? 0, null, null, null, null)]);
            await Task.Delay(IndexChange.PollInterval, cancellationToken);
        }
    }

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
