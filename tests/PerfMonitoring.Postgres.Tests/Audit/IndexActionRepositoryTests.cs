using Npgsql;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Audit;

public sealed class IndexActionRepositoryTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private static readonly IndexAction Create = new()
    {
        Action = IndexActionKind.Create,
        TableName = "public.orders",
        IndexName = "Orders \"é\"",
        Statement = "CREATE INDEX",
        UndoStatement = "DROP INDEX",
        Reason = "It helps.",
        Evidence = """{"calls": 3}""",
    };

    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync(
            "drop schema if exists perf_monitoring cascade; drop table if exists orders; create table orders (id int, code int)");
        connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, "ann", Token);
    }

    public async ValueTask DisposeAsync() => await connection.DisposeAsync();

    [Fact]
    public async Task An_action_is_there_from_its_beginning_and_ends_once()
    {
        await connection.Store.UpgradeAsync(Token);

        // A running change holds the lock of builders on the table, which shows others that it runs.
        await using var holder = new NpgsqlConnection(database.UnpooledConnectionString);
        await holder.OpenAsync(Token);
        await using var held = new NpgsqlCommand(
            "select pg_advisory_lock(hashtextextended('perf_monitoring.index_creation', 'orders'::regclass::oid::bigint))",
            holder);
        await held.ExecuteNonQueryAsync(Token);
        var id = await connection.Actions.StartAsync(Create with { IndexStrategyId = Guid.NewGuid() }, Token);
        var started = Assert.Single(await ListAsync(new()));
        await connection.Actions.FinishAsync(id, IndexActionOutcome.Failed, "No room.", Token);
        var failed = Assert.Single(await ListAsync(new()));

        Assert.Equal((id, IndexActionOutcome.Started, "ann"), ((Guid?)started.Id, started.Outcome, started.CreatedBy));
        Assert.Null(started.FinishedAt);
        Assert.Null(started.IndexStrategyId);
        Assert.Equal(
            (IndexActionKind.Create, "public.orders", "Orders \"é\"", "CREATE INDEX", "DROP INDEX", "It helps.",
                """{"calls": 3}"""),
            (failed.Action, failed.TableName, failed.IndexName, failed.Statement, failed.UndoStatement, failed.Reason,
                failed.Evidence));
        Assert.Equal((IndexActionOutcome.Failed, "No room."), (failed.Outcome, failed.Error));
        Assert.InRange(failed.FinishedAt!.Value, started.StartedAt, started.StartedAt.AddMinutes(1));
    }

    [Fact]
    public async Task Without_a_store_nothing_is_kept_but_an_older_store_is_an_error()
    {
        Assert.Null(await connection.Actions.StartAsync(Create, Token));
        await connection.Actions.FinishAsync(null, IndexActionOutcome.Succeeded, null, Token);
        var missing = await Assert.ThrowsAsync<PerfMonitoringException>(() => ListAsync(new()));

        await connection.Store.UpgradeAsync(Token);
        await database.ExecuteAsync("drop table perf_monitoring.index_action_session");
        var old = await Assert.ThrowsAsync<PerfMonitoringException>(() => connection.Actions.StartAsync(Create, Token));

        Assert.Equal(("StoreMissing", "StoreMissing"), (missing.ErrorId, old.ErrorId));
    }

    [Fact]
    public async Task The_latest_comes_first_and_filters_choose()
    {
        await connection.Store.UpgradeAsync(Token);
        var strategy = (await connection.Strategies.AddAsync([Strategy("i")], Token))[0];
        await connection.Actions.StartAsync(Create with { IndexStrategyId = strategy.Id, IndexName = "first" }, Token);
        var middle = DateTimeOffset.UtcNow;
        var second = await connection.Actions.StartAsync(
            Create with { Action = IndexActionKind.Drop, IndexName = "second", TableName = "public.lines" }, Token);
        await connection.Actions.FinishAsync(second, IndexActionOutcome.Cancelled, null, Token);

        Assert.Equal(["second", "first"], await NamesAsync(new()));
        Assert.Equal(["first"], await NamesAsync(new() { StrategyIds = [strategy.Id] }));
        Assert.Equal(["second"], await NamesAsync(new() { TableName = "public.lines" }));
        Assert.Equal(["first"], await NamesAsync(new() { IndexName = "first" }));
        Assert.Equal(["second"], await NamesAsync(new() { Actions = [IndexActionKind.Drop, IndexActionKind.Repair] }));
        Assert.Equal(["second"], await NamesAsync(new() { Outcomes = [IndexActionOutcome.Cancelled] }));
        Assert.Equal(["second"], await NamesAsync(new() { Since = middle }));
        Assert.Equal(["first"], await NamesAsync(new() { Until = middle }));
    }

    [Fact]
    public async Task A_build_is_recorded_and_one_that_found_its_index_is_not()
    {
        await connection.Store.UpgradeAsync(Token);
        var strategy = (await connection.Strategies.AddAsync([Strategy("orders_code_idx") with { Reason = "Why." }], Token))[0];

        await BuildAsync(strategy);
        await BuildAsync(strategy);

        var built = Assert.Single(await ListAsync(new()));
        Assert.Equal(
            (IndexActionKind.Create, IndexActionOutcome.Succeeded, strategy.Id, strategy.IndexDefinition,
                "DROP INDEX CONCURRENTLY public.orders_code_idx", "Why."),
            (built.Action, built.Outcome, built.IndexStrategyId, built.Statement, built.UndoStatement, built.Reason));
    }

    [Fact]
    public async Task A_build_that_fails_is_recorded_with_its_error()
    {
        await connection.Store.UpgradeAsync(Token);
        await database.ExecuteAsync("insert into orders values (1, 7), (2, 7)");
        var unique = Strategy("orders_code_key");

        await BuildAsync(unique with { Definition = unique.Definition with { IsUnique = true } });

        var failed = Assert.Single(await ListAsync(new()));
        Assert.Equal(IndexActionOutcome.Failed, failed.Outcome);
        Assert.Contains("duplicates", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_whose_store_breaks_says_so_and_the_server_tells_its_end()
    {
        await connection.Store.UpgradeAsync(Token);
        // The store is checked once a session; it breaks after that check.
        Assert.Empty(await ListAsync(new()));
        await database.ExecuteAsync("""
            create function perf_monitoring.refuse() returns trigger language plpgsql as 'begin raise exception ''no''; end';
            create trigger refuse before update on perf_monitoring.index_action for each row execute function perf_monitoring.refuse();
            """);

        var (result, error) = await BuildAsync(Strategy("orders_code_idx"));

        Assert.Equal((IndexCreationState.Created, "ActionNotRecorded"), (result.State, error?.ErrorId));
        var action = Assert.Single(await ListAsync(new()));
        Assert.Equal((IndexActionOutcome.Succeeded, true), (action.Outcome, action.IsReconciled));
        Assert.Equal("STARTED", await database.ScalarAsync<string>("select outcome from perf_monitoring.index_action"));
    }

    private static IndexStrategy Strategy(string name) => new()
    {
        Definition = new IndexDefinition {
            Table = new RelationName("public", "orders"), Name = name, Keys = [IndexKey.OnColumn("code")] },
    };

    private Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(IndexStrategy strategy) =>
        connection.IndexChanger.BuildAsync(strategy, new IndexChangeOptions(), new Progress<IndexChangeProgress>(), Token);

    private async Task<IReadOnlyList<string>> NamesAsync(IndexActionFilter filter) =>
        [.. (await ListAsync(filter)).Select(a => a.IndexName)];

    private async Task<IReadOnlyList<IndexAction>> ListAsync(IndexActionFilter filter)
    {
        var actions = new List<IndexAction>();
        await foreach (var action in connection.Actions.GetAsync(filter, Token))
        {
            actions.Add(action);
        }

        return actions;
    }
}
