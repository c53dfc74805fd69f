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

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// A database in which one build follows the other, through one session of the module that lives as long as the lane. Each build
/// is held at its phase by sessions that use the table, or by the indexed function, which waits while another session holds an
/// advisory lock.
/// </summary>
internal sealed class FaultLane : IAsyncDisposable
{
    /// <summary>A tablespace with little space.</summary>
    public const string SmallTablespace = "small";

    private const string Application = "the builder";

    // How long the maintenance window stays open.
    private static readonly TimeSpan Open = TimeSpan.FromHours(1);

    // The time limit of any step on a machine that is busy with other work.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    // The function waits for rows of -1, which are added during the build, on another lock; it never waits for rows below -1.
    private const string Schema = """
        create function held(n int) returns int immutable language plpgsql as $$
        begin
            while n >= -1 and exists (
                select from pg_catalog.pg_locks
                where locktype = 'advisory' and classid = 7 and objid = (case n when -1 then 2 else 1 end)::oid
                    and database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
            loop
                perform pg_catalog.pg_sleep(0.02);
            end loop;
            return n;
        end $$;
        """;

    private readonly PostgresCluster cluster;
    private readonly string database;
    private readonly string store;
    private readonly string schema;
    private readonly IMonitoringConnection connection;

    private FaultLane(
        PostgresCluster cluster, string database, string store, string schema, IMonitoringConnection connection)
    {
        this.cluster = cluster;
        this.database = database;
        this.store = store;
        this.schema = schema;
        this.connection = connection;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The violations, one line each.</summary>
    public ConcurrentQueue<string> Findings { get; } = new();

    /// <summary>How the builds ended, and how often.</summary>
    public ConcurrentDictionary<string, int> Endings { get; } = new();

    /// <summary>Creates a database, with its store in it or in another one.</summary>
    public static async Task<FaultLane> OpenAsync(PostgresCluster cluster, bool hasStoreElsewhere)
    {
        var database = await cluster.CreateDatabaseAsync(null, Token);
        var store = hasStoreElsewhere ? await cluster.CreateDatabaseAsync(null, Token) : database;
        await cluster.ExecuteAsync(database, Schema, Token);
        var connection = await ConnectAsync(cluster, database, store, "");
        await connection.Store.UpgradeAsync(Token);
        return new FaultLane(
            cluster, database, store, (await connection.Store.FindSchemaAsync(Token))!, connection);
    }

    /// <summary>Runs one build and checks its result.</summary>
    /// <param name="test">The case.</param>
    /// <param name="crash">Called when the build is held at its phase; completes when the server is up again, or stays
    /// down.</param>
    /// <param name="restart">Called after the build; completes when the server is up again.</param>
    public async Task RunAsync(FaultCase test, Func<Task>? crash = null, Func<Task>? restart = null)
    {
        try
        {
            await BuildAsync(test, crash, restart);
        }
        catch (Exception e) when (e is not OperationCanceledException || !Token.IsCancellationRequested)
        {
            Findings.Enqueue($"{test}: {e}");
        }
    }

    /// <summary>Checks the final state as a user would.</summary>
    public async Task CheckAsync()
    {
        await using var control = await OpenAsync();
        await ExpectAsync(
            control, "no invalid index",
            "select not exists (select from pg_index where not (indisvalid and indisready and indislive))");
        await ExpectAsync(
            control, "no advisory lock",
            "select not exists (select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database "
                + "where datname = current_database()))");
        await using var audit = await OpenAsync(store);
        await ExpectAsync(
            audit, "every action with its end",
            "select not exists (select from perf_monitoring.index_action where outcome = 'STARTED')");
        await ExpectAsync(audit, "no strategy that is marked without a build", """
            select not exists (
                select from perf_monitoring.index_strategy s
                where s.is_created is distinct from exists (
                    select from perf_monitoring.index_action a where a.index_strategy_id = s.id and a.outcome = 'SUCCEEDED'))
            """);
    }

    public async ValueTask DisposeAsync() => await connection.DisposeAsync();

    private async Task BuildAsync(FaultCase test, Func<Task>? crash, Func<Task>? restart)
    {
        var table = test.IsPartitioned ? "t2" : "t";
        await using var control = await OpenAsync();
        await MakeTableAsync(control, test);
        var strategy = await AddStrategyAsync(test);
        var clock = new ManualClock(DateTimeOffset.UtcNow);
        var options = Options(test.Fault, clock);
        await using var limited = await ConnectLimitedAsync(test.Fault);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var reports = new Reports();
        Run? second = null;

        var holder = await HoldAsync(test, table);
        var first = new Run((limited ?? connection).IndexChanger.BuildAsync(strategy, options, reports, cancel.Token));
        try
        {
            var builder = await UntilHeldAsync(control, test, table, first, holder);
            switch (test.Fault)
            {
                case Fault.BuilderKilled:
                    await ExecuteAsync(control, $"select pg_terminate_backend({builder})");
                    break;
                case Fault.BuilderCancelled:
                    await ExecuteAsync(control, $"select pg_cancel_backend({builder})");
                    break;
                case Fault.WatcherKilled:
                    await TerminateAsync(
                        control, "pid in (select pid from pg_locks where locktype = 'advisory' and classid <> 7)");
                    break;
                case Fault.IdleKilled:
                    await TerminateAsync(
                        control, "state = 'idle' and pid not in (select pid from pg_locks where locktype = 'advisory')");
                    break;
                case Fault.TokenCancelled:
                    await cancel.CancelAsync();
                    break;
                case Fault.WindowClosed:
                    clock.Advance(Open);
                    await UntilAsync(
                        () => first.IsOver
                        || reports.Any(r => r.Phase.Contains("dropping the invalid index", StringComparison.Ordinal)), "ended");
                    break;
                case Fault.WaitTooLong or Fault.WaitTooLongOnce:
                    await UntilAsync(
                        () => first.IsOver
                        || reports.Any(r => r.Phase.Contains("dropping the invalid index", StringComparison.Ordinal)),
                        "given up");
                    break;
                case Fault.Deadlock:
                    // The server ends the session whose deadlock_timeout expires first. This one has a long timeout, so the build
                    // is ended.
                    await ExecuteAsync(
                        holder[^1], $"set deadlock_timeout = '1h'; lock table {table} in share update exclusive mode");
                    break;
                case Fault.StatementTimeout or Fault.IdleTimeout:
                    await Task.Delay(1200, Token);
                    break;
                case Fault.SecondBuilder or Fault.SecondTakesOver:
                    await using (var other = await ConnectAsync(cluster, database, store, ""))
                    {
                        var waiting = new Reports();
                        second = new Run(other.IndexChanger.BuildAsync(strategy, options, waiting, Token));
                        await UntilAsync(
                            () => second.IsOver || waiting.Any(r => r.Phase == "waiting for another builder"),
                            "the second waits");
                        if (test.Fault == Fault.SecondTakesOver)
                        {
                            await ExecuteAsync(control, $"select pg_terminate_backend({builder})");
                        }

                        await Task.Delay(test.Pause, Token);
                        await CloseAsync(holder);
                        await second.EndAsync();
                    }

                    break;
                case Fault.ServerCrashed or Fault.ServerAway:
                    await crash!();
                    break;
            }

            await Task.Delay(test.Pause, Token);
        }
        finally
        {
            await CloseAsync(holder);
            await first.EndAsync();
            if (restart is not null)
            {
                await restart();
            }
        }

        await JudgeAsync(test, strategy, first, second);
        if (test.Fault == Fault.ServerAway)
        {
            // The next run handles what is left.
            var again = new Run(connection.IndexChanger.BuildAsync(strategy, Options(Fault.None), new Reports(), Token));
            await again.EndAsync();
            Expect(test, again.Error is null && again.Result?.State == IndexCreationState.Created,
                $"the next run ended as {again}");
            await ExpectAuditAsync(test, strategy, ["FAILED", "SUCCEEDED"]);
            await ExpectAsync(test, strategy, isThere: true);
        }
    }

    // A role may have its own limits.
    private async Task<IMonitoringConnection?> ConnectLimitedAsync(Fault fault)
    {
        if (fault is not (Fault.StatementTimeout or Fault.IdleTimeout))
        {
            return null;
        }

        var limited = await ConnectAsync(
            cluster, database, store,
            $";Options=-c {(fault == Fault.StatementTimeout ? "statement" : "idle_session")}_timeout=1000");
        if (fault == Fault.IdleTimeout)
        {
            // Opens several pooled sessions, which are dead at their next use.
            await Task.WhenAll(
                Enumerable.Range(0, 3)
                .Select(async _ => await limited.Catalog.GetTableAsync(new RelationName("public", "t"), Token)));
            await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ => await limited.Strategies.GetBuildRateAsync(Token)));
            await Task.Delay(1500, Token);
        }

