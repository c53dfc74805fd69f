using System.Collections.Concurrent;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>A build waits for a standby that lags behind.</summary>
public sealed class ReplicationLagTests(StandbyFixture fixture) : IClassFixture<StandbyFixture>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentQueue<string> phases = new();
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = fixture.Primary.ConnectionString("app") }, null, null, Token);
        await UntilAsync(async () => await LagAsync() is { } lag && lag < Limit);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task Beside_a_standby_that_keeps_up_it_is_built()
    {
        var result = await CreateAsync("beside", TimeSpan.Zero);

        Assert.Equal(IndexCreationState.Created, result.State);
        Assert.Contains(
            result.Preflight, f =>
                f.Check == PreflightCheck.ReplicationLag && f.State == PreflightState.Ok
                && f.Reason.StartsWith("1 standby, ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Behind_a_standby_that_replays_nothing_it_is_deferred_and_goes_on_when_that_has_caught_up()
    {
        await fixture.Standby.ExecuteAsync("app", "select pg_wal_replay_pause()", Token);
        await fixture.Primary.ExecuteAsync("app", "update orders set status = 'x'", Token);
        await UntilAsync(async () => await LagAsync() is null || await LagAsync() > Limit);

        var deferred = await CreateAsync("behind", TimeSpan.Zero);
        var building = CreateAsync("behind", TimeSpan.FromMinutes(1));
        await UntilAsync(
            () => Task.FromResult(
                phases.Any(
                    p => p.StartsWith("waiting for the load: ", StringComparison.Ordinal)
                    && p.Contains("standby", StringComparison.Ordinal))));
        await fixture.Standby.ExecuteAsync("app", "select pg_wal_replay_resume()", Token);

        Assert.Equal(IndexCreationState.Deferred, deferred.State);
        Assert.Contains("standby", deferred.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("pg_read_all_stats", deferred.Reason, StringComparison.Ordinal);
        Assert.Equal(IndexCreationState.Created, (await building).State);
    }

    [Fact]
    public async Task A_standby_that_is_down_is_known_by_its_slot()
    {
        await using (var second = await fixture.Primary.StartStandbyAsync("down", Token))
        {
            await second.StopAsync(StopMode.Immediate, Token);
        }

        await UntilAsync(async () => await LagAsync() is null);
        var deferred = await CreateAsync("away", TimeSpan.Zero);
        await fixture.Primary.ExecuteAsync("app", "select pg_drop_replication_slot('down')", Token);

        Assert.Equal(IndexCreationState.Deferred, deferred.State);
        Assert.Contains("not connected to its slot", deferred.Reason, StringComparison.Ordinal);
    }

    private async Task<IndexCreationResult> CreateAsync(string name, TimeSpan loadTimeout)
    {
        var creator = new IndexCreator(
            connection, new IndexCreationOptions { MaximumReplicationLag = Limit, LoadTimeout = loadTimeout });
        var strategy = new IndexStrategy
        {
            Definition = new IndexDefinition {
                Table = new RelationName("public", "orders"), Name = name,
                Keys = [IndexKey.OnExpression($"status || '{name}'")] },
        };
        var (result, error) = await creator.CreateAsync(strategy, new Reports(phases), Token);
        Assert.Null(error);
        return result;
    }

    private async Task<TimeSpan?> LagAsync()
    {
        var table = await connection.Catalog.GetTableAsync(new RelationName("public", "orders"), Token);
        return (await connection.IndexChanger.GetBuildFactsAsync(table, null, Token)).ReplicationLag;
    }

    private static Task UntilAsync(Func<Task<bool>> condition) =>
        Eventually.HoldsAsync(condition, "the standby catches up or lags");

    private sealed class Reports(ConcurrentQueue<string> phases) : IProgress<IndexChangeProgress>
    {
        public void Report(IndexChangeProgress value) => phases.Enqueue(value.Phase);
    }
}
