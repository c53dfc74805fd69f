using System.Collections.Concurrent;
using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class ClosingWindowTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly DateTimeOffset Open = new(2026, 6, 2, 2, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_window_that_closes_ends_the_build_and_leaves_it_for_the_next_opening()
    {
        await database.ExecuteAsync("create table orders (id int primary key, customer_id int)");
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        await connection.Store.UpgradeAsync(Token);
        var strategy = (await connection.Strategies.AddAsync(
            [
                new IndexStrategy
                {
                    Definition = new IndexDefinition {
                        Table = new("public", "orders"), Name = "late", Keys = [IndexKey.OnColumn("customer_id")] },
                    MaintenanceWindow = MaintenanceWindow.OffPeak,
                },
            ],
            Token))[0];
        var clock = new ManualClock(Open);
        var reports = new Reports();

        // The build waits for a transaction that uses the table; then the maintenance window closes.
        await using var holder = new NpgsqlConnection(database.UnpooledConnectionString);
        await holder.OpenAsync(Token);
        await using (var hold = new NpgsqlCommand("begin; lock table orders in row exclusive mode", holder))
        {
            await hold.ExecuteNonQueryAsync(Token);
        }

        var creating = new IndexCreator(connection, new IndexCreationOptions(), clock).CreateAsync(strategy, reports, Token);
        // Before that phase there is no index that an end would leave.
        await database.UntilBuildIsInAsync("waiting%");
        clock.Advance(TimeSpan.FromHours(8));
        await UntilAsync(() => Task.FromResult(reports.Phases.Contains("dropping the invalid index")));
        await holder.DisposeAsync();
        var (result, error) = await creating;

        Assert.Null(error);
        Assert.Equal(IndexCreationState.Deferred, result.State);
        Assert.Contains("closed at 2026-06-02 06:00 +00:00", result.Reason, StringComparison.Ordinal);
        Assert.Contains("opens at 2026-06-03 01:00 +00:00", result.Reason, StringComparison.Ordinal);
        Assert.Equal(new DateTimeOffset(2026, 6, 3, 1, 0, 0, TimeSpan.Zero), result.DeferredUntil);
        Assert.Equal(
            "CANCELLED It was not done by 2026-06-02 06:00:00Z, when it had to end.",
            await database.ScalarAsync<string>("select outcome || ' ' || error from perf_monitoring.index_action"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'orders'::regclass"));
        Assert.False(await database.ScalarAsync<bool>("select bool_or(is_created) from perf_monitoring.index_strategy"));
    }

    private static Task UntilAsync(Func<Task<bool>> condition) => Eventually.HoldsAsync(condition, "the window closes");

    private sealed class Reports : IProgress<IndexChangeProgress>
    {
        public ConcurrentQueue<string> Phases { get; } = new();

        public void Report(IndexChangeProgress value) => Phases.Enqueue(value.Phase);
    }
}