        return limited;
    }

    private static IndexChangeOptions Options(Fault fault, ManualClock? clock = null) => new()
    {
        LockTimeout = TimeSpan.FromSeconds(fault is Fault.WaitTooLong or Fault.WaitTooLongOnce ? 0.5 : 60),
        SnapshotTimeout = TimeSpan.FromSeconds(fault is Fault.WaitTooLong or Fault.WaitTooLongOnce ? 0.5 : 60),
        MaximumRetry = fault == Fault.WaitTooLongOnce ? 5 : 0,
        RetryDelay = TimeSpan.FromMilliseconds(100),
        CleanUpLimit = TimeSpan.FromSeconds(fault == Fault.ServerAway ? 1 : 60),
        EndAt = fault == Fault.WindowClosed ? clock!.GetUtcNow() + Open : null,
        Clock = clock ?? TimeProvider.System,
    };

    private static Task MakeTableAsync(NpgsqlConnection control, FaultCase test) => ExecuteAsync(control, $"""
        drop table if exists t;
        create table t (id int not null, n int not null, u int not null, pad text not null default '') {(test.IsPartitioned ? "partition by range (id)" : "")};
        {(test.IsPartitioned ? "create table t1 partition of t for values from (0) to (1000); create table t2 partition of t for values from (1000) to (100000); insert into t select g, -2, g from generate_series(1, 20) g;" : "")}
        insert into t select g, g % 10, g from generate_series(1001, 1100) g;
        {(test is { Fault: Fault.Duplicate, Phase: BuildPhase.Building } ? "insert into t values (2001, 0, 1), (2002, 0, 1);" : "")}
        {(test is { Fault: Fault.DiskFull, Phase: BuildPhase.Building } ? Bulk(0) : "")}
        """);

    // Below the size from which a key is compressed, and more than the small tablespace can hold.
    private static string Bulk(int n) => $"insert into t select g, {n}, g, repeat('x', 400) from generate_series(3001, 3600) g;";

    // Not the module's session, because its state after the last case is part of the test.
    private async Task<IndexStrategy> AddStrategyAsync(FaultCase test)
    {
        var definition = new IndexDefinition
        {
            Table = new RelationName("public", "t"),
            Name = string.Create(CultureInfo.InvariantCulture, $"i{test.Number}"),
            Keys = [IndexKey.OnExpression("public.held(n)"), IndexKey.OnColumn("u")],
            IsUnique = test.Fault == Fault.Duplicate,
            Include = test.Fault == Fault.DiskFull ? ["pad"] : [],
            Tablespace = test.Fault == Fault.DiskFull ? SmallTablespace : null,
        };
        await using var own = await ConnectAsync(cluster, database, store, "");
        return (await own.Strategies.AddAsync([new IndexStrategy { Definition = definition }], Token))[0];
    }

    /// <summary>
    /// Opens the sessions that hold the build at its phase, or at the one before; the build waits for the last of them.
    /// </summary>
    private async Task<List<NpgsqlConnection>> HoldAsync(FaultCase test, string table)
    {
        var session = await OpenAsync();
        await ExecuteAsync(session, test.Phase switch
        {
            BuildPhase.Lock => $"begin; lock table {table} in share update exclusive mode",
            BuildPhase.WritersBefore => $"begin; lock table {table} in row exclusive mode",
            BuildPhase.Building or BuildPhase.WritersAfter => "select pg_advisory_lock(7, 1)",
            BuildPhase.Validating => "select pg_advisory_lock(7, 1), pg_advisory_lock(7, 2)",
            _ => "begin isolation level repeatable read; select 1",
        });
        return [session];
    }

    /// <summary>Waits until the build has reached its phase.</summary>
    /// <returns>The process id of the build.</returns>
    private async Task<int> UntilHeldAsync(
        NpgsqlConnection control, FaultCase test, string table, Run build, List<NpgsqlConnection> holder)
    {
        if (test.Phase == BuildPhase.Lock)
        {
            return await UntilAsync(
                control, build, $"select pid from pg_locks where relation = '{table}'::regclass and not granted");
        }

        if (test.Phase is BuildPhase.WritersAfter or BuildPhase.Validating)
        {
            // The validation handles a row that is added after the snapshot of the build.
            await UntilAsync(
                control, build,
                InPhase("building index%")
                    + " and exists (select from pg_stat_activity a where a.pid = pg_stat_progress_create_index.pid and "
                    + "a.wait_event = 'PgSleep')");
            if (test.Phase == BuildPhase.WritersAfter)
            {
                var writer = await OpenAsync();
                holder.Add(writer);
                await ExecuteAsync(writer, $"begin; lock table {table} in row exclusive mode");
            }
            else
            {
                await ExecuteAsync(control, test.Fault switch
                {
                    Fault.Duplicate => "insert into t values (2001, -1, 1), (2002, -1, 1)",
                    Fault.DiskFull => Bulk(-1),
                    _ => "insert into t values (2001, -1, 1)",
                });
            }

            await ExecuteAsync(holder[0], "select pg_advisory_unlock(7, 1)");
        }

        return await UntilAsync(control, build, InPhase(test.Phase switch
        {
            BuildPhase.WritersBefore => "waiting for writers before build",
            BuildPhase.Building => "building index%",
            BuildPhase.WritersAfter => "waiting for writers before validation",
            BuildPhase.Validating => "index validation: scanning table",
            _ => "waiting for old snapshots",
        }));

        // An old snapshot already delays the first partition.
        string InPhase(string phase) => $"""
            select pid from pg_stat_progress_create_index
            where datname = current_database() and phase like '{phase}' {(test.Phase == BuildPhase.Snapshots ? "" : $"and relid = '{table}'::regclass")}
            """;
    }

    private async Task JudgeAsync(FaultCase test, IndexStrategy strategy, Run first, Run? second)
    {
        var (state, error) = Expected(test);
        Endings.AddOrUpdate(first.Result is { } ended ? $"{ended.State}" : "stopped", 1, (_, count) => count + 1);
        Expect(test, first.Result?.State == state && first.Error?.ErrorId == error, $"it ended as {first}");
        Expect(test, first.Result?.Error is null == (error is null), $"the result's error is {first.Result?.Error}");
        Expect(test, first.Result?.LeftoverIndex is not null == (test.Fault == Fault.ServerAway),
            $"it names {first.Result?.LeftoverIndex} as left");
        Expect(test,
            test.Fault != Fault.ServerAway || first.Error?.Message.Contains("may be left", StringComparison.Ordinal) == true,
            "it claims to know what is left");
        Expect(test, test.Fault != Fault.WaitTooLongOnce || first.Result?.Retries > 0, "it was not tried again");
        var expected = test.Fault switch
        {
            Fault.SecondTakesOver => new List<string> { "FAILED", "SUCCEEDED" },
            Fault.TokenCancelled or Fault.BuilderCancelled or Fault.WindowClosed => ["CANCELLED"],
            // The server of the store is down too.
            Fault.ServerAway => ["STARTED"],
            _ => [error is null ? "SUCCEEDED" : "FAILED"],
        };
        if (second is not null)
        {
            var other = test.Fault == Fault.SecondTakesOver ? IndexCreationState.Created : IndexCreationState.AlreadyExists;
            Expect(test, second.Error is null && second.Result?.State == other, $"the second ended as {second}");
        }

        await ExpectAuditAsync(test, strategy, expected);
        if (test.Fault != Fault.ServerAway)
        {
            await ExpectAsync(
                test, strategy, isThere: state == IndexCreationState.Created || test.Fault == Fault.SecondTakesOver);
        }
    }

    private async Task ExpectAuditAsync(FaultCase test, IndexStrategy strategy, IReadOnlyList<string> expected)
    {
        await using var audit = await OpenAsync(store);
        var outcomes = await QueryAsync<string>(
            audit, $"select outcome from perf_monitoring.index_action where index_strategy_id = '{strategy.Id}' order by "
                + $"started_at");
        Expect(test, outcomes.SequenceEqual(expected),
            $"the audit says {string.Join(", ", outcomes)}, not {string.Join(", ", expected)}");
    }

    private static (IndexCreationState? State, string? ErrorId) Expected(FaultCase test) => test.Fault switch
    {
        Fault.BuilderKilled or Fault.SecondTakesOver or Fault.ServerCrashed =>
            (IndexCreationState.Failed, "IndexCreationInterrupted"),
        Fault.BuilderCancelled => (IndexCreationState.Cancelled, "IndexCreationCancelled"),
        Fault.TokenCancelled => (null, null),
        Fault.WindowClosed => (IndexCreationState.Deferred, null),
        Fault.WaitTooLong => (IndexCreationState.Failed, test.Phase == BuildPhase.Lock ? "LockTimeout" : "SnapshotTimeout"),
        Fault.Deadlock => (IndexCreationState.Failed, "Deadlock"),
        Fault.Duplicate => (IndexCreationState.Failed, "DuplicateValues"),
        Fault.DiskFull => (IndexCreationState.Failed, "DiskFull"),
        Fault.ServerAway => (IndexCreationState.Failed, "InvalidIndexLeft"),
        _ => (IndexCreationState.Created, null),
    };

    // Checks that there is no invalid index, no lock and no running build, and that the strategy is marked if its index exists.
    private async Task ExpectAsync(FaultCase test, IndexStrategy strategy, bool isThere)
    {
        await using var control = await OpenAsync();
        var valid = await QueryAsync<bool>(
            control, $"select indisvalid from pg_index where indexrelid = to_regclass('{strategy.IndexName}')");
        Expect(test, valid.SequenceEqual(isThere ? [true] : []),
            $"the index is {(valid.Count == 0 ? "not there" : valid[0] ? "there" : "invalid")}");
        var others = await QueryAsync<string>(
            control, "select indexrelid::regclass::text from pg_index where not (indisvalid and indisready and indislive)");
        Expect(test, others.Count == 0, $"{string.Join(", ", others)} is invalid");
        var locks = await QueryAsync<int>(
            control,
            "select pid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = "
                + "current_database())");
        Expect(test, locks.Count == 0, "an advisory lock is there");
        await using var audit = await OpenAsync(store);
        var marked = await QueryAsync<bool>(
            audit, $"select is_created from perf_monitoring.index_strategy where id = '{strategy.Id}'");
        Expect(test, marked.SequenceEqual([isThere]), $"is_created is {string.Join(", ", marked)}");
    }

    private void Expect(FaultCase test, bool isRight, string otherwise)
    {
        if (!isRight)
        {
            Findings.Enqueue($"{test}: {otherwise}");
        }
    }

    private async Task ExpectAsync(NpgsqlConnection control, string what, string condition)
    {
        if (!(await QueryAsync<bool>(control, condition))[0])
        {
            Findings.Enqueue($"In the end there is not: {what}");
        }
    }

    private static Task TerminateAsync(NpgsqlConnection control, string which) =>
        ExecuteAsync(
            control,
            $"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{Application} of ' || "
                + $"current_database() and {which}");

    private static Task<IMonitoringConnection> ConnectAsync(PostgresCluster cluster, string database, string store, string more)
    {
        ConnectionSettings Settings(string name) =>
            new() { ConnectionString =
                $"{cluster.ConnectionString(name)};Pooling=true;Application Name={Application} of {database}{more}" };
        return new PostgresBackend().ConnectAsync(Settings(database), store == database ? null : Settings(store), null, Token);
    }

    private async Task<NpgsqlConnection> OpenAsync(string? name = null)
    {
        var session = new NpgsqlConnection(cluster.ConnectionString(name ?? database));
        await session.OpenAsync(Token);
        return session;
    }

    private static async Task CloseAsync(List<NpgsqlConnection> sessions)
    {
        foreach (var session in sessions)
        {
            await session.DisposeAsync();
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(sql, session) { CommandTimeout = 60 };
        await command.ExecuteNonQueryAsync(Token);
    }

    private async Task<List<T>> QueryAsync<T>(NpgsqlConnection session, string sql)
    {
        await using var command = new NpgsqlCommand(
            sql.Replace("perf_monitoring.", schema + ".", StringComparison.Ordinal), session);
        await using var reader = await command.ExecuteReaderAsync(Token);
        var values = new List<T>();
        while (await reader.ReadAsync(Token))
        {
            values.Add(reader.GetFieldValue<T>(0));
        }

        return values;
    }

    private async Task<int> UntilAsync(NpgsqlConnection control, Run build, string sql)
    {
        var process = 0;
        await UntilAsync(
            async () =>
            {
                var found = await QueryAsync<int>(control, sql);
                process = found.Count > 0 ? found[0] : 0;
                return found.Count > 0 || build.IsOver;
            },
            sql);
        return process > 0 ? process : throw new InvalidOperationException($"The build ended too early, as {build}");
    }

    private static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            if (watch.Elapsed > Patience)
            {
                throw new TimeoutException($"Never true: {what}");
            }

            await Task.Delay(20, Token);
        }
    }

    /// <summary>A running build, and how it ended.</summary>
    private sealed class Run(Task<(IndexCreationResult Result, PerfMonitoringException? Error)> build)
    {
        private Exception? thrown;

        public bool IsOver => build.IsCompleted;

        public IndexCreationResult? Result => build.IsCompletedSuccessfully ? build.Result.Result : null;

        public PerfMonitoringException? Error => build.IsCompletedSuccessfully ? build.Result.Error : null;

        public async Task EndAsync()
        {
            try
            {
                await build.WaitAsync(2 * Patience, Token);
            }
            catch (Exception e) when (!Token.IsCancellationRequested)
            {
                // A cancelled build ends like this. The later checks detect any other unexpected end.
                thrown = e is OperationCanceledException ? null : e;
            }
        }

        public override string ToString() =>
            thrown is not null
            ? $"{thrown}" : Result is { } result ? $"{result.State} {Error}" : build.IsCompleted ? "cancelled" : "not at all";
    }

    private sealed class Reports : IProgress<IndexChangeProgress>
    {
        private readonly ConcurrentQueue<IndexChangeProgress> reports = new();

        public void Report(IndexChangeProgress value) => reports.Enqueue(value);

        public bool Any(Func<IndexChangeProgress, bool> condition) => reports.Any(condition);
    }
}
