using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// The locks that allow one builder at a time on a table, and a few in a database, with the connection that holds them. The
/// statement runs on another connection, so this one watches it.
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
    /// Waits without a time limit until no other builder works on the table, and then until the database has a free place. It
    /// also waits for statements that the server still runs for processes that are gone, and records their outcome.
    /// </summary>
    public static async Task<BuilderGate> EnterAsync(IndexChange change, uint tableOid, CancellationToken cancellationToken)
    {
        var target = change.Context.Target;
        var gate = new BuilderGate(target, await target.ConnectAsync(cancellationToken));
        try
        {
            // The order prevents a deadlock: a builder that has a place never waits for a table.
            await gate.LockAsync(change, [tableOid], cancellationToken);
            await gate.ReconcileAsync(change, tableOid, cancellationToken);
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
    /// Sends a statement to the server. It is not cancelled in the middle: a lock whose answer is lost would stay with the pooled
    /// connection, and the unlocking needs a clean connection.
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

    private async Task ReconcileAsync(IndexChange change, uint tableOid, CancellationToken cancellationToken)
    {
        var held = new BuilderLock(tableOid, connection.ProcessID);
        while (await change.Context.Actions.ReconcileAsync(held, cancellationToken) is [var (action, trace), ..])
        {
            change.Report(
                $"waiting for {action.Action} of {action.IndexName}: its process is gone, and the server's {trace.ProcessId} "
                    + $"is at work on it"
                    + (trace.Phase is null ? "" : $" ({trace.Phase})"),
                [new BlockingSession(trace.ProcessId ?? 0, null, null, null, null)]);
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
            // The session and its locks are gone; the pool must not reuse its connection.
            NpgsqlConnection.ClearPool(connection);
        }

        await connection.DisposeAsync();
    }
}
