using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;
using PerfMonitoring.Usage;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The kinds of changes, in the monitored database or in the store.</summary>
public enum Work
{
    /// <summary>An index is built from a strategy.</summary>
    Create,

    /// <summary>An index on a partitioned table is built from a strategy.</summary>
    CreatePartitioned,

    /// <summary>A dropped index is restored.</summary>
    Restore,

    /// <summary>An index is dropped.</summary>
    Drop,

    /// <summary>The index of a partitioned table is dropped.</summary>
    DropPartitioned,

    /// <summary>A built index is reverted.</summary>
    Revert,

    /// <summary>An invalid index is dropped.</summary>
    Repair,

    /// <summary>An index is rebuilt.</summary>
    Rebuild,

    /// <summary>The log of queries is updated.</summary>
    LogUpdate,

    /// <summary>The usage of indexes is stored.</summary>
    UsageUpdate,

    /// <summary>A strategy is stored, marked and removed.</summary>
    Marking,
}

/// <summary>The disturbances of the process that makes a change.</summary>
public enum Upset
{
    /// <summary>One connection is reset.</summary>
    Cut,

    /// <summary>One connection is reset in the middle of a message.</summary>
    CutInHalf,

    /// <summary>Sent data is lost, and the process dies before it notices.</summary>
    Swallowed,

    /// <summary>The process dies before a packet is forwarded.</summary>
    Killed,

    /// <summary>The process dies while the server works.</summary>
    KilledAtWork,

    /// <summary>The server ends all its sessions.</summary>
    Terminated,

    /// <summary>The user cancels the command (Ctrl+C).</summary>
    Cancelled,

    /// <summary>The server crashes and is restarted.</summary>
    Crash,
}

/// <summary>
/// A database in which one change after the other is disturbed at a random packet between its first and its last. The next run
/// follows, as a scheduler starts it. Then the catalog, the audit, the strategies and the log must agree.
/// </summary>
internal sealed class ChangeLane : IAsyncDisposable
{
    private static readonly IndexChangeOptions Options = new()
    {
        LockTimeout = TimeSpan.FromMinutes(2), SnapshotTimeout = TimeSpan.FromMinutes(2), MaximumRetry = 3,
        RetryDelay = TimeSpan.FromMilliseconds(50),
        CleanUpLimit = TimeSpan.FromMinutes(1),
    };

    private readonly PostgresCluster cluster;
    private readonly string database;
    private readonly string store;
    private readonly string schema;
    private IMonitoringConnection next;
    private readonly Dictionary<Work, int> packets;
    // The lane's own statements use a pool, because a new session of the server costs more than the statement.
    private readonly Dictionary<string, NpgsqlDataSource> sources;
    private readonly List<(Task Ghost, string Name)> ghosts = [];
    private long calls;

