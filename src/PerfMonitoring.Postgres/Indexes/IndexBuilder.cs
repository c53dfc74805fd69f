using System.Data;
using System.Diagnostics;
using System.Globalization;
using Dapper;
using Npgsql;
using PerfMonitoring.Creation;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Repositories;
using Polly;
using Polly.Retry;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>CREATE INDEX CONCURRENTLY with all that it needs around it.</summary>
internal sealed class IndexBuilder(
    Database target, ICatalogRepository catalog, IIndexStrategyRepository strategies, IIndexActionRepository actions) : IIndexBuilder
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(0.5);

    private static readonly TimeSpan MomentaryLockTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan CleanUpLockTimeout = TimeSpan.FromSeconds(5);

    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(
        IndexStrategy strategy, IndexBuildOptions options, IProgress<IndexCreationProgress> progress, CancellationToken cancellationToken)
    {
        var run = new BuildRun(strategy, options, target.Target, progress);
        try
        {
            await BuildAsync(run, cancellationToken);
            await MarkAsync(run);
            return (run.ToResult(), run.Error);
        }
        catch (PerfMonitoringException caught) when (!cancellationToken.IsCancellationRequested)
        {
            var e = ExplainDefinition(caught, run);
            run.State = e.ErrorId == "IndexCreationCancelled" ? IndexCreationState.Cancelled : IndexCreationState.Failed;
            run.Error = e;
            return (run.ToResult(), e);
        }
    }

    public async Task<BuildFacts> GetFactsAsync(TableInfo table, string? tablespace, CancellationToken cancellationToken)
    {
        long[] oids = table.Leaves.Count == 0
            ? [table.Oid]
            : [.. (await catalog.FindTablesAsync(table.Leaves, cancellationToken)).Select(l => (long)l.Oid), table.Oid];
        var parameters = new { TableOid = (long)table.Oid, TableOids = oids, Tablespace = tablespace };
        var facts = await target.QuerySingleOrDefaultAsync<FactsRow>(Text("GetBuildFacts"), parameters, cancellationToken)
            ?? throw new PerfMonitoringException(
                "TableNotFound", FailureKind.NotFound, $"There is no table {table.Name} in {target.Target} any more.", null, table.Name.ToString());
        var older = await target.QueryAsync<BlockerRow>(Text("GetOlderTransactions"), parameters, cancellationToken);
        return new BuildFacts
        {
            IsStandby = facts.IsStandby,
            IsOwner = facts.IsOwner,
            SeesOthers = facts.SeesOthers,
            OlderTransactions = [.. older.Select(o => o.ToBlocker())],
            PreparedTransactions = facts.PreparedTransactions,
            HasAutovacuum = facts.HasAutovacuum,
            IsWraparound = facts.IsWraparound,
            OtherBuilds = facts.OtherBuilds,
            IndexesBeingBuilt = [.. facts.IndexesBeingBuilt.Select(o => (uint)o)],
            ActiveSessions = facts.SeesOthers ? facts.ActiveSessions : null,
            Standbys = facts.Standbys,
            ReplicationLag = facts is { SeesOthers: true, LagSeconds: { } lag } ? TimeSpan.FromSeconds(lag) : null,
            FreeDiskBytes = FreeDisk(facts.Directory),
        };
    }

    // PostgreSQL has no function for it: the directory is looked at where the server runs on this machine.
    private long? FreeDisk(string? directory)
    {
        var isLocal = target.Target.HostName.StartsWith('/') || target.Target.HostName is "localhost" or "127.0.0.1" or "::1";
        try
        {
            return isLocal && directory is not null && Directory.Exists(directory) ? new DriveInfo(directory).AvailableFreeSpace : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private async Task BuildAsync(BuildRun run, CancellationToken cancellationToken)
    {
        var table = await catalog.GetTableAsync(run.Definition.Table, cancellationToken);
        run.IsPartitioned = table.Kind == RelationKind.PartitionedTable;
        run.Definition = run.Definition with { Table = table.Name };
        await using var gate = await target.ConnectAsync(cancellationToken);
        await LockAsync(gate, run, cancellationToken);
        try
        {
            // What was true before the wait need not be so now.
            if (await FindEqualAsync(table, run, cancellationToken) is { } equal)
            {
                run.State = IndexCreationState.AlreadyExists;
                run.IndexName = equal.Definition.Name;
                run.SizeBytes = run.IsPartitioned ? null : equal.SizeBytes;
                return;
            }

            await RecordAsync(
                run,
                async () =>
                {
                    if (run.IsPartitioned)
                    {
                        await BuildTreeAsync(gate, run, table, cancellationToken);
                    }
                    else
                    {
                        await ClearNameAsync(run, table, cancellationToken);
                        await Retrying(run).ExecuteAsync(async token => await AttemptAsync(gate, run, token), cancellationToken);
                    }

                    run.State = IndexCreationState.Created;
                },
                cancellationToken);
        }
        finally
        {
            await UnlockAsync(gate);
        }
    }

    // Written before the build, so that the audit knows of it whatever becomes of this process.
    private async Task RecordAsync(BuildRun run, Func<Task> build, CancellationToken cancellationToken)
    {
        var id = await actions.StartAsync(
            new IndexAction
            {
                Action = run.Options.Action,
                IndexStrategyId = run.Strategy.Id,
                TableName = run.Definition.Table.ToString(),
                IndexName = run.Definition.Name,
                Statement = run.Definition.ToCreateStatement(concurrently: !run.IsPartitioned),
                UndoStatement = run.Definition.ToDropStatement(concurrently: !run.IsPartitioned),
                Reason = run.Strategy.Reason.Length == 0 ? null : run.Strategy.Reason,
            },
            cancellationToken);
        try
        {
            await build();
        }
        catch (Exception e) when (e is OperationCanceledException or PerfMonitoringException)
        {
            var failure = e as PerfMonitoringException;
            var isCancelled = cancellationToken.IsCancellationRequested || failure?.ErrorId == "IndexCreationCancelled";
            await FinishAsync(run, id, isCancelled ? IndexActionOutcome.Cancelled : IndexActionOutcome.Failed, failure?.Message);
            throw;
        }

        await FinishAsync(run, id, IndexActionOutcome.Succeeded, null);
    }

    // A store that fails unmakes nothing: its row stays as started, which says that its end is unknown.
    private async Task FinishAsync(BuildRun run, Guid? id, IndexActionOutcome outcome, string? error)
    {
        try
        {
            await actions.FinishAsync(id, outcome, error, CancellationToken.None);
        }
        catch (PerfMonitoringException e)
        {
            run.Error = new PerfMonitoringException(
                "ActionNotRecorded", FailureKind.ServerError,
                $"{run.QualifiedName}: the store could not be told that the build ended as {outcome}: {e.Message}",
                "Mend the store; Get-IndexStrategyHistory shows the build as Started.", run.Strategy, e);
        }
    }

    // The index is there, whatever happens now: no cancelling, and a store that fails does not unmake it.
    private async Task MarkAsync(BuildRun run)
    {
        if (!run.Strategy.IsStored)
        {
            return;
        }

        try
        {
            await strategies.UpdateAsync(run.Strategy.Id, new IndexStrategyChange { IsCreated = true, SizeBytes = run.SizeBytes, BuildTime = run.BuildTime }, CancellationToken.None);
        }
        catch (PerfMonitoringException e)
        {
            run.Error = new PerfMonitoringException(
                "StrategyNotMarked", e.Kind == FailureKind.ConnectionFailed ? FailureKind.ServerError : e.Kind,
                $"{run.QualifiedName} is there, but its strategy could not be marked as created: {e.Message}",
                "Mend the store and run Invoke-IndexCreation again: it finds the index and marks the strategy.", run.Strategy, e);
        }
    }

    private static async Task LockAsync(NpgsqlConnection gate, BuildRun run, CancellationToken cancellationToken)
    {
        // Not cancelled half-way: a lock whose answer got lost would stay with the pooled connection.
        while (!await gate.QuerySingleAsync<bool>(Command("TryLockBuilder", null, CancellationToken.None)))
        {
            var holders = await gate.QueryAsync<BlockerRow>(Command("GetBuilders", null, cancellationToken));
            run.Report("waiting for another builder", null, [.. holders.Select(h => h.ToBlocker())]);
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

    /// <summary>A valid index that does what the wanted one would do, or null.</summary>
    private async Task<TableIndex?> FindEqualAsync(TableInfo table, BuildRun run, CancellationToken cancellationToken)
    {
        var wanted = run.Definition;
        var candidates = (await catalog.GetIndexesAsync([table.Oid], cancellationToken))
            .Where(i => i is { IsValid: true, IsReady: true, IsExclusion: false } && IndexEquality.CouldServe(i.Definition, wanted)
                && (run.Options.Action != IndexActionKind.Restore || i.Definition.Name == wanted.Name))
            .ToList();
        if (candidates.Find(i => IndexEquality.IsWrittenAlike(i.Definition, wanted)) is { } alike)
        {
            return alike;
        }

        foreach (var candidate in candidates)
        {
            if (await MeanSameAsync(candidate, wanted, cancellationToken))
            {
                return candidate;
            }
        }

        return null;
    }

    // Only the server knows what an expression, a predicate or a default means: it is asked to make the index on an empty table of
    // the same columns, and both are compared as it writes them.
    private Task<bool> MeanSameAsync(TableIndex existing, IndexDefinition wanted, CancellationToken cancellationToken) => target.RunAsync(
        async () =>
        {
            const string Copy = "perf_monitoring_comparison";
            await using var connection = await target.Source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            try
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    $"create /* perf_monitoring */ temporary table {Copy} (like {wanted.Table}) on commit drop", cancellationToken: cancellationToken));
                var comparable = IndexEquality.Comparable(wanted, existing.Definition) with { Table = new RelationName("pg_temp", Copy) };
                await connection.ExecuteAsync(new CommandDefinition(comparable.ToCreateStatement(concurrently: false), cancellationToken: cancellationToken));
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                // Without the right to make temporary tables two indexes are the same only where they are written alike.
                return false;
            }

            var copy = await connection.QuerySingleAsync<uint>(Command("GetTemporaryIndex", new { TableName = Copy }, cancellationToken));
            var wantedBody = await connection.QuerySingleAsync<string>(Command("GetIndexBody", new { Oid = (long)copy }, cancellationToken));
            var existingBody = await connection.QuerySingleOrDefaultAsync<string>(
                Command("GetIndexBody", new { Oid = (long)existing.Oid }, cancellationToken));
            return wantedBody == existingBody;
        },
        cancellationToken);

    /// <summary>Sees to it that the name is free: an invalid index of the same kind that nobody builds is the rest of a build that failed.</summary>
    private async Task ClearNameAsync(BuildRun run, TableInfo table, CancellationToken cancellationToken)
    {
        if (await FindRelationAsync(run, cancellationToken) is not { } holder)
        {
            return;
        }

        if (holder.IsBeingBuilt)
        {
            throw new PerfMonitoringException(
                "IndexBeingBuilt", FailureKind.Busy, $"{run.QualifiedName} is being built by another session.",
                "Wait until it is done and run Invoke-IndexCreation again.", run.Strategy);
        }

        var same = holder is { TableOid: { } tableOid, IsValid: false } && tableOid == table.Oid
            ? (await catalog.GetIndexesAsync([table.Oid], cancellationToken)).FirstOrDefault(i => i.Oid == holder.Oid)
            : null;
        if (same is null || !IndexEquality.CouldServe(same.Definition, run.Definition)
            || !(IndexEquality.IsWrittenAlike(same.Definition, run.Definition) || await MeanSameAsync(same, run.Definition, cancellationToken)))
        {
            throw new PerfMonitoringException(
                "IndexNameTaken", FailureKind.AlreadyExists,
                $"{run.QualifiedName} is there already and is something else than {run.Definition.ToCreateStatement(concurrently: true)}.",
                "Give the strategy another name.", run.Strategy);
        }

        run.Report("dropping the invalid index of an earlier build", null, []);
        if (!await DropLeftoverAsync(run, null))
        {
            throw LeftInvalid(run, null);
        }
    }

    // PostgreSQL builds nothing concurrently on a partitioned table. Each leaf gets its index by itself; then one short transaction makes those of the
    // partitioned tables and attaches all. So no invalid index is ever to be seen, and what was built stays for the next run.
    private async Task BuildTreeAsync(NpgsqlConnection gate, BuildRun run, TableInfo root, CancellationToken cancellationToken)
    {
        // Partitions may come while it works.
        for (var round = 0; round < 3; round++)
        {
            var tree = await target.QueryAsync<PartitionRow>(Text("GetPartitionTree"), new { TableOid = (long)root.Oid }, cancellationToken);
            if (tree.FirstOrDefault(t => t.Relkind is not ("r" or "p")) is { } other)
            {
                throw new PerfMonitoringException(
                    "PartitionNotIndexable", FailureKind.NotSupported, $"{other.Name}, a partition of {root.Name}, is a foreign table: it takes no index.",
                    "Make a strategy for each of the other partitions.", run.Strategy);
            }

            if (round == 0)
            {
                // What the server refuses is told before hours of building, such as a unique index without the partition key.
                await Retrying(run).ExecuteAsync(async token => await AssembleAsync(run, tree, [], isTrial: true, token), cancellationToken);
            }

            var chosen = new Dictionary<uint, TableIndex>();
            var leaves = tree.Count(t => t.Relkind == "r");
            var number = 0;
            run.SizeBytes = 0;
            foreach (var table in tree)
            {
                if (await FindPartAsync(run, table, chosen, cancellationToken) is { } existing)
                {
                    chosen[table.Oid] = existing;
                    number += table.Relkind == "r" ? 1 : 0;
                }
                else if (table.Relkind == "r")
                {
                    chosen[table.Oid] = await BuildPartAsync(gate, run, table, chosen, $"partition {++number} of {leaves}, {table.Name}: ", cancellationToken);
                }

                run.SizeBytes += table.Relkind == "r" ? chosen[table.Oid].SizeBytes : 0;
            }

            run.Report("attaching the indexes of the partitions", null, []);
            if (await Retrying(run).ExecuteAsync(async token => await AssembleAsync(run, tree, chosen, isTrial: false, token), cancellationToken))
            {
                return;
            }
        }

        throw new PerfMonitoringException(
            "PartitionsChanged", FailureKind.Busy, $"{run.QualifiedName}: partitions of {root.Name} came while their indexes were built.",
            "Run Invoke-IndexCreation again: the indexes that were built are taken over.", run.Strategy);
    }

    /// <summary>An index of a partition, or of a partitioned table in the tree, that can stand for the wanted one, or null.</summary>
    private async Task<TableIndex?> FindPartAsync(
        BuildRun run, PartitionRow table, Dictionary<uint, TableIndex> chosen, CancellationToken cancellationToken)
    {
        var wanted = run.Definition with { Table = table.Name };
        var candidates = (await catalog.GetIndexesAsync([table.Oid], cancellationToken))
            .Where(i => !i.IsExclusion && i.Definition.IsUnique == wanted.IsUnique && i.ConstraintName is null && IndexEquality.CouldServe(i.Definition, wanted)
                && (table.Relkind == "p" || i is { IsValid: true, IsReady: true }))
            .ToList();
        var parents = candidates.Count == 0
            ? []
            : (await target.QueryAsync<PartitionRow>(Text("GetIndexParents"), new { Oids = candidates.Select(c => (long)c.Oid).ToArray() }, cancellationToken))
                .ToDictionary(p => p.Oid, p => p.ParentOid);
        foreach (var candidate in candidates)
        {
            // One that hangs under another index already cannot be attached again.
            var isFree = !parents.TryGetValue(candidate.Oid, out var parent)
                || (table.ParentOid is { } above && chosen.TryGetValue(above, out var index) && index.Oid == parent);
            if (isFree && (IndexEquality.IsWrittenAlike(candidate.Definition, wanted) || await MeanSameAsync(candidate, wanted, cancellationToken)))
            {
                return candidate;
            }
        }

        return null;
    }

    private async Task<TableIndex> BuildPartAsync(
        NpgsqlConnection gate, BuildRun run, PartitionRow table, Dictionary<uint, TableIndex> chosen, string label, CancellationToken cancellationToken)
    {
        var info = await catalog.GetTableAsync(table.Name, cancellationToken);
        var wanted = run.Definition with { Table = table.Name };
        var rest = (await catalog.GetIndexesAsync([table.Oid], cancellationToken)).FirstOrDefault(
            i => !i.IsValid && !i.IsAttached && IndexEquality.IsWrittenAlike(i.Definition, wanted));
        wanted = wanted with { Name = rest?.Definition.Name ?? IndexDefinition.SuggestName(table.Name.Name, wanted.Keys, wanted.Where is not null) };
        if (rest is null)
        {
            wanted = wanted with { Name = await new IndexNames(catalog, null).FindFreeAsync(wanted, cancellationToken) };
        }

        var part = run.PartOf(wanted, label);
        try
        {
            await ClearNameAsync(part, info, cancellationToken);
            await Retrying(part).ExecuteAsync(async token => await AttemptAsync(gate, part, token), cancellationToken);
        }
        finally
        {
            run.Add(part);
        }

        return await FindPartAsync(run, table, chosen, cancellationToken)
            ?? throw new PerfMonitoringException(
                "PartitionsChanged", FailureKind.Busy, $"{part.QualifiedName} was built and is gone, or another by now.",
                "Run Invoke-IndexCreation again.", run.Strategy);
    }

    // It waits for a moment only: behind whoever waits for these locks, readers and writers of the table wait too.
    private async Task<bool> AssembleAsync(
        BuildRun run, IReadOnlyList<PartitionRow> tree, Dictionary<uint, TableIndex> chosen, bool isTrial, CancellationToken cancellationToken)
    {
        try
        {
            return await target.RunAsync(
                async () =>
                {
                    await using var connection = await target.Source.OpenConnectionAsync(cancellationToken);
                    await SetLimitsAsync(connection, MomentaryLockTimeout, null, cancellationToken);
                    await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                    var names = chosen.ToDictionary(c => c.Key, c => c.Value.Definition);
                    var free = new IndexNames(catalog, null);
                    foreach (var table in tree.Where(t => t.Relkind == "p" && !names.ContainsKey(t.Oid)).Take(isTrial ? 1 : int.MaxValue))
                    {
                        var definition = run.Definition with { Table = table.Name };
                        if (table != tree[0])
                        {
                            var suggested = IndexDefinition.SuggestName(table.Name.Name, definition.Keys, definition.Where is not null);
                            definition = definition with { Name = await free.FindFreeAsync(definition with { Name = suggested }, cancellationToken) };
                        }
                        else if (isTrial)
                        {
                            definition = definition with { Name = await free.FindFreeAsync(definition, cancellationToken) };
                        }

                        await connection.ExecuteAsync(new CommandDefinition(definition.ToParentStatement(), cancellationToken: cancellationToken));
                        names[table.Oid] = definition;
                    }

                    if (isTrial)
                    {
                        return true;
                    }

                    // From below, so that what is attached is valid.
                    foreach (var table in tree.Skip(1).Reverse())
                    {
                        var part = names[table.Oid];
                        await connection.ExecuteAsync(new CommandDefinition(
                            names[table.ParentOid!.Value].ToAttachStatement(new RelationName(part.Table.Schema, part.Name)), cancellationToken: cancellationToken));
                    }

                    var root = names[tree[0].Oid];
                    var made = await connection.QuerySingleAsync<RelationRow>(
                        Command("GetRelation", new { SchemaName = root.Table.Schema, root.Name }, cancellationToken));
                    if (made.IsValid != true)
                    {
                        return false;
                    }

                    await transaction.CommitAsync(cancellationToken);
                    run.IndexName = root.Name;
                    return true;
                },
                cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.DuplicateTable })
        {
            throw new PerfMonitoringException(
                "IndexNameTaken", FailureKind.AlreadyExists, $"{run.QualifiedName} is there already and is something else.",
                "Give the strategy another name.", run.Strategy, e);
        }
        catch (PerfMonitoringException e)
        {
            throw Explain(e, run);
        }
    }

    private async Task AttemptAsync(NpgsqlConnection gate, BuildRun run, CancellationToken cancellationToken)
    {
        BuilderSession? session = null;
        try
        {
            await target.RunAsync(
                async () =>
                {
                    await using var connection = await target.Source.OpenConnectionAsync(cancellationToken);
                    session = new BuilderSession(
                        connection.ProcessID, await connection.QuerySingleAsync<DateTimeOffset>(Command("GetBackendStart", null, cancellationToken)));
                    await SetLimitsAsync(connection, ServerLimit(run.Options), run.Options.MaintenanceWorkMem, cancellationToken);
                    using var watching = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    using var givingUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    run.Waited = TimeSpan.Zero;
                    run.GivenUp = null;
                    var began = Stopwatch.GetTimestamp();
                    var watch = WatchAsync(gate, run, session.ProcessId, began, givingUp, watching.Token);
                    try
                    {
                        var done = await connection.ExecuteAsync(new CommandDefinition(
                            run.Definition.ToCreateStatement(concurrently: true), commandTimeout: 0, cancellationToken: givingUp.Token));
                        run.BuildTime = Stopwatch.GetElapsedTime(began) - run.Waited;
                        return done;
                    }
                    finally
                    {
                        await watching.CancelAsync();
                        await watch;
                    }
                },
                cancellationToken);
            run.SizeBytes = (await FindRelationAsync(run, cancellationToken))?.SizeBytes;
        }
        catch (Exception e) when (session is not null && e is OperationCanceledException or PerfMonitoringException)
        {
            run.Report("dropping the invalid index", null, []);
            if (!await DropLeftoverAsync(run, session))
            {
                throw LeftInvalid(run, e);
            }

            // The answer can get lost after the work was done.
            if (await FindRelationAsync(run, CancellationToken.None) is { IsValid: true } built)
            {
                run.SizeBytes = built.SizeBytes;
                return;
            }

            if (e is PerfMonitoringException failure)
            {
                throw Explain(failure, run);
            }

            if (run.GivenUp is { } wait && !cancellationToken.IsCancellationRequested)
            {
                throw WaitedTooLong(run, wait, e);
            }

            throw;
        }
    }

    // The gate's connection is free while the build runs; so it watches, and ends waits that are too long: lock_timeout alone cannot tell a wait for the
    // table from one for older snapshots.
    private static async Task WatchAsync(
        NpgsqlConnection gate, BuildRun run, int processId, long began, CancellationTokenSource givingUp, CancellationToken cancellationToken)
    {
        try
        {
            var current = "";
            var since = began;
            while (true)
            {
                await Task.Delay(PollInterval, cancellationToken);
                // Not cancelled half-way: the connection must be clean for the unlocking.
                var rows = (await gate.QueryAsync<ProgressRow>(Command("GetBuildProgress", new { ProcessId = processId }, CancellationToken.None))).AsList();
                if (rows.Count == 0)
                {
                    continue;
                }

                var blockers = rows.Where(r => r.ProcessId is not null).Select(r => r.ToBlocker()).ToArray();
                var isForOthers = rows[0].Phase?.StartsWith("waiting", StringComparison.Ordinal) == true;
                var phase = isForOthers || blockers.Length == 0 ? rows[0].Phase : "waiting for the lock on the table";
                if (phase is null)
                {
                    continue;
                }

                if (phase != current)
                {
                    (current, since) = (phase, Stopwatch.GetTimestamp() - (PollInterval.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond));
                }

                var elapsed = Stopwatch.GetElapsedTime(since);
                // While it waits, the server's counters are those of the phase before.
                double? percent = isForOthers || blockers.Length > 0
                    ? null
                    : IndexCreationProgress.PercentOf(rows[0].TuplesDone, rows[0].TuplesTotal, rows[0].BlocksDone, rows[0].BlocksTotal);
                run.Report(phase, percent, blockers, IndexCreationProgress.RemainingOf(elapsed, percent));
                if (blockers.Length == 0)
                {
                    continue;
                }

                run.Waited += PollInterval;
                var limit = isForOthers ? run.Options.SnapshotTimeout : run.Options.LockTimeout;
                if (limit > TimeSpan.Zero && elapsed >= limit)
                {
                    run.GivenUp = isForOthers ? BuildWait.Snapshot : BuildWait.Lock;
                    await givingUp.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The build is over.
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException)
        {
            run.Report("building; its progress is unknown, for the connection that watches broke", null, []);
        }
    }

    // Where nobody watches any more the server ends each wait, a little later.
    private static TimeSpan ServerLimit(IndexBuildOptions options) =>
        options.LockTimeout == TimeSpan.Zero || options.SnapshotTimeout == TimeSpan.Zero
            ? TimeSpan.Zero
            : (options.LockTimeout > options.SnapshotTimeout ? options.LockTimeout : options.SnapshotTimeout) + TimeSpan.FromSeconds(5);

    private static PerfMonitoringException WaitedTooLong(BuildRun run, BuildWait wait, Exception cause) => wait == BuildWait.Lock
        ? new PerfMonitoringException(
            "LockTimeout", FailureKind.Busy,
            $"{run.QualifiedName}: the lock on the table was not to be had within {run.Options.LockTimeout}.{WaitedFor(run)}",
            "End the sessions that it waited for, raise -LockTimeout, or try again later.", run.Strategy, cause)
        : new PerfMonitoringException(
            "SnapshotTimeout", FailureKind.Busy,
            $"{run.QualifiedName}: older transactions were not over within {run.Options.SnapshotTimeout}.{WaitedFor(run)}",
            "End the sessions that it waited for, raise -SnapshotTimeout above the time of the longest transaction, or try again later.", run.Strategy, cause);

    private static string WaitedFor(BuildRun run) => run.Blockers.Count == 0 ? "" : $" It waited for {string.Join(", ", run.Blockers)}.";

    /// <summary>Takes the invalid index of this name away. False where it is still there, or the server does not answer.</summary>
    private async Task<bool> DropLeftoverAsync(BuildRun run, BuilderSession? session)
    {
        using var limit = new CancellationTokenSource(run.Options.CleanUpLimit);
        var patience = new ResiliencePipelineBuilder<bool>()
            .AddRetry(new RetryStrategyOptions<bool>
            {
                ShouldHandle = new PredicateBuilder<bool>().Handle<PerfMonitoringException>().HandleResult(false),
                MaxRetryAttempts = int.MaxValue,
                Delay = TimeSpan.FromSeconds(0.5),
                BackoffType = DelayBackoffType.Exponential,
                MaxDelay = TimeSpan.FromSeconds(5),
                UseJitter = true,
            })
            .Build();
        try
        {
            return await patience.ExecuteAsync(async token => await TryDropAsync(run, session, token), limit.Token);
        }
        catch (OperationCanceledException)
        {
            run.LeftoverIndex = run.QualifiedName;
            return false;
        }
    }

    private async ValueTask<bool> TryDropAsync(BuildRun run, BuilderSession? session, CancellationToken cancellationToken) => await target.RunAsync(
        async () =>
        {
            await using var connection = await target.Source.OpenConnectionAsync(cancellationToken);
            if (session is not null)
            {
                await connection.ExecuteAsync(Command("TerminateBuild", session, cancellationToken));
            }

            var relation = await FindRelationAsync(run, cancellationToken);
            if (relation is null || relation.IsValid == true || relation.TableOid is null)
            {
                return true;
            }

            if (relation.IsBeingBuilt)
            {
                return false;
            }

            await SetLimitsAsync(connection, CleanUpLockTimeout, null, cancellationToken);
            await connection.ExecuteAsync(new CommandDefinition(
                run.Definition.ToDropStatement(concurrently: true), commandTimeout: 0, cancellationToken: cancellationToken));
            return true;
        },
        cancellationToken);

    private Task<RelationRow?> FindRelationAsync(BuildRun run, CancellationToken cancellationToken) =>
        target.QuerySingleOrDefaultAsync<RelationRow>(
            Text("GetRelation"), new { SchemaName = run.Definition.Table.Schema, run.Definition.Name }, cancellationToken);

    private static Task<int> SetLimitsAsync(
        NpgsqlConnection connection, TimeSpan lockTimeout, string? maintenanceWorkMem, CancellationToken cancellationToken) =>
        connection.ExecuteAsync(Command(
            "SetBuildLimits",
            new
            {
                LockTimeoutMs = ((long)Math.Ceiling(lockTimeout.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture),
                MaintenanceWorkMem = maintenanceWorkMem,
            },
            cancellationToken));

    private static ResiliencePipeline Retrying(BuildRun run) => run.Options.MaximumRetry == 0
        ? ResiliencePipeline.Empty
        : new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<PerfMonitoringException>(e => e.ErrorId is "LockTimeout" or "SnapshotTimeout" or "Deadlock"),
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
                        null, []);
                    return ValueTask.CompletedTask;
                },
            })
            .Build();

    private static PerfMonitoringException Explain(PerfMonitoringException e, BuildRun run)
    {
        var blockers = WaitedFor(run);
        return (e.InnerException as PostgresException)?.SqlState switch
        {
            PostgresErrorCodes.LockNotAvailable => new PerfMonitoringException(
                "LockTimeout", FailureKind.Busy, $"{run.QualifiedName}: {Innermost(e)}.{blockers}",
                "End the sessions that it waited for, raise -LockTimeout, or try again later.", run.Strategy, e),
            PostgresErrorCodes.DeadlockDetected => new PerfMonitoringException(
                "Deadlock", FailureKind.Busy, $"{run.QualifiedName}: {Innermost(e)}.{blockers}", "Try again later.", run.Strategy, e),
            PostgresErrorCodes.UniqueViolation => new PerfMonitoringException(
                "DuplicateValues", FailureKind.InvalidArgument, $"{run.QualifiedName}: {Innermost(e)}: the table holds duplicates.",
                "Remove the duplicates, or make the index without UNIQUE.", run.Strategy, e),
            PostgresErrorCodes.QueryCanceled => new PerfMonitoringException(
                "IndexCreationCancelled", FailureKind.ServerError, $"{run.QualifiedName}: {Innermost(e)}.", "Run Invoke-IndexCreation again.", run.Strategy, e),
            // One backend or the whole server: that it was possible to clean up says which.
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown => BuildBroken(run, e),
            null when e.Kind == FailureKind.ConnectionFailed => BuildBroken(run, e),
            _ => e,
        };
    }

    // What the server says of a definition that cannot be right, whether it was compared or built.
    private static PerfMonitoringException ExplainDefinition(PerfMonitoringException e, BuildRun run) => (e.InnerException as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.SyntaxError or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.DatatypeMismatch or PostgresErrorCodes.WrongObjectType
            or PostgresErrorCodes.InvalidObjectDefinition or PostgresErrorCodes.FeatureNotSupported
            or PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.AmbiguousFunction => new PerfMonitoringException(
            "InvalidIndexDefinition", FailureKind.InvalidArgument,
            $"{run.QualifiedName}: {Innermost(e)}: {run.Definition.ToCreateStatement(concurrently: true)}", "Correct the strategy.", run.Strategy, e),
        _ => e,
    };

    private static PerfMonitoringException BuildBroken(BuildRun run, PerfMonitoringException e) => new(
        "IndexCreationInterrupted", FailureKind.ServerError, $"{run.QualifiedName}: the session that built it was ended ({Innermost(e)}).",
        "Run Invoke-IndexCreation again.", run.Strategy, e);

    private static string Innermost(PerfMonitoringException e) => (e.InnerException as PostgresException)?.MessageText ?? e.InnerException?.Message ?? e.Message;

    private static PerfMonitoringException LeftInvalid(BuildRun run, Exception? cause) => new(
        "InvalidIndexLeft", FailureKind.Busy,
        $"The invalid index {run.QualifiedName} could not be dropped within {run.Options.CleanUpLimit.TotalSeconds:0} s and is left."
            + (cause is PerfMonitoringException ? $" It was left by a build that failed: {cause.Message}" : ""),
        $"Run \"{run.Definition.ToDropStatement(concurrently: true)}\" when the table is free, or Invoke-IndexCreation again.", run.Strategy, cause);

    private static string Text(string name) => Sql.Get(typeof(IndexBuilder), name, int.MaxValue);

    private static CommandDefinition Command(string name, object? parameters, CancellationToken cancellationToken) =>
        new(Text(name), parameters, cancellationToken: cancellationToken);

    /// <summary>The session that builds; its number alone could be another's by now.</summary>
    private sealed record BuilderSession(int ProcessId, DateTimeOffset BackendStart);

    /// <summary>What a build can wait for.</summary>
    private enum BuildWait
    {
        Lock,
        Snapshot,
    }

    /// <summary>What is known of one build while it goes on.</summary>
    private sealed class BuildRun(IndexStrategy strategy, IndexBuildOptions options, ServerTarget target, IProgress<IndexCreationProgress> progress)
    {
        private readonly long started = Stopwatch.GetTimestamp();
        private readonly DateTimeOffset startedAt = DateTimeOffset.UtcNow;
        private readonly Dictionary<int, IndexCreationBlocker> blockers = [];

        public IndexStrategy Strategy => strategy;
        public IndexBuildOptions Options => options;
        public IndexDefinition Definition { get; set; } = strategy.Definition;
        public string QualifiedName => new RelationName(Definition.Table.Schema, Definition.Name).ToString();
        public bool IsPartitioned { get; set; }
        public string? IndexName { get; set; }
        public IndexCreationState State { get; set; }
        public long? SizeBytes { get; set; }

        /// <summary>What the present try waited so far, as the watch saw it: right to half a second for each wait.</summary>
        public TimeSpan Waited { get; set; }
        public TimeSpan? BuildTime { get; set; }

        /// <summary>The wait that was too long, so that the present try was given up.</summary>
        public BuildWait? GivenUp { get; set; }
        public int Retries { get; set; }
        public PerfMonitoringException? Error { get; set; }
        public string? LeftoverIndex { get; set; }
        public IReadOnlyList<IndexCreationBlocker> Blockers => [.. blockers.Values];

        public void Report(string phase, double? percent, IReadOnlyList<IndexCreationBlocker> waitedFor, TimeSpan? remaining = null)
        {
            foreach (var blocker in waitedFor)
            {
                blockers[blocker.ProcessId] = blocker;
            }

            progress.Report(new IndexCreationProgress { Phase = phase, Percent = percent, Remaining = remaining, Blockers = waitedFor, Retries = Retries });
        }

        /// <summary>The run of a partition's index, whose reports are told with a label.</summary>
        public BuildRun PartOf(IndexDefinition definition, string label) =>
            new(strategy with { Definition = definition }, options, target, new LabelledProgress(progress, label));

        /// <summary>Counts what the run of a partition was.</summary>
        public void Add(BuildRun part)
        {
            foreach (var blocker in part.Blockers)
            {
                blockers[blocker.ProcessId] = blocker;
            }

            Retries += part.Retries;
            BuildTime = BuildTime is { } sum ? sum + (part.BuildTime ?? TimeSpan.Zero) : part.BuildTime;
            LeftoverIndex ??= part.LeftoverIndex;
        }

        public IndexCreationResult ToResult() => new()
        {
            IndexStrategyId = strategy.Id,
            TableName = Definition.Table.ToString(),
            IndexName = IndexName ?? Definition.Name,
            IndexDefinition = Definition.ToCreateStatement(concurrently: true),
            State = State,
            StartedAt = startedAt,
            Duration = Stopwatch.GetElapsedTime(started),
            BuildTime = BuildTime,
            SizeBytes = SizeBytes,
            Retries = Retries,
            Blockers = Blockers,
            Error = Error?.Message,
            LeftoverIndex = LeftoverIndex,
            Target = target,
        };
    }

    private sealed class LabelledProgress(IProgress<IndexCreationProgress> inner, string label) : IProgress<IndexCreationProgress>
    {
        public void Report(IndexCreationProgress value) => inner.Report(value with { Phase = label + value.Phase });
    }

    private sealed class PartitionRow
    {
        public uint Oid { get; init; }
        public uint? ParentOid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string Relkind { get; init; } = "";
        public RelationName Name => new(SchemaName, TableName);
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

    private sealed class ProgressRow : BlockerRow
    {
        public string? Phase { get; init; }
        public long? TuplesDone { get; init; }
        public long? TuplesTotal { get; init; }
        public long? BlocksDone { get; init; }
        public long? BlocksTotal { get; init; }
    }

    private sealed class FactsRow
    {
        public bool IsStandby { get; init; }
        public bool IsOwner { get; init; }
        public bool SeesOthers { get; init; }
        public string? Directory { get; init; }
        public string[] PreparedTransactions { get; init; } = [];
        public bool HasAutovacuum { get; init; }
        public bool IsWraparound { get; init; }
        public string[] OtherBuilds { get; init; } = [];
        public long[] IndexesBeingBuilt { get; init; } = [];
        public int ActiveSessions { get; init; }
        public int Standbys { get; init; }
        public double? LagSeconds { get; init; }
    }

    private sealed class RelationRow
    {
        public uint Oid { get; init; }
        public uint? TableOid { get; init; }
        public bool? IsValid { get; init; }
        public bool IsBeingBuilt { get; init; }
        public long? SizeBytes { get; init; }
    }
}
