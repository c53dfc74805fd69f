using System.Collections.Concurrent;
using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// Tests changes whose process dies while the server works for it. The process is a session behind a proxy that cuts it off for
/// good, which looks to the server like a killed process.
/// </summary>
public sealed class ReconciliationTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string Application = "the ghost";

    private static readonly IndexChangeOptions Options = new()
    {
        LockTimeout = TimeSpan.FromMinutes(2), SnapshotTimeout = TimeSpan.FromMinutes(2), MaximumRetry = 0,
        CleanUpLimit = TimeSpan.FromMilliseconds(1),
    };

    private readonly ConcurrentQueue<IndexChangeProgress> reports = new();
    private readonly List<Task> ghosts = [];
    private readonly List<NpgsqlConnection> holders = [];
    private FaultProxy proxy = null!;
    private IMonitoringConnection ghost = null!;
    private IMonitoringConnection next = null!;

    public enum Work
    {
        Create,
        CreatePartitioned,
        Restore,
        Drop,
        Revert,
        DropInvalid,
        Rebuild,
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop schema if exists "Sch""ema" cascade;
            create schema "Sch""ema";
            create table "Sch""ema"."t a" (id int primary key, n int, code text);
            insert into "Sch""ema"."t a" select g, g % 10, 'c' || g from generate_series(1, 500) g;
            create table "Sch""ema".parted (id int, n int) partition by range (id);
            create table "Sch""ema".p1 partition of "Sch""ema".parted for values from (0) to (100);
            create table "Sch""ema".p2 partition of "Sch""ema".parted for values from (100) to (200);
            insert into "Sch""ema".parted select g, g from generate_series(0, 199) g;
            """);
        proxy = FaultProxy.Start(database.Cluster.Port);
        var direct = new NpgsqlConnectionStringBuilder(database.ConnectionString);
        next = await ConnectAsync(direct);
        await next.Store.UpgradeAsync(Token);
        ghost = await ConnectAsync(new(direct.ConnectionString) { Port = proxy.Port, ApplicationName = Application });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var holder in holders)
        {
            await holder.DisposeAsync();
        }

        // The process was cut off, and not killed, so it is connected again to reach its end.
        proxy.Heal();
        await database.ExecuteAsync(
            $"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{Application}'");
        await Task.WhenAll(ghosts);
        await ghost.DisposeAsync();
        await next.DisposeAsync();
        await proxy.DisposeAsync();
    }

    [Theory]
    [InlineData(Work.Create)]
    [InlineData(Work.CreatePartitioned)]
    [InlineData(Work.Restore)]
    [InlineData(Work.Drop)]
    [InlineData(Work.Revert)]
    [InlineData(Work.DropInvalid)]
    [InlineData(Work.Rebuild)]
    public async Task What_the_server_ends_for_nobody_is_known_afterwards(Work work)
    {
        var strategy = await DieAtWorkAsync(work);

        // As long as the server works on the action, no outcome is reported.
        Assert.Equal(IndexActionOutcome.Started, (await LastAsync()).Outcome);
        Assert.Empty(await next.Actions.ReconcileAsync(null, Token));
        Assert.Equal("STARTED", await StoredAsync());
        await EndAsync();

        // A read shows the end and writes nothing.
        var seen = await LastAsync();
        if (work == Work.CreatePartitioned)
        {
            // The server finished the partition that it worked on; the whole index needed the process.
            Assert.Equal((IndexActionOutcome.Failed, true), (seen.Outcome, seen.IsReconciled));
        }
        else
        {
            Assert.Equal((IndexActionOutcome.Succeeded, true, null), (seen.Outcome, seen.IsReconciled, seen.Error));
            Assert.NotNull(seen.FinishedAt);
        }

        Assert.Equal("STARTED", await StoredAsync());
        Assert.Equal([seen.Id], (await ListAsync(new() { Outcomes = [seen.Outcome] })).Select(a => a.Id));
        Assert.Empty(await ListAsync(new() { Outcomes = [IndexActionOutcome.Started] }));

        await next.Actions.ReconcileAsync(null, Token);
        var written = await LastAsync();
        Assert.Equal((seen.Outcome, seen.Error, true), (written.Outcome, written.Error, written.IsReconciled));
        Assert.Equal(seen.Outcome == IndexActionOutcome.Succeeded ? "SUCCEEDED" : "FAILED", await StoredAsync());
        if (work is Work.Create or Work.Restore or Work.Drop or Work.Revert)
        {
            var isThere = work is Work.Create or Work.Restore;
            var marked = await FindAsync(strategy.Id);
            Assert.Equal((isThere, isThere), (marked.IsCreated, marked.IsActive));
        }
    }

    [Fact]
    public async Task An_index_that_outlived_its_process_can_be_verified_and_taken_back()
    {
        var strategy = await DieAtWorkAsync(Work.Create);
        await EndAsync();

        // The next run finds the built index and the action that built it.
        var (again, error) = await next.IndexChanger.BuildAsync(strategy, Options, new Reports(reports), Token);
        Assert.Equal((IndexCreationState.AlreadyExists, null), (again.State, error));
        var made = Assert.Single(await IndexVerifier.GetCreatedAsync(next.Actions, new() { StrategyIds = [strategy.Id] }, Token));
        Assert.Equal(VerificationVerdict.Insufficient, (await IndexVerifier.VerifyAsync(next, made, new(), Token)).Verdict);
        var removal = await IndexReversion.PrepareAsync(next, made, "Not wanted.", null, Token);
        Assert.Equal(
            IndexRemovalState.Removed, (await removal!.RunAsync(next, Options, new Reports(reports), Token)).Result.State);
        Assert.Equal(["Succeeded", "Succeeded"], (await ListAsync(new())).Select(a => $"{a.Outcome}"));
    }

    [Fact]
    public async Task The_next_run_waits_for_what_the_server_still_works_on()
    {
        var strategy = await DieAtWorkAsync(Work.Create);

        var waiting = next.IndexChanger.BuildAsync(strategy, Options, new Reports(reports), Token);
        await UntilAsync(
            () => Task.FromResult(reports.Any(r => r.Phase.Contains("its process is gone", StringComparison.Ordinal))),
            "it waits");
        var report = reports.First(r => r.Phase.Contains("its process is gone", StringComparison.Ordinal));
        Assert.Contains("Create of ", report.Phase, StringComparison.Ordinal);
        Assert.Contains("waiting for writers before build", report.Phase, StringComparison.Ordinal);
        Assert.NotEqual(0, Assert.Single(report.BlockedBy).ProcessId);
        await EndAsync();

        var (result, error) = await waiting;
        Assert.Equal((IndexCreationState.AlreadyExists, null), (result.State, error));
        Assert.Equal("SUCCEEDED", await StoredAsync());
    }

    [Fact]
    public async Task What_the_server_did_not_end_has_failed_and_the_next_run_builds_it()
    {
        var strategy = await DieAtWorkAsync(Work.Create);
        await database.EndIndexBuildsAsync();
        await EndAsync();

        Assert.Contains("left invalid", (await LastAsync()).Error, StringComparison.Ordinal);
        var (result, error) = await next.IndexChanger.BuildAsync(
            strategy, Options with { CleanUpLimit = TimeSpan.FromMinutes(1) }, new Reports(reports), Token);

        Assert.Equal((IndexCreationState.Created, null), (result.State, error));
        Assert.Equal(["Succeeded", "Failed"], (await ListAsync(new())).Select(a => $"{a.Outcome}"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_index where not indisvalid"));
    }

    [Fact]
    public async Task What_somebody_made_by_hand_meanwhile_is_not_taken_for_ours()
    {
        var strategy = await DieAtWorkAsync(Work.Create);
        await database.EndIndexBuildsAsync();
        await EndAsync();
        await database.ExecuteAsync(
            $"{strategy.Definition.ToDropStatement(false)}; {strategy.Definition.ToCreateStatement(false)}");

        Assert.Contains("without the mark", (await LastAsync()).Error, StringComparison.Ordinal);
        var (result, _) = await next.IndexChanger.BuildAsync(strategy, Options, new Reports(reports), Token);

        Assert.Equal(IndexCreationState.AlreadyExists, result.State);
        Assert.Equal("FAILED", await StoredAsync());
        Assert.Empty(await IndexVerifier.GetCreatedAsync(next.Actions, new(), Token));
    }

    [Fact]
    public async Task A_drop_that_was_broken_off_half_way_is_said_to_be_and_is_repaired()
    {
        await DieAtWorkAsync(Work.Drop);
        await database.ExecuteAsync(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'active' and "
                + "query like 'DROP INDEX CONCURRENTLY%'");
        await EndAsync();

        Assert.Contains("half dropped", (await LastAsync()).Error, StringComparison.Ordinal);
        var repair = Assert.Single(await IndexRemoval.FindInvalidAsync(next, Token));
        Assert.Equal(IndexRemovalState.Removed, (await repair.RunAsync(next, Options, new Reports(reports), Token)).Result.State);
        Assert.Equal(["Repair Succeeded", "Drop Failed"], (await ListAsync(new())).Select(a => $"{a.Action} {a.Outcome}"));
    }

    [Fact]
    public async Task A_comment_that_somebody_gave_the_index_meanwhile_stays()
    {
        var strategy = await DieAtWorkAsync(Work.Create);
        var index = strategy.Definition.QualifiedName;
        await database.ExecuteAsync($"comment on index {index} is 'theirs'");
        await EndAsync();

        Assert.Equal(
            "theirs", await database.ScalarAsync<string>($"select obj_description({Literal(index)}::regclass, 'pg_class')"));
        Assert.Contains("without the mark", (await LastAsync()).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_marks_its_index_with_its_action_and_one_whose_mark_has_to_wait_is_built_all_the_same()
    {
        foreach (var table in new[] { "t a", "parted" })
        {
            var strategy = await AddAsync(new RelationName("Sch\"ema", table));
            var (result, error) = await next.IndexChanger.BuildAsync(strategy, Options, new Reports(reports), Token);

            Assert.Equal((IndexCreationState.Created, null), (result.State, error));
            Assert.Equal(
                ActionTrace.MarkOf((await LastAsync()).Id),
                await database.ScalarAsync<string>(
                    $"select obj_description({Literal(strategy.Definition.QualifiedName)}::regclass, 'pg_class')"));
        }

        // A trigger refuses comments; the build counts in any case.
        await database.ExecuteAsync("""
            create function refuse() returns event_trigger language plpgsql as 'begin raise exception ''no comments''; end';
            create event trigger refuse on ddl_command_start when tag in ('COMMENT') execute function refuse();
            """);
        try
        {
            var unmarked = await AddAsync(new RelationName("Sch\"ema", "t a"), "code");
            var (result, error) = await next.IndexChanger.BuildAsync(unmarked, Options, new Reports(reports), Token);

            Assert.Equal((IndexCreationState.Created, null), (result.State, error));
            Assert.Equal("SUCCEEDED", await StoredAsync());
        }
        finally
        {
            await database.ExecuteAsync("drop event trigger refuse; drop function refuse");
        }
    }

    /// <summary>Runs a change until the server waits for a transaction, and cuts its process off.</summary>
    private async Task<IndexStrategy> DieAtWorkAsync(Work work)
    {
        var table = new RelationName("Sch\"ema", work == Work.CreatePartitioned ? "parted" : "t a");
        var strategy = await AddAsync(table);
        var index = strategy.Definition.QualifiedName;
        if (work is Work.Drop or Work.Revert or Work.Rebuild or Work.DropInvalid)
        {
            await database.ExecuteAsync(strategy.Definition.ToCreateStatement(false));
            await database.ExecuteAsync(
                $"update pg_index set indisvalid = {work != Work.DropInvalid} where indexrelid = {Literal(index)}::regclass");
        }

        if (work is Work.Drop or Work.Revert)
        {
            await next.Strategies.UpdateAsync(strategy.Id, new() { IsCreated = true }, Token);
        }

        if (work == Work.Restore)
        {
            await next.Strategies.UpdateAsync(strategy.Id, new() { IsActive = false }, Token);
        }

        switch (work)
        {
            case Work.Create or Work.CreatePartitioned or Work.Restore:
                await HoldAsync(
                    $"begin; lock table {(work == Work.CreatePartitioned ? new RelationName("Sch\"ema", "p2") : table)} in "
                        + $"row exclusive mode");
                Start(ghost.IndexChanger.BuildAsync(
                    strategy, Options with { Action = work == Work.Restore ? IndexActionKind.Restore : IndexActionKind.Create },
                    new Reports(reports), Token));
                break;
            case Work.Rebuild:
                var found = (await next.Catalog.GetIndexesAsync([(await next.Catalog.GetTableAsync(table, Token)).Oid], Token))
                    .Single(i => i.Definition.Name == index.Name);
                await HoldAsync("begin isolation level repeatable read; select 1");
                Start(new BloatedIndex(found, 1).RunAsync(ghost, Options, new Reports(reports), Token));
                break;
            default:
                var removal = work == Work.DropInvalid
                    ? Assert.Single(await IndexRemoval.FindInvalidAsync(next, Token))
                    : (await IndexRemoval.PrepareAsync(next, await OidAsync(index), new(), force: true, Token))!;
                // The statement waits for this transaction, and not the check before it.
                var early = await HoldAsync($"begin; select count(*) from {table}");
                Start((removal with { RevertReason = work == Work.Revert ? "It regressed." : null })
                    .RunAsync(ghost, Options, new Reports(reports), Token));
                await UntilAsync(
                    () => Task.FromResult(reports.Any(r => r.Phase == "waiting for the transactions that use the table")),
                    "it waits for users");
                await HoldAsync($"begin; select count(*) from {table}");
                await early.DisposeAsync();
                break;
        }

        // The server also waits for a moment for others, such as for this question; only the wait for the holder lasts.
        await UntilAsync($"""
            select exists (
                select from pg_stat_activity a
                where a.application_name = '{Application}' and a.query ~ '^(CREATE|DROP|REINDEX) '
                    and {holders[^1].ProcessID} = any (pg_blocking_pids(a.pid)))
            """);
        proxy.Refuse();
        await UntilAsync(async () => await database.CountAdvisoryLocksAsync() == 0, "its locks are gone");
        return strategy;
    }

    /// <summary>Lets the server continue, and waits until it has noticed that its client is gone.</summary>
    private async Task EndAsync()
    {
        foreach (var holder in holders)
        {
            await holder.DisposeAsync();
        }

        await UntilAsync($"select not exists (select from pg_stat_activity where application_name = '{Application}')");
    }

    private void Start<T>(Task<T> work) =>
        ghosts.Add(work.ContinueWith(_ => { }, Token, TaskContinuationOptions.None, TaskScheduler.Default));

    private async Task<NpgsqlConnection> HoldAsync(string sql)
    {
        var holder = new NpgsqlConnection(database.UnpooledConnectionString);
        await holder.OpenAsync(Token);
        holders.Add(holder);
        await using var command = new NpgsqlCommand(sql, holder);
        await command.ExecuteNonQueryAsync(Token);
        return holder;
    }

    private async Task<IndexStrategy> AddAsync(RelationName table, string column = "n") => (await next.Strategies.AddAsync(
        [new IndexStrategy {
            Definition = new IndexDefinition {
            Table = table, Name = $"i '\"{table.Name} {column}", Keys = [IndexKey.OnColumn(column)] } }], Token))[0];

    private async Task<IndexStrategy> FindAsync(Guid id)
    {
        await foreach (var strategy in next.Strategies.GetAsync(new() { Ids = [id], IncludeInactive = true }, Token))
        {
            return strategy;
        }

        throw new InvalidOperationException("It is gone.");
    }

    private async Task<uint> OidAsync(RelationName index) =>
        (uint)await database.ScalarAsync<long>($"select {Literal(index)}::regclass::oid::bigint");

    private static string Literal(RelationName name) => $"'{name.ToString().Replace("'", "''", StringComparison.Ordinal)}'";

    private async Task<IndexAction> LastAsync() => (await ListAsync(new()))[0];

    private async Task<IReadOnlyList<IndexAction>> ListAsync(IndexActionFilter filter)
    {
        var actions = new List<IndexAction>();
        await foreach (var action in next.Actions.GetAsync(filter, Token))
        {
            actions.Add(action);
        }

        return actions;
    }

    // The outcome as stored.
    private Task<string?> StoredAsync() =>
        database.ScalarAsync<string>("select outcome from perf_monitoring.index_action order by started_at desc limit 1");

    private Task UntilAsync(string condition) => UntilAsync(() => database.ScalarAsync<bool>(condition), condition);

    private static Task UntilAsync(Func<Task<bool>> condition, string what) => Eventually.HoldsAsync(condition, what);

    private static Task<IMonitoringConnection> ConnectAsync(NpgsqlConnectionStringBuilder builder) =>
        new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = builder.ConnectionString }, null, null, Token);

    private sealed class Reports(ConcurrentQueue<IndexChangeProgress> reports) : IProgress<IndexChangeProgress>
    {
        public void Report(IndexChangeProgress value) => reports.Enqueue(value);
    }
}
