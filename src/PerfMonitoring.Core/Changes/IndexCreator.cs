using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Options for creating indexes.</summary>
internal sealed record IndexCreationOptions
{
    /// <summary>Options of each build.</summary>
    public IndexChangeOptions Build { get; init; } = new();

    /// <summary>Whether to ignore maintenance windows.</summary>
    public bool Force { get; init; }

    /// <summary>Whether to wait for the maintenance window instead of deferring.</summary>
    public bool WaitForWindow { get; init; }

    /// <summary>The most bytes that a run may add to the database; null for no limit.</summary>
    public long? MaximumDatabaseGrowth { get; init; }

    /// <summary>A build does not start with more active sessions than this; null for no limit.</summary>
    public int? MaximumActiveSession { get; init; }

    /// <summary>A build does not start while a standby is further behind than this; null for no limit.</summary>
    public TimeSpan? MaximumReplicationLag { get; init; }

    /// <summary>Limit of the wait for a lower load; after it the strategy is deferred.</summary>
    public TimeSpan LoadTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether a build may start although the server then cancels the autovacuum of the table.</summary>
    public bool CancelAutovacuum { get; init; }
}

/// <summary>Progress or result of one of several creations.</summary>
/// <param name="Strategy">The strategy.</param>
/// <param name="Worker">Number of the concurrent worker that reports, from 0.</param>
internal sealed record IndexCreationReport(IndexStrategy Strategy, int Worker)
{
    /// <summary>The progress; null after the end.</summary>
    public IndexChangeProgress? Progress { get; init; }

    /// <summary>The result; null during the creation, and after a cancellation that left an index.</summary>
    public IndexCreationResult? Result { get; init; }

    /// <summary>The error, or null.</summary>
    public PerfMonitoringException? Error { get; init; }
}

