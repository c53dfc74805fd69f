using System.Diagnostics;
using System.Globalization;
using Dapper;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using Polly;
using Polly.Retry;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>How a change ended, whatever its kind.</summary>
internal enum ChangeEnd
{
    Done,
    NotNeeded,
    Deferred,
    Cancelled,
    Failed,
}

/// <summary>
/// One change of an index by a statement that runs CONCURRENTLY: the steps that every change takes, its state while it runs, and
/// how the statement is run, watched and repeated.
/// </summary>
/// <param name="context">The database, the strategies and the audit.</param>
/// <param name="subject">The target object of errors.</param>
/// <param name="cmdlet">The cmdlet to run again after a failure; its noun starts the ids of errors.</param>
/// <param name="options">Limits.</param>
/// <param name="progress">Receives progress.</param>
internal abstract class IndexChange(
    ChangeContext context, object subject, string cmdlet, IndexChangeOptions options, IProgress<IndexChangeProgress> progress)
{
    public static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(0.5);

    /// <summary>How long each attempt of the clean-up waits for its lock.</summary>
    public static readonly TimeSpan CleanUpLockTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long it may wait for an exclusive lock on a table. All other users of the table wait behind it.</summary>
    public static readonly TimeSpan MomentaryLockTimeout = TimeSpan.FromSeconds(2);

    private readonly long started = Stopwatch.GetTimestamp();
    private readonly Dictionary<int, BlockingSession> blockers = [];

    /// <summary>The index with its schema, quoted if necessary.</summary>
    public abstract string QualifiedName { get; }

    public ChangeContext Context => context;
    public IndexChangeOptions Options => options;
    public ChangeEnd End { get; private set; }
    public PerfMonitoringException? Error { get; private set; }
    public DateTimeOffset StartedAt { get; } = DateTimeOffset.UtcNow;
    public TimeSpan Duration => Stopwatch.GetElapsedTime(started);
    public int Retries { get; private set; }
    public string? LeftoverIndex { get; set; }
    public IReadOnlyList<BlockingSession> BlockedBy => [.. blockers.Values];

    /// <summary>The sessions that it waited for, as the end of an error's message.</summary>
    public string WaitedFor => blockers.Count == 0 ? "" : $" It waited for {string.Join(", ", blockers.Values)}.";

    /// <summary>The session of the last started statement; null before the first one.</summary>
    public StatementSession? Session { get; set; }

    /// <summary>Its row in the audit; null if there is no store, and before the row is written.</summary>
    public Guid? ActionId { get; private set; }

    protected IProgress<IndexChangeProgress> Progress => progress;

    /// <summary>The error id for a statement that somebody cancelled on the server.</summary>
    private string CancelledId => Noun + "Cancelled";

    private string InterruptedId => Noun + "Interrupted";

    /// <summary>The first part of an error id: IndexCreation for Invoke-IndexCreation.</summary>
    private string Noun => cmdlet[(cmdlet.IndexOf('-', StringComparison.Ordinal) + 1)..];

    public void Report(
        string phase, IReadOnlyList<BlockingSession> waitedFor, double? percent = null, TimeSpan? remaining = null)
    {
        foreach (var blocker in waitedFor)
        {
            blockers[blocker.ProcessId] = blocker;
        }

        progress.Report(
            new IndexChangeProgress {
            Phase = phase, Percent = percent, Remaining = remaining, BlockedBy = waitedFor, Retries = Retries });
    }

    /// <summary>
    /// Takes the steps of every change: it waits for its turn, looks at the facts again, records the start, does the work,
    /// records the end, and marks the strategy. <see cref="End"/> and <see cref="Error"/> tell the outcome; a refusal of the
    /// server is an error there, not an exception.
    /// </summary>
    /// <param name="cancellationToken">Cancels the change and cleans up.</param>
    /// <exception cref="OperationCanceledException">The change was cancelled, and nothing is left half-done.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: the change was cancelled, and an invalid index is
    /// left.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var closing = options.EndAt is { } end
            ? new CancellationTokenSource(Left(end), options.Clock) : new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);
        try
        {
            var tableOid = await FindTableAsync(ending.Token);
            await using var gate = await BuilderGate.EnterAsync(this, tableOid, ending.Token);

            // The wait may have changed the facts.
            if (await IsNeededAsync(ending.Token))
            {
                Error = await RecordAsync(() => WorkAsync(gate, ending.Token), ending.Token);
            }
            else
            {
                End = ChangeEnd.NotNeeded;
            }

            // The lock of builders is still held, so nobody changes the index before its strategy is marked.
            Error = await MarkAsync() ?? Error;
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            End = ChangeEnd.Deferred;
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            (End, Error) = Judge(e);
        }
    }

    /// <summary>The table that the change locks.</summary>
    protected abstract Task<uint> FindTableAsync(CancellationToken cancellationToken);

    /// <summary>Whether there still is something to do.</summary>
    /// <exception cref="PerfMonitoringException">The index is another one by now.</exception>
    protected abstract Task<bool> IsNeededAsync(CancellationToken cancellationToken);

    /// <summary>The entry in the audit; null for a change that is not audited.</summary>
    protected abstract IndexAction? ToAction();

    /// <summary>Runs the statement, and cleans up after a failure.</summary>
    protected abstract Task WorkAsync(BuilderGate gate, CancellationToken cancellationToken);

    /// <summary>
    /// Marks the strategy, after the work or when nothing is to be done. It cannot be cancelled, because the change is done.
    /// </summary>
    /// <returns>The error that kept the store from being updated, or null.</returns>
    protected virtual Task<PerfMonitoringException?> MarkAsync() => Task.FromResult<PerfMonitoringException?>(null);

    /// <summary>The end that a failure means, and its error.</summary>
    protected virtual (ChangeEnd End, PerfMonitoringException? Error) Judge(PerfMonitoringException e) =>
        (e.ErrorId == CancelledId ? ChangeEnd.Cancelled : ChangeEnd.Failed, e);

    // A timer takes 24 days at most.
    private TimeSpan Left(DateTimeOffset end) =>
        TimeSpan.FromMilliseconds(Math.Clamp((end - options.Clock.GetUtcNow()).TotalMilliseconds, 0, int.MaxValue));

    // The start is written first, so it stays even if this process dies. The lock of builders is held: an action without an end,
    // and without a holder of the lock, belongs to a process that is gone.
    // Returns the error that kept the end from being written.
    private async Task<PerfMonitoringException?> RecordAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        if (ToAction() is not { } action)
        {
            await work();
            return null;
        }

        ActionId = await context.Actions.StartAsync(action, cancellationToken);
        try
        {
            await work();
        }
        catch (Exception e) when (e is OperationCanceledException or PerfMonitoringException)
        {
            var failure = e as PerfMonitoringException;
            var isCancelled = cancellationToken.IsCancellationRequested || failure?.ErrorId == CancelledId;

            // The error of the work matters more than an error of the store.
            await FinishAsync(
                isCancelled ? IndexActionOutcome.Cancelled : IndexActionOutcome.Failed,
                failure?.Message
                    ?? (options.EndAt <= options.Clock.GetUtcNow()
                    ? $"It was not done by {options.EndAt:u}, when it had to end." : null));
            throw;
        }

        return await FinishAsync(IndexActionOutcome.Succeeded, null);

        Task<PerfMonitoringException?> FinishAsync(IndexActionOutcome outcome, string? failure) =>
            IndexAudit.FinishAsync(context.Actions, ActionId, outcome, failure, QualifiedName, subject);
    }

    /// <summary>Records the session that does the work from now on, here and in the audit.</summary>
    public async Task SetSessionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var session = new StatementSession(
            connection.ProcessID,
            await connection.QuerySingleAsync<DateTimeOffset>(IndexSql.Command("GetBackendStart", null, cancellationToken)));
        await context.Actions.SetSessionAsync(ActionId, session.ProcessId, session.BackendStart, cancellationToken);
        Session = session;
    }

    /// <summary>Makes this change a part of an action that the audit already has.</summary>
    protected void Join(IndexChange whole) => ActionId = whole.ActionId;

    /// <summary>Adds the figures of a part.</summary>
    protected void Add(IndexChange part)
    {
        foreach (var blocker in part.BlockedBy)
        {
            blockers[blocker.ProcessId] = blocker;
        }

        Retries += part.Retries;
        LeftoverIndex ??= part.LeftoverIndex;
    }

    /// <summary>Runs an attempt and repeats it with back-off after a wait that was too long or a deadlock.</summary>
    public async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken) =>
        options.MaximumRetry == 0
            ? await attempt(cancellationToken)
            : await new ResiliencePipelineBuilder()
                .AddRetry(new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder()
                        .Handle<PerfMonitoringException>(
                            e => e.ErrorId is ErrorIds.LockTimeout or ErrorIds.SnapshotTimeout or ErrorIds.Deadlock),
                    MaxRetryAttempts = options.MaximumRetry,
                    Delay = options.RetryDelay,
                    BackoffType = DelayBackoffType.Exponential,
                    MaxDelay = TimeSpan.FromMinutes(1),
                    UseJitter = true,
                    OnRetry = retry =>
                    {
                        Retries++;
                        Report(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"waiting {retry.RetryDelay.TotalSeconds:0.0} s before try {retry.AttemptNumber + 2} of "
                                    + $"{options.MaximumRetry + 1}"),
                            []);
                        return ValueTask.CompletedTask;
                    },
                })
                .Build()
                .ExecuteAsync(async token => await attempt(token), cancellationToken);

    /// <summary>Waits for the transactions that use the table at present; the index stays untouched.</summary>
    /// <exception cref="PerfMonitoringException">LockTimeout.</exception>
    public async Task WaitForUsersAsync(BuilderGate gate, uint tableOid, CancellationToken cancellationToken)
    {
        var limit = options.LockTimeout;
        var since = Stopwatch.GetTimestamp();
        HashSet<string>? first = null;
        while (true)
        {
            var users = await gate.QueryAsync<UserRow>("GetTableUsers", new { TableOid = (long)tableOid }, cancellationToken);
            first ??= [.. users.Select(u => u.TransactionId)];
            var left = users.Where(u => first.Contains(u.TransactionId)).Select(u => u.ToBlocker()).ToList();
            if (left.Count == 0)
            {
                return;
            }

            Report("waiting for the transactions that use the table", left);
            var time = limit - Stopwatch.GetElapsedTime(since);
            if (limit > TimeSpan.Zero && time <= TimeSpan.Zero)
            {
                throw new PerfMonitoringException(
                    ErrorIds.LockTimeout, FailureKind.Busy,
                    $"{QualifiedName} was not touched: transactions that use its table did not end. It waited for "
                        + $"{string.Join(", ", left)}.",
                    "End them, raise -LockTimeout, or try again later.", subject);
            }

            await Task.Delay(limit > TimeSpan.Zero && time < PollInterval ? time : PollInterval, cancellationToken);
        }
    }

    /// <summary>Runs a statement on a separate connection while the gate watches it.</summary>
    /// <param name="gate">Watches the statement.</param>
    /// <param name="run">Runs the statement.</param>
    /// <param name="lockTimeout">lock_timeout of the session; zero for none.</param>
    /// <param name="look">Receives the server's progress rows every half second; false ends the statement.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    /// <returns>How long it ran.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled, or <paramref name="look"/> ended it.</exception>
    public Task<TimeSpan> ExecuteAsync(
        BuilderGate gate, Func<NpgsqlConnection, CancellationToken, Task> run, TimeSpan lockTimeout,
        Func<IReadOnlyList<ProgressRow>, bool> look,
        CancellationToken cancellationToken) =>
        context.Target.RunAsync(
            async () =>
            {
                await using var connection = await context.Target.ConnectAsync(cancellationToken);
                await SetSessionAsync(connection, cancellationToken);
                await connection.SetLimitsAsync(lockTimeout, options.MaintenanceWorkMem, cancellationToken);
                using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                using var givingUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                var began = Stopwatch.GetTimestamp();
                var watch = WatchAsync(gate, connection.ProcessID, look, givingUp, watching.Token);
                try
                {
                    await run(connection, givingUp.Token);
                    return Stopwatch.GetElapsedTime(began);
                }
                catch (OperationCanceledException) when (watch.IsFaulted && !cancellationToken.IsCancellationRequested)
                {
                    await watch;
                    throw;
                }
                finally
                {
                    await watching.CancelAsync();
                    await watch.ContinueWith(static t => _ = t.Exception, TaskScheduler.Default);
                }
            },
            cancellationToken);

    /// <summary>Repeats the attempt until its answer is known, for at most the time limit of the clean-up.</summary>
    /// <exception cref="OperationCanceledException">The answer was not known in time.</exception>
    public async Task<bool> CleanUpAsync(Func<NpgsqlConnection, CancellationToken, Task<bool?>> attempt)
    {
        using var limit = new CancellationTokenSource(options.CleanUpLimit);
        var answer = await new ResiliencePipelineBuilder<bool?>()
            .AddRetry(new RetryStrategyOptions<bool?>
            {
                ShouldHandle = new PredicateBuilder<bool?>().Handle<PerfMonitoringException>().HandleResult(r => r is null),
                MaxRetryAttempts = int.MaxValue,
                Delay = TimeSpan.FromSeconds(0.5),
                BackoffType = DelayBackoffType.Exponential,
                MaxDelay = TimeSpan.FromSeconds(5),
                UseJitter = true,
            })
            .Build()
            .ExecuteAsync(
                async token => await context.Target.RunAsync(
                    async () =>
                    {
                        await using var connection = await context.Target.ConnectAsync(token, mustTry: true);
                        return await attempt(connection, token);
                    },
                    token),
                limit.Token);
        return answer!.Value;
    }

    /// <summary>
    /// Explains the common failures of every change of an index, with a remedy; otherwise returns the error itself.
    /// </summary>
    public virtual PerfMonitoringException Explain(PerfMonitoringException e)
    {
        return (e.InnerException as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.LockNotAvailable => new PerfMonitoringException(
                ErrorIds.LockTimeout, FailureKind.Busy, $"{QualifiedName}: {Innermost(e)}.{WaitedFor}",
                "End the sessions that it waited for, raise -LockTimeout, or try again later.", subject, e),
            PostgresErrorCodes.DeadlockDetected => new PerfMonitoringException(
                ErrorIds.Deadlock, FailureKind.Busy, $"{QualifiedName}: {Innermost(e)}.{WaitedFor}", "Try again later.", subject,
                e),
            PostgresErrorCodes.QueryCanceled => new PerfMonitoringException(
                CancelledId, FailureKind.ServerError, $"{QualifiedName}: {Innermost(e)}.", $"Run {cmdlet} again.", subject, e),
            // Either one backend or the whole server ended. A successful clean-up shows that the server runs.
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or Failures.IdleSessionTimeout => Interrupted(),
            null when e.Kind == FailureKind.ConnectionFailed => Interrupted(),
            _ => e,
        };

        PerfMonitoringException Interrupted() => new(
            InterruptedId, FailureKind.ServerError, $"{QualifiedName}: its session was ended ({Innermost(e)}).",
            $"Run {cmdlet} again.", subject, e);
    }

    protected static string Innermost(PerfMonitoringException e) =>
        (e.InnerException as PostgresException)?.MessageText ?? e.InnerException?.Message ?? e.Message;

    private async Task WatchAsync(
        BuilderGate gate, int processId, Func<IReadOnlyList<ProgressRow>, bool> look, CancellationTokenSource givingUp,
        CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(PollInterval, cancellationToken);
                if (!look(await AskAsync()))
                {
                    await givingUp.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The statement is over.
        }
        catch (PerfMonitoringException e) when (e.Kind == FailureKind.ConnectionFailed)
        {
            // The server is out of reach, and the statement has no time limit. Without this cancellation the module would wait
            // for ever.
            await givingUp.CancelAsync();
            throw;
        }

        // Only the connection of the gate may have broken. A new one shows whether the server is there.
        async Task<IReadOnlyList<ProgressRow>> AskAsync()
        {
            var parameters = new { ProcessId = processId };
            try
            {
                return await gate.QueryAsync<ProgressRow>("GetBuildProgress", parameters, cancellationToken);
            }
            catch (Exception e)
                when (e is PerfMonitoringException { Kind: FailureKind.ConnectionFailed } or InvalidOperationException)
            {
                return await context.Target.QueryAsync<ProgressRow>(Sql.Get("GetBuildProgress"), parameters, cancellationToken);
            }
        }
    }
}

/// <summary>The session that runs a statement. The start time is needed because process ids are reused.</summary>
internal sealed record StatementSession(int ProcessId, DateTimeOffset BackendStart);

/// <summary>A transaction that uses a table.</summary>
internal sealed class UserRow : BlockerRow
{
    public string TransactionId { get; init; } = "";
}

/// <summary>The progress of a statement, and one session that it waits for.</summary>
internal sealed class ProgressRow : BlockerRow
{
    public string? Phase { get; init; }
    public long? TuplesDone { get; init; }
    public long? TuplesTotal { get; init; }
    public long? BlocksDone { get; init; }
    public long? BlocksTotal { get; init; }
}