    private ChangeLane(
        PostgresCluster cluster, string database, string store, string schema, IMonitoringConnection next, ChangeLane? like)
    {
        this.cluster = cluster;
        this.database = database;
        this.store = store;
        this.schema = schema;
        this.next = next;
        packets = like?.packets ?? [];
        sources = new[] { database, store, "postgres" }.Distinct().ToDictionary(
            n => n, n =>
                NpgsqlDataSource.Create(
                    new NpgsqlConnectionStringBuilder(cluster.ConnectionString(n)) { Pooling = true, CommandTimeout = 0 }));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The violations, one line each.</summary>
    public ConcurrentQueue<string> Findings { get; } = new();

    /// <summary>How the disturbed changes ended, and how often.</summary>
    public ConcurrentDictionary<string, int> Endings { get; } = new();

    /// <summary>Creates the databases of a lane.</summary>
    /// <param name="cluster">The server.</param>
    /// <param name="hasStoreElsewhere">Whether the store is in another database.</param>
    /// <param name="like">Another lane with its store in the same place, which has already counted packets.</param>
    public static async Task<ChangeLane> OpenAsync(PostgresCluster cluster, bool hasStoreElsewhere, ChangeLane? like = null)
    {
        var database = await cluster.CreateDatabaseAsync(null, Token);
        var store = hasStoreElsewhere ? await cluster.CreateDatabaseAsync(null, Token) : database;
        await cluster.ExecuteAsync(database, """
            create extension pg_stat_statements;
            create function slowly(n int) returns int immutable language plpgsql as 'begin perform pg_catalog.pg_sleep(0.0002); return n; end';
            create table counted (n int);
            create table used (n int);
            create index used_n on used (n);
            """, Token);
        var next = await ConnectAsync(database, store, cluster.Port, cluster);
        await next.Store.UpgradeAsync(Token);
        var lane = new ChangeLane(
            cluster, database, store, (await next.Store.FindSchemaAsync(Token))!, next, like);
        foreach (var work in like is null ? Enum.GetValues<Work>() : [])
        {
            // A run without an upset counts the packets.
            await lane.RunAsync(new ChangeCase(0, work, null, 1));
        }

        return lane;
    }

    /// <summary>Runs one case and the next run, and checks the result.</summary>
    public async Task RunAsync(ChangeCase test)
    {
        try
        {
            var (strategy, index) = await PrepareAsync(test);
            await UpsetAsync(test, strategy, index);
            await FollowAsync(test, strategy, index);
            await JudgeAsync(test, strategy);
        }
        catch (Exception e) when (e is not OperationCanceledException || !Token.IsCancellationRequested)
        {
            Findings.Enqueue($"{test}: {e}");
        }
    }

    /// <summary>Several sessions build, revert, store and count the same at the same time, each in another order.</summary>
    public async Task RunAtOnceAsync(int sessions, int rounds, Random random)
    {
        var test = new ChangeCase(0, Work.Create, null, 0);
        await ExecuteAsync(
            database,
            string.Concat(
                Enumerable.Range(0, 4)
                .Select(i => $"create table shared{i} (n int); insert into shared{i} select generate_series(1, 20);")));
        var wanted = Enumerable.Range(0, 4).Select(i => new IndexStrategy
        {
            Definition = new IndexDefinition {
                Table = new("public", $"shared{i}"), Name = $"shared{i}_i", Keys = [IndexKey.OnExpression("public.slowly(n)")] },
        }).ToArray();
        var orders = Enumerable.Range(0, sessions).Select(_ => new Random(random.Next())).ToArray();
        await Task.WhenAll(orders.Select(async own =>
        {
            try
            {
                await using var session = await ConnectAsync(database, store, cluster.Port, cluster);
                for (var round = 0; round < rounds; round++)
                {
                    var mine = wanted.ToArray();
                    own.Shuffle(mine);
                    await OnceAsync(session, mine);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException || !Token.IsCancellationRequested)
            {
                Findings.Enqueue($"of {sessions} at once one failed: {e}");
            }
        }));
        await ExpectAsync(
            test, database, "no invalid index",
            "select not exists (select from pg_index where not (indisvalid and indisready and indislive))");
        await ExpectAsync(
            test, store, "every action with its end",
            "select not exists (select from perf_monitoring.index_action where outcome = 'STARTED')");
        await ExpectAsync(test, store, "each index built and taken back in turns", """
            select coalesce(bool_and(action <> before), true)
            from (
                select action, lag(action, 1, 'REVERT') over (partition by index_name order by started_at) as before
                from perf_monitoring.index_action
                where index_name like 'shared%' and outcome = 'SUCCEEDED') a
            """);

        async Task OnceAsync(IMonitoringConnection session, IndexStrategy[] mine)
        {
            var stored = await session.Strategies.AddAsync(mine, Token);
            foreach (var strategy in stored)
            {
                var (built, error) = await session.IndexChanger.BuildAsync(strategy, Options, new Silence(), Token);
                Expect(test, error is null && built.State is IndexCreationState.Created or IndexCreationState.AlreadyExists,
                    $"at once, a build ended as {built.State} {error}");
            }

            await session.QueryLog.UpdateAsync(new Progress<string>(), Token);
            await UsageRecorder.RecordAsync(session, await UsageReader.GetAsync(session, new(), Token), Token);
            foreach (var made in (await IndexVerifier.GetCreatedAsync(session.Actions, new(), Token))
                .Where(m => m.IndexName.StartsWith("shared", StringComparison.Ordinal)))
            {
                if (await IndexReversion.PrepareAsync(session, made, "Enough.", null, Token) is { } removal)
                {
                    var (removed, error) = await removal.RunAsync(session, Options, new Silence(), Token);
                    Expect(test, error is null && removed.State is IndexRemovalState.Removed or IndexRemovalState.NotThere,
                        $"at once, a revert ended as {removed.State} {error}");
                }
            }
        }
    }

    /// <summary>Checks the final state as a user would.</summary>
    public async Task CheckAsync()
    {
        foreach (var (ghost, name) in ghosts)
        {
            try
            {
                await ghost.WaitAsync(TimeSpan.FromMinutes(2), Token);
            }
            catch (TimeoutException)
            {
                Findings.Enqueue($"{name}: it never ended");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await next.DisposeAsync();
        foreach (var source in sources.Values)
        {
            await source.DisposeAsync();
        }
    }

    // Creates the objects of a case: a new table, a strategy, and an index if the case drops or rebuilds one.
    private async Task<(IndexStrategy Strategy, uint? Index)> PrepareAsync(ChangeCase test)
    {
        var isPartitioned = test.Work is Work.CreatePartitioned or Work.DropPartitioned;
        var name = string.Create(CultureInfo.InvariantCulture, $"t{test.Number}{(test.Upset is null ? $"_{test.Work}" : "")}")
            .ToLowerInvariant();
        await ExecuteAsync(database, $"""
            create table {name} (id int not null, n int not null) {(isPartitioned ? "partition by range (id)" : "")};
            {(isPartitioned ? $"create table {name}_a partition of {name} for values from (0) to (50); create table {name}_b partition of {name} for values from (50) to (1000);" : "")}
            insert into {name} select g, g % 10 from generate_series(1, 100) g;
            """);
        var strategy = new IndexStrategy
        {
            Definition = new IndexDefinition
            {
                Table = new RelationName("public", name),
                Name = $"{name}_i",
                Keys = [IndexKey.OnExpression("public.slowly(n)"), IndexKey.OnColumn("id")],
            },
        };
        if (test.Work is Work.LogUpdate or Work.UsageUpdate or Work.Marking)
        {
            return (strategy, null);
        }

        strategy = (await next.Strategies.AddAsync([strategy], Token))[0];
        if (test.Work is Work.Create or Work.CreatePartitioned or Work.Restore)
        {
            if (test.Work == Work.Restore)
            {
                await next.Strategies.UpdateAsync(strategy.Id, new() { IsActive = false }, Token);
            }

            return (strategy, null);
        }

        if (test.Work is Work.Revert)
        {
            var (made, error) = await next.IndexChanger.BuildAsync(strategy, Options, new Silence(), Token);
            Expect(test, made.State == IndexCreationState.Created, $"before it: {made.State} {error}");
        }
        else
        {
            await ExecuteAsync(database, strategy.Definition.ToCreateStatement(false));
            if (test.Work == Work.Repair)
            {
                await ExecuteAsync(
                    database, $"update pg_index set indisvalid = false where indexrelid = '{strategy.IndexName}'::regclass");
            }
            else
            {
                await next.Strategies.UpdateAsync(strategy.Id, new() { IsCreated = true }, Token);
            }
        }

        return (strategy, (await QueryAsync<uint>(database, $"select '{strategy.IndexName}'::regclass::oid"))[0]);
    }

    private async Task UpsetAsync(ChangeCase test, IndexStrategy strategy, uint? index)
    {
        var application = $"ghost {test.Number}";
        var proxy = FaultProxy.Start(cluster.Port);
        var ghost = await ConnectAsync(database, store, proxy.Port, cluster, application);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var at = test.Upset is null ? int.MaxValue : (int)(test.Moment * packets[test.Work]);
        proxy.SetForAll(
            test.Upset switch
            {
                Upset.Cut => ProxyFault.Cut,
                Upset.CutInHalf => ProxyFault.CutInHalf,
                Upset.Swallowed => ProxyFault.Swallow,
                // The packet is forwarded, and the server works.
                Upset.KilledAtWork => ProxyFault.Delay,
                null => ProxyFault.None,
                _ => ProxyFault.Hold,
            },
            at);
        var struck = proxy.Struck;
        var isDead = test.Upset is Upset.Swallowed or Upset.Killed or Upset.KilledAtWork;
        var work = Task.Run(
            () => WorkAsync(
                test, ghost, strategy, index, isDead ? Options with { CleanUpLimit = TimeSpan.FromMilliseconds(1) } : Options,
                cancel.Token), Token);
        await Task.WhenAny(struck, work);
        switch (test.Upset)
        {
            case Upset.Swallowed or Upset.Killed or Upset.KilledAtWork:
                proxy.Refuse();
                break;
            case Upset.Terminated:
                await QueryAsync<bool>(
                    "postgres",
                    $"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{application}'");
                proxy.Heal();
                break;
            case Upset.Cancelled:
                await cancel.CancelAsync();
                proxy.Heal();
                break;
            case Upset.Crash:
                await cluster.StopAsync(StopMode.Immediate, Token);
                await cluster.RestartAsync(Token);
                // Pooled connections belong to the server before the crash.
                foreach (var source in sources.Values)
                {
                    source.Clear();
                }

                await next.DisposeAsync();
                next = await ConnectAsync(database, store, cluster.Port, cluster);
                proxy.Heal();
                break;
        }

        if (isDead)
        {
            // A killed process does not reach its end. This one does, but unseen.
            ghosts.Add((EndAsync(), test.ToString()));
            Endings.AddOrUpdate("died", 1, (_, count) => count + 1);
            return;
        }

        var ending = await work.WaitAsync(TimeSpan.FromMinutes(5), Token);
        if (test.Upset is null)
        {
            packets[test.Work] = proxy.PacketCount;
            Expect(test, ending.StartsWith("done", StringComparison.Ordinal), $"undisturbed it ended as {ending}");
        }

        Endings.AddOrUpdate(ending.Split(' ')[0], 1, (_, count) => count + 1);
        Expect(test, !ending.StartsWith("raw", StringComparison.Ordinal), $"it ended as {ending}");
        await EndAsync();

        async Task EndAsync()
        {
            await work;
            await ghost.DisposeAsync();
            await proxy.DisposeAsync();
        }
    }

    /// <summary>Makes the change, and returns how it ended: done, failed, cancelled or raw.</summary>
    private static async Task<string> WorkAsync(
        ChangeCase test, IMonitoringConnection by, IndexStrategy strategy, uint? index, IndexChangeOptions options,
        CancellationToken cancellationToken)
    {
        try
        {
            var error = await DoAsync(test.Work, by, strategy, index, options, cancellationToken);
            return error is null ? "done" : $"failed {error}";
        }
        catch (OperationCanceledException)
        {
            return "cancelled";
        }
        catch (PerfMonitoringException e)
        {
            return $"failed {e}";
        }
        catch (Exception e)
        {
            return $"raw {e}";
        }
    }

    private static async Task<PerfMonitoringException?> DoAsync(
        Work work, IMonitoringConnection by, IndexStrategy strategy, uint? index, IndexChangeOptions options,
        CancellationToken cancellationToken)
    {
        var progress = new Silence();
        switch (work)
        {
            case Work.Create or Work.CreatePartitioned:
                return (await by.IndexChanger.BuildAsync(strategy, options, progress, cancellationToken)).Error;
            case Work.Restore:
                return (await IndexRestoration.RunAsync(by, strategy.Definition, options, progress, cancellationToken)).Error;
            case Work.Drop or Work.DropPartitioned or Work.Revert:
                var removal = await IndexRemoval.PrepareAsync(by, index!.Value, new(), force: true, cancellationToken);
                return removal is null
                    ? null : (
                        await (removal with { RevertReason = work == Work.Revert ? "It regressed." : null })
                        .RunAsync(by, options, progress, cancellationToken)).Error;
            case Work.Repair:
                foreach (var repair in await IndexRemoval.FindInvalidAsync(by, cancellationToken))
                {
                    if ((await repair.RunAsync(by, options, progress, cancellationToken)).Error is { } error)
                    {
                        return error;
                    }
                }

                return null;
            case Work.Rebuild:
                var table = await by.Catalog.GetTableAsync(strategy.Definition.Table, cancellationToken);
                var bloated = (await by.Catalog.GetIndexesAsync([table.Oid], cancellationToken))
                    .FirstOrDefault(i => i.Definition.Name == strategy.IndexName);
                return bloated is null
                    ? null : (await new BloatedIndex(bloated, 1).RunAsync(by, options, progress, cancellationToken)).Error;
            case Work.LogUpdate:
                await by.QueryLog.UpdateAsync(new Progress<string>(), cancellationToken);
                return null;
            case Work.UsageUpdate:
                await UsageRecorder.RecordAsync(by, await UsageReader.GetAsync(by, new(), cancellationToken), cancellationToken);
                return null;
            default:
                var stored = (await by.Strategies.AddAsync([strategy], cancellationToken))[0];
                await by.Strategies.UpdateAsync(stored.Id, new() { IsMonitoring = false, SizeBytes = 1 }, cancellationToken);
                await by.Strategies.UpdateAsync(stored.Id, new() { IsActive = false }, cancellationToken);
                return null;
        }
    }

    // Acts like the next night: repairs what is left, and makes the same change again.
    private async Task FollowAsync(ChangeCase test, IndexStrategy strategy, uint? index)
    {
        if (test.Work == Work.LogUpdate)
        {
            var more = 1 + (test.Number % 3);
            for (var i = 0; i < more; i++)
            {
                await ExecuteAsync(database, "select n from counted");
            }

            calls = test.Upset == Upset.Crash ? -1 : calls + more;
        }

        await next.Actions.ReconcileAsync(null, Token);
        if (await DoAsync(test.Work, next, strategy, index, Options, Token) is { } error)
        {
            Findings.Enqueue($"{test}: the next run failed: {error}");
        }

        await UntilAsync(async () =>
        {
            await next.Actions.ReconcileAsync(null, Token);
            return (await QueryAsync<bool>(
                store, "select not exists (select from perf_monitoring.index_action where outcome = 'STARTED')"))[0];
        }, $"{test}: every action has its end");
        if (await DoAsync(Work.Repair, next, strategy, index, Options, Token) is { } left)
        {
            Findings.Enqueue($"{test}: the repair failed: {left}");
        }
    }

    private async Task JudgeAsync(ChangeCase test, IndexStrategy strategy)
    {
        await ExpectAsync(
            test, database, "no invalid index",
            "select not exists (select from pg_index where not (indisvalid and indisready and indislive))");
        await ExpectAsync(
            test, database, "no advisory lock",
            "select not exists (select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database "
                + "where datname = current_database()))");
        switch (test.Work)
        {
            case Work.LogUpdate:
                if (calls >= 0)
                {
                    var logged = (await QueryAsync<decimal>(store, $"""
                        select coalesce(sum(i.calls), 0)
                        from perf_monitoring.query_performance_interval i
                        join perf_monitoring.query_performance_log l on l.id = i.id
                        where l.query_pattern = 'select n from counted'
                        """))[0];
                    Expect(test, logged == calls, $"{logged} calls are logged of {calls}");
                }

                break;
            case Work.UsageUpdate:
                await ExpectAsync(test, store, "a day's usage once, with its detail", """
                    select coalesce(bool_and(d.index_usage_id is not null and o.n = 1), false)
                    from perf_monitoring.index_usage_stats s
                    left join perf_monitoring.index_usage_detail d on d.index_usage_id = s.id
                    cross join lateral (
                        select count(*) as n from perf_monitoring.index_usage_stats x
                        where x.index_strategy_id = s.index_strategy_id and x.stats_date = s.stats_date) o
                    """);
                break;
            case Work.Marking:
                await ExpectAsync(test, store, "the strategy once, removed, with its detail", $"""
                    select count(*) = 1 and bool_and(not s.is_active and not s.is_monitoring and d.size_bytes = 1)
                    from perf_monitoring.index_strategy s
                    join perf_monitoring.index_strategy_detail d on d.index_strategy_id = s.id
                    where s.index_name = '{strategy.IndexName}'
                    """);
                break;
            default:
                var wanted = test.Work is Work.Create or Work.CreatePartitioned or Work.Restore or Work.Rebuild;
                var isThere = (
                    await QueryAsync<bool>(
                        database,
                        $"select coalesce(bool_or(indisvalid), false) from pg_index where indexrelid = "
                            + $"to_regclass('{strategy.IndexName}')"))[0];
                Expect(test, isThere == wanted, $"the index is {(isThere ? "there" : "not there")}");
                await ExpectAsync(
                    test, store, "the strategy as the index",
                    $"select is_created = {wanted} from perf_monitoring.index_strategy where id = '{strategy.Id}'");
                var last = (await QueryAsync<string>(store, $"""
                    select coalesce((
                        select action from perf_monitoring.index_action
                        where index_name = '{strategy.IndexName}' and outcome = 'SUCCEEDED'
                        order by started_at desc limit 1), 'nothing')
                    """))[0];
                var expected = test.Work switch
                {
                    Work.Create or Work.CreatePartitioned => "CREATE",
                    Work.Restore => "RESTORE",
                    Work.Repair or Work.Rebuild => "REPAIR",
                    // The repair completes a drop that was interrupted.
                    _ when last == "REPAIR" => last,
                    Work.Revert => "REVERT",
                    _ => "DROP",
                };
                Expect(test, last == expected, $"the last thing in the audit is {last}, not {expected}");
                break;
        }
    }

    private static Task<IMonitoringConnection> ConnectAsync(
        string database, string store, int port, PostgresCluster cluster, string application = "the next run")
    {
        ConnectionSettings Settings(string name) => new()
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(cluster.ConnectionString(name)) {
                Port = port, Pooling = true, ApplicationName = application }.ConnectionString,
        };
        return new PostgresBackend().ConnectAsync(Settings(database), store == database ? null : Settings(store), null, Token);
    }

    private void Expect(ChangeCase test, bool isRight, string otherwise)
    {
        if (!isRight)
        {
            Findings.Enqueue($"{test}: {otherwise}");
        }
    }

    private async Task ExpectAsync(ChangeCase test, string name, string what, string condition)
    {
        if (!(await QueryAsync<bool>(name, condition))[0])
        {
            Findings.Enqueue($"{test}: there is not: {what}");
        }
    }

    private async Task ExecuteAsync(string name, string sql)
    {
        await using var command = sources[name].CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Token);
    }

    private async Task<List<T>> QueryAsync<T>(string name, string sql)
    {
        await using var command = sources[name].CreateCommand(
            sql.Replace("perf_monitoring.", schema + ".", StringComparison.Ordinal));
        await using var reader = await command.ExecuteReaderAsync(Token);
        var values = new List<T>();
        while (await reader.ReadAsync(Token))
        {
            values.Add(reader.GetFieldValue<T>(0));
        }

        return values;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > TimeSpan.FromMinutes(5))
            {
                throw new TimeoutException($"Never true: {what}");
            }

            await Task.Delay(20, Token);
        }
    }

    private sealed class Silence : IProgress<IndexChangeProgress>
    {
        public void Report(IndexChangeProgress value)
        {
        }
    }
}

/// <summary>One change and its upset.</summary>
/// <param name="Number">Its number in the run.</param>
/// <param name="Work">The work.</param>
/// <param name="Upset">The upset; null for none.</param>
/// <param name="Moment">The time of the upset, as a share of the packets of the work.</param>
internal sealed record ChangeCase(int Number, Work Work, Upset? Upset, double Moment)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Number}: {Work}, {Upset} at {Moment:0.000}");
}