/// <summary>Creates the indexes of strategies when their maintenance windows are open.</summary>
/// <param name="connection">The session.</param>
/// <param name="options">Options for the creation.</param>
/// <param name="clock">The clock; null for the system's clock.</param>
internal sealed class IndexCreator(IMonitoringConnection connection, IndexCreationOptions options, TimeProvider? clock = null)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    // With -Force, a build may spend this time on reading the table first; the build itself reads it twice.
    private static readonly TimeSpan MeasureLimit = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LoadInterval = TimeSpan.FromSeconds(2);

    private readonly TimeProvider time = clock ?? TimeProvider.System;

    private readonly object growing = new();

    // Bytes that this run adds to the database, current builds included.
    private long grownBytes;

    /// <summary>Whether the strategy's maintenance window allows the build to start now.</summary>
    public Task<WindowDecision> CheckWindowAsync(IndexStrategy strategy, CancellationToken cancellationToken) =>
        CheckWindowAsync(strategy, time.GetUtcNow(), cancellationToken);

    /// <summary>
    /// Whether the decision defers the strategy: the build may not start, and waiting is not requested or has no use.
    /// </summary>
    public bool IsDeferredBy(WindowDecision decision) =>
        !decision.IsOpen && !(options.WaitForWindow && decision.OpensAt is not null);

    /// <summary>
    /// Everything that can be checked before the build of a strategy; it changes nothing and waits for nothing.
    /// </summary>
    /// <exception cref="PerfMonitoringException">TableNotFound; TableNotIndexable.</exception>
    public async Task<IReadOnlyList<IndexPreflight>> CheckAsync(IndexStrategy strategy, CancellationToken cancellationToken)
    {
        var table = await connection.Catalog.GetTableAsync(strategy.Definition.Table, cancellationToken);
        var facts = await connection.IndexChanger.GetBuildFactsAsync(table, strategy.Definition.Tablespace, cancellationToken);
        return (await JudgeAsync(
            strategy, table, facts, await CheckWindowAsync(strategy, cancellationToken), willBuild: false,
            cancellationToken)).Findings;
    }

    /// <summary>
    /// Creates several indexes, as many at the same time as the throttle limit of the build allows, never two on one table.
    /// Reports each result at its end. After an error that means that the server is unreachable, no further creation starts.
    /// </summary>
    /// <param name="strategies">The strategies, in this order as far as their tables are free.</param>
    /// <param name="reports">Receives reports from several threads.</param>
    /// <param name="cancellationToken">Cancels all creations and cleans up.</param>
    /// <exception cref="OperationCanceledException">The operation was cancelled; completed results and leftovers were reported
    /// before.</exception>
    public async Task CreateAsync(
        IEnumerable<IndexStrategy> strategies, IProgress<IndexCreationReport> reports, CancellationToken cancellationToken)
    {
        var waiting = strategies.ToList();
        var working = new Dictionary<Task<bool>, (int Worker, RelationName Table)>();
        var isReachable = true;
        do
        {
            while (isReachable && !cancellationToken.IsCancellationRequested && working.Count < options.Build.ThrottleLimit
                && waiting.Find(s => working.Values.All(w => w.Table != s.Definition.Table)) is { } next)
            {
                waiting.Remove(next);
                var worker = Enumerable.Range(0, options.Build.ThrottleLimit).First(n => working.Values.All(w => w.Worker != n));
                working.Add(CreateAsync(next, worker, reports, cancellationToken), (worker, next.Definition.Table));
            }

            if (working.Count > 0)
            {
                var ended = await Task.WhenAny(working.Keys);
                working.Remove(ended);
                isReachable &= await ended;
            }
        }
        while (working.Count > 0 || (isReachable && !cancellationToken.IsCancellationRequested && waiting.Count > 0));
        cancellationToken.ThrowIfCancellationRequested();
    }

    // Returns whether the server is still reachable.
    private async Task<bool> CreateAsync(
        IndexStrategy strategy, int worker, IProgress<IndexCreationReport> reports, CancellationToken cancellationToken)
    {
        var report = new IndexCreationReport(strategy, worker);
        try
        {
            var (result, error) = await CreateAsync(strategy, new WorkerProgress(reports, report), cancellationToken);
            reports.Report(report with { Result = result, Error = error });
            return error is not { Kind: FailureKind.ConnectionFailed };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The cancelled build left nothing.
            return true;
        }
        catch (PerfMonitoringException e) when (cancellationToken.IsCancellationRequested)
        {
            reports.Report(report with { Error = e });
            return true;
        }
    }

    /// <summary>
    /// Creates the index. Waits for the maintenance window and for a lower load where that is requested. A refusal of the
    /// preflight or the server is a result with its error, as from <see cref="IIndexChanger.BuildAsync"/>; a deferral is a result
    /// that is Deferred.
    /// </summary>
    /// <exception cref="OperationCanceledException">The operation was cancelled, and nothing is left.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: the operation was cancelled, and the invalid index could not
    /// be dropped.</exception>
    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> CreateAsync(
        IndexStrategy strategy, IProgress<IndexChangeProgress> progress, CancellationToken cancellationToken)
    {
        var startedAt = time.GetUtcNow();
        IReadOnlyList<IndexPreflight> findings;
        WindowDecision window;
        long expectedBytes;
        try
        {
            // The facts can change during the wait for the load, so the maintenance window is checked again.
            TableInfo table;
            BuildFacts facts;
            do
            {
                window = await WaitForWindowAsync(strategy, progress, cancellationToken);
                if (!window.IsOpen)
                {
                    return (Deferred(strategy, window, startedAt), null);
                }

                table = await connection.Catalog.GetTableAsync(strategy.Definition.Table, cancellationToken);
                facts = await connection.IndexChanger.GetBuildFactsAsync(
                    table, strategy.Definition.Tablespace, cancellationToken);
                if (await WaitForLoadAsync(strategy, table, facts, progress, cancellationToken) is { } busy)
                {
                    return (Deferred(strategy, new WindowDecision(busy), startedAt), null);
                }
            }
            while (new Preflight(strategy, options).LoadReason(facts) is not null);

            (findings, expectedBytes) = await JudgeAsync(strategy, table, facts, window, willBuild: true, cancellationToken);
            var blocks = findings.Where(f => f.State == PreflightState.Block).ToList();
            if (blocks.Count > 0)
            {
                throw new PerfMonitoringException(
                    ErrorIds.PreflightBlocked,
                    blocks.Exists(b => b.Check is PreflightCheck.Privilege or PreflightCheck.Tablespace)
                    ? FailureKind.PermissionDenied : FailureKind.Busy,
                    $"{strategy.IndexName} on {strategy.TableName} is not built. "
                        + string.Join(' ', blocks.Select(b => b.Reason)),
                    "Fix what is said, and look at the findings of Invoke-IndexCreation -WhatIf.", strategy);
            }
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            return (NotBuilt(strategy, IndexCreationState.Failed, startedAt) with { Error = e.Message }, e);
        }

        long builtBytes = 0;
        try
        {
            var (result, error) = await connection.IndexChanger.BuildAsync(
                strategy, options.Build with { EndAt = window.ClosesAt, Clock = time }, progress, cancellationToken);
            builtBytes = result.State == IndexCreationState.Created ? result.SizeBytes ?? 0 : 0;
            if (result.State == IndexCreationState.Deferred)
            {
                result = await ClosedAsync(strategy, window.ClosesAt!.Value, result, cancellationToken);
            }

            return (result with { Preflight = findings.ToItemList() }, error);
        }
        finally
        {
            Grow(builtBytes - expectedBytes);
        }
    }

    // The maintenance window closed during the build.
    private async Task<IndexCreationResult> ClosedAsync(
        IndexStrategy strategy, DateTimeOffset closedAt, IndexCreationResult result, CancellationToken cancellationToken)
    {
        WindowDecision next;
        try
        {
            next = await CheckWindowAsync(strategy, closedAt > time.GetUtcNow() ? closedAt : time.GetUtcNow(), cancellationToken);
        }
        catch (PerfMonitoringException e)
        {
            next = new WindowDecision($"When it opens again is unknown: {e.Message}");
        }

        return result with
        {
            Reason =
                $"The maintenance window {strategy.MaintenanceWindow} closed at {WindowDecision.Time(closedAt)} before the "
                    + $"build was done, and it was ended. {next.Reason}",
            DeferredUntil = next.OpensAt,
        };
    }

    private async Task<WindowDecision> CheckWindowAsync(
        IndexStrategy strategy, DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (options.Force || strategy.MaintenanceWindow == MaintenanceWindow.Immediate)
        {
            return WindowDecision.Open;
        }

        var windows = connection.MaintenanceWindows;
        var schedule = (await windows.GetAsync(cancellationToken)).Single(s => s.Window == strategy.MaintenanceWindow);
        return WindowDecision.Decide(
            schedule, moment => windows.FindOpening(schedule, moment), at, await EstimateAsync(strategy, cancellationToken));
    }

    /// <summary>The result of a deferred strategy.</summary>
    public IndexCreationResult Deferred(IndexStrategy strategy, WindowDecision decision, DateTimeOffset startedAt) =>
        NotBuilt(strategy, IndexCreationState.Deferred, startedAt) with {
            Reason = decision.Reason, DeferredUntil = decision.OpensAt };

    private IndexCreationResult NotBuilt(IndexStrategy strategy, IndexCreationState state, DateTimeOffset startedAt) => new()
    {
        IndexStrategyId = strategy.Id,
        TableName = strategy.TableName,
        IndexName = strategy.IndexName,
        IndexDefinition = strategy.IndexDefinition,
        State = state,
        StartedAt = startedAt,
        Duration = time.GetUtcNow() - startedAt,
        Target = connection.Target,
    };

    // Returns an open decision, or the reason for the deferral.
    private async Task<WindowDecision> WaitForWindowAsync(
        IndexStrategy strategy, IProgress<IndexChangeProgress> progress, CancellationToken cancellationToken)
    {
        WindowDecision decision;
        while (!(decision = await CheckWindowAsync(strategy, cancellationToken)).IsOpen)
        {
            if (IsDeferredBy(decision))
            {
                return decision;
            }

            var left = decision.OpensAt!.Value - time.GetUtcNow();
            progress.Report(new IndexChangeProgress
            {
                Phase = $"waiting for the maintenance window {strategy.MaintenanceWindow}, until "
                    + $"{WindowDecision.Time(decision.OpensAt.Value)}",
                Remaining = left,
            });
            // The clock or the schedule can change in the meantime.
            await Task.Delay(
                left > LookAgain ? LookAgain : left > TimeSpan.FromSeconds(0.1) ? left : TimeSpan.FromSeconds(0.1), time,
                cancellationToken);
        }

        return decision;
    }

    // Returns null once the load allows the build, else the reason for the deferral.
    private async Task<string?> WaitForLoadAsync(
        IndexStrategy strategy, TableInfo table, BuildFacts facts, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken)
    {
        var preflight = new Preflight(strategy, options);
        var since = time.GetTimestamp();
        while (preflight.LoadReason(facts) is { } reason)
        {
            var left = options.LoadTimeout - time.GetElapsedTime(since);
            if (left <= TimeSpan.Zero)
            {
                return reason;
            }

            progress.Report(new IndexChangeProgress { Phase = "waiting for the load: " + reason });
            await Task.Delay(left < LoadInterval ? left : LoadInterval, time, cancellationToken);
            facts = await connection.IndexChanger.GetBuildFactsAsync(table, strategy.Definition.Tablespace, cancellationToken);
        }

        return null;
    }

    // An impossible definition is reported by the build, as a separate result.
    private async Task<IReadOnlyDictionary<string, ColumnInfo>?> GetExpressionTypesAsync(
        IndexDefinition definition, CancellationToken cancellationToken)
    {
        try
        {
            return await connection.Catalog.GetExpressionTypesAsync(definition, cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.InvalidIndexDefinition)
        {
            return null;
        }
    }

    // The expected bytes count immediately, so that several builds do not all count on the same free space.
    private async Task<(IReadOnlyList<IndexPreflight> Findings, long ExpectedBytes)> JudgeAsync(
        IndexStrategy strategy, TableInfo table, BuildFacts facts, WindowDecision window, bool willBuild,
        CancellationToken cancellationToken)
    {
        var indexes = await connection.Catalog.GetIndexesAsync([table.Oid], cancellationToken);
        var size = strategy.SizeBytes ?? await SizeOfAsync(strategy.Definition, table, cancellationToken);
        IReadOnlyList<TableIndex> ofLeaves = [];
        if (table.Leaves.Count > 0)
        {
            var leaves = await connection.Catalog.FindTablesAsync(table.Leaves, cancellationToken);
            ofLeaves = await connection.Catalog.GetIndexesAsync([.. leaves.Select(l => l.Oid)], cancellationToken);
            var served = Preflight.FindServed(strategy.Definition, ofLeaves);
            if (served.Count > 0)
            {
                size = leaves.Where(l => !served.Contains(l.Oid))
                    .Aggregate((long?)0, (sum, l) => sum + IndexSize.Estimate(strategy.Definition with { Table = l.Name }, l));
            }
        }

        var entry = EntryLimit.Of(
            strategy.Definition, table, await GetExpressionTypesAsync(strategy.Definition, cancellationToken));
        if (options.Force && facts is { IsOwner: true, IsStandby: false } && !entry.AlwaysFits)
        {
            entry = entry with {
                Measured = await connection.Catalog.MeasureEntriesAsync(
                    strategy.Definition, table, MeasureLimit, cancellationToken) };
        }

        lock (growing)
        {
            var findings = new Preflight(strategy, options)
                .Judge(facts, indexes, window, size, grownBytes, table.Leaves.Count, ofLeaves, entry);
            if (!willBuild || findings.Any(f => f.State == PreflightState.Block))
            {
                return (findings, 0);
            }

            grownBytes += size ?? 0;
            return (findings, size ?? 0);
        }
    }

    private async Task<long?> SizeOfAsync(IndexDefinition definition, TableInfo table, CancellationToken cancellationToken) =>
        IndexSize.Estimate(
            definition, await ExpressionStatistics.AddValuesAsync(connection.Catalog, definition, table, cancellationToken));

    private void Grow(long bytes)
    {
        lock (growing)
        {
            grownBytes += bytes;
        }
    }

    private async Task<BuildEstimate> EstimateAsync(IndexStrategy strategy, CancellationToken cancellationToken)
    {
        var size = strategy.SizeBytes;
        if (size is null
            && (await connection.Catalog.FindTablesAsync([strategy.Definition.Table], cancellationToken)) is [var table])
        {
            size = await SizeOfAsync(strategy.Definition, table, cancellationToken);
        }

        try
        {
            return new BuildEstimate(size, await connection.Strategies.GetBuildRateAsync(cancellationToken));
        }
        catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.StoreMissing)
        {
            return new BuildEstimate(size, null);
        }
    }

    private sealed class WorkerProgress(IProgress<IndexCreationReport> reports, IndexCreationReport report)
        : IProgress<IndexChangeProgress>
    {
        public void Report(IndexChangeProgress value) => reports.Report(report with { Progress = value });
    }
}
