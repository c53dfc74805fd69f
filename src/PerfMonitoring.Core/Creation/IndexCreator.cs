using PerfMonitoring.Advisor;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Creation;

/// <summary>When and how indexes are created.</summary>
public sealed record IndexCreationOptions
{
    /// <summary>How each is built.</summary>
    public IndexBuildOptions Build { get; init; } = new();

    /// <summary>Whether maintenance windows are not looked at.</summary>
    public bool Force { get; init; }

    /// <summary>Whether to wait for the maintenance window instead of deferring.</summary>
    public bool WaitForWindow { get; init; }

    /// <summary>By how many bytes a run may let the database grow; null for no limit.</summary>
    public long? MaximumDatabaseGrowth { get; init; }

    /// <summary>With more active sessions than this a build does not begin; null for no limit.</summary>
    public int? MaximumActiveSession { get; init; }

    /// <summary>While a standby is further behind than this a build does not begin; null for no limit.</summary>
    public TimeSpan? MaximumReplicationLag { get; init; }

    /// <summary>How long to wait for the load to go down before the strategy is left for later.</summary>
    public TimeSpan LoadTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Whether a build may begin though the server then cancels the autovacuum of the table.</summary>
    public bool CancelAutovacuum { get; init; }
}

/// <summary>Creates the index of one strategy when its time has come.</summary>
/// <param name="connection">The session.</param>
/// <param name="options">When and how.</param>
/// <param name="clock">The time; the system's unless given.</param>
public sealed class IndexCreator(IMonitoringConnection connection, IndexCreationOptions options, TimeProvider? clock = null)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LoadInterval = TimeSpan.FromSeconds(2);

    private readonly TimeProvider time = clock ?? TimeProvider.System;

    private long grownBytes;

    /// <summary>Whether the strategy's maintenance window lets the build begin now.</summary>
    public async Task<WindowDecision> CheckWindowAsync(IndexStrategy strategy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        if (options.Force || strategy.MaintenanceWindow == MaintenanceWindow.Immediate)
        {
            return WindowDecision.Open;
        }

        var windows = connection.MaintenanceWindows;
        var schedule = (await windows.GetAsync(cancellationToken)).Single(s => s.Window == strategy.MaintenanceWindow);
        return WindowDecision.Decide(
            schedule, at => windows.FindOpening(schedule, at), time.GetUtcNow(), await EstimateAsync(strategy, cancellationToken));
    }

    /// <summary>Whether the decision leaves the strategy for later: it may not begin, and nobody wants to wait or waiting is of no use.</summary>
    public bool IsDeferredBy(WindowDecision decision)
    {
        ArgumentNullException.ThrowIfNull(decision);
        return !decision.IsOpen && !(options.WaitForWindow && decision.OpensAt is not null);
    }

    /// <summary>What can be found out before the build of a strategy; nothing is changed and nothing waited for.</summary>
    /// <exception cref="PerfMonitoringException">TableNotFound; TableNotIndexable.</exception>
    public async Task<IReadOnlyList<IndexPreflight>> CheckAsync(IndexStrategy strategy, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        var table = await connection.Catalog.GetTableAsync(strategy.Definition.Table, cancellationToken);
        var facts = await connection.IndexBuilder.GetFactsAsync(table, strategy.Definition.Tablespace, cancellationToken);
        return await JudgeAsync(strategy, table, facts, await CheckWindowAsync(strategy, cancellationToken), cancellationToken);
    }

    /// <summary>
    /// Creates the index, waiting for its window and for the load before where that was asked for. What preflight or the server refuse is a
    /// result with its error, as from <see cref="IIndexBuilder.BuildAsync"/>; what has to wait is a result that is Deferred.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled, and nothing is left.</exception>
    /// <exception cref="PerfMonitoringException">InvalidIndexLeft: it was cancelled, and the invalid index could not be taken away.</exception>
    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> CreateAsync(
        IndexStrategy strategy, IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentNullException.ThrowIfNull(progress);
        var startedAt = time.GetUtcNow();
        IReadOnlyList<IndexPreflight> findings;
        try
        {
            // What was true before a wait for the load need not be so after it: the window is asked again.
            TableInfo table;
            BuildFacts facts;
            do
            {
                if (await WaitForWindowAsync(strategy, progress, cancellationToken) is { } closed)
                {
                    return (Deferred(strategy, closed, startedAt), null);
                }

                table = await connection.Catalog.GetTableAsync(strategy.Definition.Table, cancellationToken);
                facts = await connection.IndexBuilder.GetFactsAsync(table, strategy.Definition.Tablespace, cancellationToken);
                if (await WaitForLoadAsync(strategy, table, facts, progress, cancellationToken) is { } busy)
                {
                    return (Deferred(strategy, new WindowDecision(busy), startedAt), null);
                }
            }
            while (new Preflight(strategy, options).LoadReason(facts) is not null);

            findings = await JudgeAsync(strategy, table, facts, WindowDecision.Open, cancellationToken);
            var blocks = findings.Where(f => f.State == PreflightState.Block).ToList();
            if (blocks.Count > 0)
            {
                throw new PerfMonitoringException(
                    "PreflightBlocked", blocks.Exists(b => b.Check == PreflightCheck.Privilege) ? FailureKind.PermissionDenied : FailureKind.Busy,
                    $"{strategy.IndexName} on {strategy.TableName} is not built. {string.Join(' ', blocks.Select(b => b.Reason))}",
                    "Mend what is said, and look at the findings of Invoke-IndexCreation -WhatIf.", strategy);
            }
        }
        catch (PerfMonitoringException e) when (!cancellationToken.IsCancellationRequested)
        {
            return (NotBuilt(strategy, IndexCreationState.Failed, startedAt) with { Error = e.Message }, e);
        }

        var (result, error) = await connection.IndexBuilder.BuildAsync(strategy, options.Build, progress, cancellationToken);
        if (result.State == IndexCreationState.Created)
        {
            grownBytes += result.SizeBytes ?? 0;
        }

        return (result with { Preflight = findings }, error);
    }

    /// <summary>The result of a strategy that is left for later.</summary>
    public IndexCreationResult Deferred(IndexStrategy strategy, WindowDecision decision, DateTimeOffset startedAt)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        ArgumentNullException.ThrowIfNull(decision);
        return NotBuilt(strategy, IndexCreationState.Deferred, startedAt) with { Reason = decision.Reason, DeferredUntil = decision.OpensAt };
    }

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

    // Null once it is open, else why the strategy is left for later.
    private async Task<WindowDecision?> WaitForWindowAsync(
        IndexStrategy strategy, IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
    {
        WindowDecision decision;
        while (!(decision = await CheckWindowAsync(strategy, cancellationToken)).IsOpen)
        {
            if (IsDeferredBy(decision))
            {
                return decision;
            }

            var left = decision.OpensAt!.Value - time.GetUtcNow();
            progress.Report(new IndexCreationProgress
            {
                Phase = $"waiting for the maintenance window {strategy.MaintenanceWindow}, until {WindowDecision.Time(decision.OpensAt.Value)}",
                Remaining = left,
            });
            // The clock or the schedule may be set meanwhile.
            await Task.Delay(left > LookAgain ? LookAgain : left > TimeSpan.FromSeconds(0.1) ? left : TimeSpan.FromSeconds(0.1), time, cancellationToken);
        }

        return null;
    }

    // Null once the load lets it begin, else why the strategy is left for later.
    private async Task<string?> WaitForLoadAsync(
        IndexStrategy strategy, TableInfo table, BuildFacts facts, IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
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

            progress.Report(new IndexCreationProgress { Phase = "waiting for the load: " + reason });
            await Task.Delay(left < LoadInterval ? left : LoadInterval, time, cancellationToken);
            facts = await connection.IndexBuilder.GetFactsAsync(table, strategy.Definition.Tablespace, cancellationToken);
        }

        return null;
    }

    private async Task<IReadOnlyList<IndexPreflight>> JudgeAsync(
        IndexStrategy strategy, TableInfo table, BuildFacts facts, WindowDecision window, CancellationToken cancellationToken) =>
        new Preflight(strategy, options).Judge(
            facts, await connection.Catalog.GetIndexesAsync([table.Oid], cancellationToken), window,
            strategy.SizeBytes ?? IndexSize.Estimate(strategy.Definition, table), grownBytes);

    private async Task<BuildEstimate> EstimateAsync(IndexStrategy strategy, CancellationToken cancellationToken)
    {
        var size = strategy.SizeBytes;
        if (size is null && (await connection.Catalog.FindTablesAsync([strategy.Definition.Table], cancellationToken)) is [var table])
        {
            size = IndexSize.Estimate(strategy.Definition, table);
        }

        try
        {
            return new BuildEstimate(size, await connection.Strategies.GetBuildRateAsync(cancellationToken));
        }
        catch (PerfMonitoringException e) when (e.ErrorId == "StoreMissing")
        {
            return new BuildEstimate(size, null);
        }
    }
}
