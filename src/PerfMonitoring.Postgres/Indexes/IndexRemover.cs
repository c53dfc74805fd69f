using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Dapper;
using Npgsql;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Repositories;
using Polly;
using Polly.Retry;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>DROP INDEX CONCURRENTLY with all that it needs around it.</summary>
internal sealed class IndexRemover(Database target, ICatalogRepository catalog) : IIndexRemover
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan CleanUpLockTimeout = TimeSpan.FromSeconds(5);

    public async Task<(IndexRemovalResult Result, PerfMonitoringException? Error)> RemoveAsync(
        TableIndex index, IndexBuildOptions options, IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
    {
        var run = new Removal(index, options, target.Target, progress);
        try
        {
            await using var gate = await target.ConnectAsync(cancellationToken);
            await LockAsync(gate, run, cancellationToken);
            try
            {
                await RemoveAsync(gate, run, cancellationToken);
            }
            finally
            {
                await UnlockAsync(gate);
            }

            return (run.ToResult(null), null);
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            run.State = e.ErrorId == "IndexRemovalCancelled" ? IndexRemovalState.Cancelled : IndexRemovalState.Failed;
            return (run.ToResult(e), e);
        }
    }

    private async Task RemoveAsync(NpgsqlConnection gate, Removal run, CancellationToken cancellationToken)
    {
        // What was true before the wait need not be so now.
        if (await FindStateAsync(run, cancellationToken) is not { } state)
        {
            run.State = IndexRemovalState.NotThere;
            return;
        }

        if (state.IsBeingBuilt)
        {
            throw new PerfMonitoringException(
                "IndexBeingBuilt", FailureKind.Busy, $"{run.QualifiedName} is being built by another session.", "Wait until it is done.", run.Index);
        }

        if ((await catalog.GetIndexesAsync([run.Index.TableOid], cancellationToken)).FirstOrDefault(i => i.Oid == run.Index.Oid) is not { } now
            || now.ServerDefinition != run.Index.ServerDefinition)
        {
            throw new PerfMonitoringException(
                "IndexChanged", FailureKind.InvalidArgument, $"{run.QualifiedName} is another index than the one that was to be dropped.",
                "Look at it again with Get-IndexUsageStat.", run.Index);
        }

        try
        {
            await Retrying(run).ExecuteAsync(async token => await AttemptAsync(gate, run, token), cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or PerfMonitoringException)
        {
            await CompleteAsync(run, e);
        }

        run.State = IndexRemovalState.Removed;
    }

    private async Task AttemptAsync(NpgsqlConnection gate, Removal run, CancellationToken cancellationToken)
    {
        await WaitForUsersAsync(gate, run, cancellationToken);
        if (!run.Index.IsValid && await FindStateAsync(run, cancellationToken) is { } state && (state.IsValid || state.IsBeingBuilt))
        {
            // Whoever was waited for has finished it, or works on it again.
            throw new PerfMonitoringException(
                "IndexChanged", FailureKind.Busy, $"{run.QualifiedName} was invalid and is {(state.IsValid ? "valid" : "being built")} by now.",
                "Look at it again with Get-IndexUsageStat.", run.Index);
        }

        try
        {
            await target.RunAsync(
                async () =>
                {
                    await using var connection = await target.Source.OpenConnectionAsync(cancellationToken);
                    run.Session = new DropSession(
                        connection.ProcessID, await connection.QuerySingleAsync<DateTimeOffset>(Command("GetBackendStart", null, cancellationToken)));
                    await SetLimitsAsync(connection, run.Options.LockTimeout, cancellationToken);
                    using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    var watch = WatchAsync(gate, run, connection.ProcessID, watching.Token);
                    try
                    {
                        return await connection.ExecuteAsync(new CommandDefinition(run.Statement, commandTimeout: 0, cancellationToken: cancellationToken));
                    }
                    finally
                    {
                        await watching.CancelAsync();
                        await watch;
                    }
                },
                cancellationToken);
        }
        catch (PerfMonitoringException e)
        {
            throw Explain(e, run);
        }
    }

    // DROP INDEX CONCURRENTLY makes the index invalid at once and then waits for these: better before than after.
    private async Task WaitForUsersAsync(NpgsqlConnection gate, Removal run, CancellationToken cancellationToken)
    {
        var limit = run.Options.LockTimeout;
        var since = Stopwatch.GetTimestamp();
        HashSet<string>? first = null;
        while (true)
        {
            var users = await target.RunAsync(
                () => gate.QueryAsync<UserRow>(Command("GetTableUsers", new { TableOid = (long)run.Index.TableOid }, CancellationToken.None)), cancellationToken);
            first ??= [.. users.Select(u => u.TransactionId)];
            var blockers = users.Where(u => first.Contains(u.TransactionId)).Select(u => u.ToBlocker()).ToList();
            if (blockers.Count == 0)
            {
                return;
            }

            run.Report("waiting for the transactions that use the table", blockers);
            var left = limit - Stopwatch.GetElapsedTime(since);
            if (limit > TimeSpan.Zero && left <= TimeSpan.Zero)
            {
                throw new PerfMonitoringException(
                    "LockTimeout", FailureKind.Busy,
                    $"{run.QualifiedName} was not touched: transactions that use its table did not end. It waited for {string.Join(", ", blockers)}.",
                    "End them, raise -LockTimeout, or try again later.", run.Index);
            }

            await Task.Delay(limit > TimeSpan.Zero && left < PollInterval ? left : PollInterval, cancellationToken);
        }
    }

    // An index that is half dropped serves nobody: what was begun is carried to its end, whoever gave up.
    private async Task CompleteAsync(Removal run, Exception cause)
    {
        if (run.Session is null)
        {
            ExceptionDispatchInfo.Throw(cause);
        }

        using var limit = new CancellationTokenSource(run.Options.CleanUpLimit);
        var patience = new ResiliencePipelineBuilder<bool?>()
            .AddRetry(new RetryStrategyOptions<bool?>
            {
                ShouldHandle = new PredicateBuilder<bool?>().Handle<PerfMonitoringException>().HandleResult(r => r is null),
                MaxRetryAttempts = int.MaxValue,
                Delay = TimeSpan.FromSeconds(0.5),
                BackoffType = DelayBackoffType.Exponential,
                MaxDelay = TimeSpan.FromSeconds(5),
                UseJitter = true,
            })
            .Build();
        bool? isGone;
        try
        {
            isGone = await patience.ExecuteAsync(async token => await TryCompleteAsync(run, token), limit.Token);
        }
        catch (OperationCanceledException)
        {
            run.LeftoverIndex = run.QualifiedName;
            throw new PerfMonitoringException(
                "InvalidIndexLeft", FailureKind.Busy,
                $"{run.QualifiedName} is half dropped, invalid, and the drop could not be carried to its end within {run.Options.CleanUpLimit.TotalSeconds:0} s."
                    + (cause is PerfMonitoringException ? $" {cause.Message}" : ""),
                $"Run \"{run.Statement}\" when the table is free, or Invoke-IndexRemoval -Force again.", run.Index, cause);
        }

        if (isGone == false)
        {
            ExceptionDispatchInfo.Throw(cause);
        }
    }

    /// <summary>Whether the index is gone (true) or untouched (false); null where that is still to be seen.</summary>
    private async ValueTask<bool?> TryCompleteAsync(Removal run, CancellationToken cancellationToken) => await target.RunAsync<bool?>(
        async () =>
        {
            await using var connection = await target.Source.OpenConnectionAsync(cancellationToken);
            if ((await connection.QueryAsync<bool>(Command("TerminateDrop", run.Session, cancellationToken))).Any())
            {
                return null;
            }

            switch (await FindStateAsync(run, cancellationToken))
            {
                case null:
                    return true;
                case { IsValid: true }:
                    return false;
            }

            // An index that was invalid before may not have been touched; it was to be dropped all the same.
            run.Report("carrying the drop to its end", []);
            await SetLimitsAsync(connection, CleanUpLockTimeout, cancellationToken);
            await connection.ExecuteAsync(new CommandDefinition(run.Statement, commandTimeout: 0, cancellationToken: cancellationToken));
            return true;
        },
        cancellationToken);

    private async Task LockAsync(NpgsqlConnection gate, Removal run, CancellationToken cancellationToken)
    {
        // Not cancelled half-way: a lock whose answer got lost would stay with the pooled connection.
        while (!await target.RunAsync(() => gate.QuerySingleAsync<bool>(Command("TryLockBuilder", null, CancellationToken.None)), cancellationToken))
        {
            var holders = await target.RunAsync(() => gate.QueryAsync<BlockerRow>(Command("GetBuilders", null, cancellationToken)), cancellationToken);
            run.Report("waiting for another builder", [.. holders.Select(h => h.ToBlocker())]);
            await Task.Delay(PollInterval, cancellationToken);
        }
    }

    private static async Task UnlockAsync(NpgsqlConnection gate)
    {
        try
        {
            await gate.ExecuteAsync(Command("UnlockBuilder", null, CancellationToken.None));
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            // The session is gone, and its locks with it; it must not come back from the pool.
            NpgsqlConnection.ClearPool(gate);
        }
    }

    // The gate's connection is free while the statement runs; so it watches.
    private static async Task WatchAsync(NpgsqlConnection gate, Removal run, int processId, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(PollInterval, cancellationToken);
                // Not cancelled half-way: the connection must be clean for the unlocking.
                var rows = await gate.QueryAsync<BlockerRow>(Command("GetBuildProgress", new { ProcessId = processId }, CancellationToken.None));
                run.Report("dropping", [.. rows.Where(r => r.ProcessId is not null).Select(r => r.ToBlocker())]);
            }
        }
        catch (OperationCanceledException)
        {
            // The drop is over.
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            run.Report("dropping; what it waits for is unknown, for the connection that watches broke", []);
        }
    }

    private static Task<int> SetLimitsAsync(NpgsqlConnection connection, TimeSpan lockTimeout, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(Command(
            "SetBuildLimits",
            new
            {
                LockTimeoutMs = ((long)Math.Ceiling(lockTimeout.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture),
                MaintenanceWorkMem = (string?)null,
            },
            cancellationToken));

    private Task<StateRow?> FindStateAsync(Removal run, CancellationToken cancellationToken) =>
        target.QuerySingleOrDefaultAsync<StateRow>(Text("GetIndexState"), new { Oid = (long)run.Index.Oid }, cancellationToken);

    private static ResiliencePipeline Retrying(Removal run) => run.Options.MaximumRetry == 0
        ? ResiliencePipeline.Empty
        : new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<PerfMonitoringException>(e => e.ErrorId is "LockTimeout" or "Deadlock"),
                MaxRetryAttempts = run.Options.MaximumRetry,
                Delay = run.Options.RetryDelay,
                BackoffType = DelayBackoffType.Exponential,
                MaxDelay = TimeSpan.FromMinutes(1),
                UseJitter = true,
                OnRetry = attempt =>
                {
                    run.Retries = attempt.AttemptNumber + 1;
                    run.Report(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"waiting {attempt.RetryDelay.TotalSeconds:0.0} s before try {run.Retries + 1} of {run.Options.MaximumRetry + 1}"),
                        []);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();

    private static PerfMonitoringException Explain(PerfMonitoringException e, Removal run)
    {
        var blockers = run.Blockers.Count == 0 ? "" : $" It waited for {string.Join(", ", run.Blockers)}.";
        var server = e.InnerException as PostgresException;
        var said = server?.MessageText ?? e.InnerException?.Message ?? e.Message;
        return server?.SqlState switch
        {
            PostgresErrorCodes.LockNotAvailable => new PerfMonitoringException(
                "LockTimeout", FailureKind.Busy, $"{run.QualifiedName}: {said}.{blockers}",
                "End the sessions that it waited for, raise -LockTimeout, or try again later.", run.Index, e),
            PostgresErrorCodes.DeadlockDetected => new PerfMonitoringException(
                "Deadlock", FailureKind.Busy, $"{run.QualifiedName}: {said}.{blockers}", "Try again later.", run.Index, e),
            PostgresErrorCodes.DependentObjectsStillExist => new PerfMonitoringException(
                "IndexIsNeeded", FailureKind.InvalidArgument, $"{run.QualifiedName}: {said}.", "Change what rests on it first; -Force does not help.", run.Index, e),
            PostgresErrorCodes.QueryCanceled => new PerfMonitoringException(
                "IndexRemovalCancelled", FailureKind.ServerError, $"{run.QualifiedName}: {said}.", "Run Invoke-IndexRemoval again.", run.Index, e),
            // One backend or the whole server: that it was possible to look after it says which.
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown => Interrupted(),
            null when e.Kind == FailureKind.ConnectionFailed => Interrupted(),
            _ => e,
        };

        PerfMonitoringException Interrupted() => new(
            "IndexRemovalInterrupted", FailureKind.ServerError, $"{run.QualifiedName}: the session that dropped it was ended ({said}).",
            "Run Invoke-IndexRemoval again.", run.Index, e);
    }

    private static string Text(string name) => Sql.Get(typeof(IndexRemover), name, int.MaxValue);

    private static CommandDefinition Command(string name, object? parameters, CancellationToken cancellationToken) =>
        new(Text(name), parameters, cancellationToken: cancellationToken);

    /// <summary>The session that drops; its number alone could be another's by now.</summary>
    private sealed record DropSession(int ProcessId, DateTimeOffset BackendStart);

    /// <summary>What is known of one removal while it goes on.</summary>
    private sealed class Removal(TableIndex index, IndexBuildOptions options, ServerTarget target, IProgress<IndexCreationProgress> progress)
    {
        private readonly long started = Stopwatch.GetTimestamp();
        private readonly DateTimeOffset startedAt = DateTimeOffset.UtcNow;
        private readonly Dictionary<int, IndexCreationBlocker> blockers = [];

        public TableIndex Index => index;
        public IndexBuildOptions Options => options;
        public string Statement { get; } = index.Definition.ToDropStatement(concurrently: true);
        public string QualifiedName => new RelationName(index.Definition.Table.Schema, index.Definition.Name).ToString();
        public IndexRemovalState State { get; set; }
        public DropSession? Session { get; set; }
        public int Retries { get; set; }
        public string? LeftoverIndex { get; set; }
        public IReadOnlyList<IndexCreationBlocker> Blockers => [.. blockers.Values];

        public void Report(string phase, IReadOnlyList<IndexCreationBlocker> waitedFor)
        {
            foreach (var blocker in waitedFor)
            {
                blockers[blocker.ProcessId] = blocker;
            }

            progress.Report(new IndexCreationProgress { Phase = phase, Blockers = waitedFor, Retries = Retries });
        }

        public IndexRemovalResult ToResult(PerfMonitoringException? error) => new()
        {
            TableName = index.Definition.Table.ToString(),
            IndexName = index.Definition.Name,
            Statement = Statement,
            UndoStatement = index.Definition.ToCreateStatement(concurrently: true),
            Definition = index.Definition,
            State = State,
            StartedAt = startedAt,
            Duration = Stopwatch.GetElapsedTime(started),
            SizeBytes = index.SizeBytes,
            Retries = Retries,
            Blockers = Blockers,
            Error = error?.Message,
            LeftoverIndex = LeftoverIndex,
            Target = target,
        };
    }

    private class BlockerRow
    {
        public int? ProcessId { get; init; }
        public string? UserName { get; init; }
        public string? ApplicationName { get; init; }
        public string? State { get; init; }
        public DateTimeOffset? TransactionStart { get; init; }

        public IndexCreationBlocker ToBlocker() => new(ProcessId ?? 0, UserName, ApplicationName, State, TransactionStart);
    }

    private sealed class UserRow : BlockerRow
    {
        public string TransactionId { get; init; } = "";
    }

    private sealed class StateRow
    {
        public bool IsValid { get; init; }
        public bool IsBeingBuilt { get; init; }
    }
}
