using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

public sealed class FaultProxyTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Forwards_until_it_is_told_otherwise()
    {
        await using var proxy = FaultProxy.Start(database.Cluster.Port);
        await using var connection = await ConnectAsync(proxy);

        Assert.Equal(1, await AskAsync(connection));
        Assert.Equal(1, proxy.ConnectionCount);
    }

    [Fact]
    public async Task What_is_held_comes_when_it_is_healed()
    {
        await using var proxy = FaultProxy.Start(database.Cluster.Port);
        await using var connection = await ConnectAsync(proxy);

        proxy.Set(ProxyFault.Hold, after: 1);
        var struck = proxy.Struck;
        var asked = AskAsync(connection);
        await struck.WaitAsync(TimeSpan.FromMinutes(1), Token);
        Assert.False(asked.IsCompleted);

        proxy.Heal();
        Assert.Equal(1, await asked);
    }

    [Fact]
    public async Task What_is_swallowed_never_comes_and_the_server_does_not_hear_of_the_end()
    {
        await using var proxy = FaultProxy.Start(database.Cluster.Port);
        await using var connection = await ConnectAsync(proxy);
        proxy.Set(ProxyFault.Swallow);

        // The client waits for the answer until its command limit. New connections work; the old one stays lost.
        var asked = AskAsync(connection, timeout: 1);
        await proxy.Struck.WaitAsync(TimeSpan.FromMinutes(1), Token);
        proxy.Heal();
        var e = await Assert.ThrowsAnyAsync<NpgsqlException>(() => asked);
        Assert.IsType<TimeoutException>(e.InnerException);
        await connection.CloseAsync();
        Assert.Equal(
            1, await database.ScalarAsync<long>("select count(*) from pg_stat_activity where application_name = 'proxied'"));

        await using var next = await ConnectAsync(proxy);
        Assert.Equal(1, await AskAsync(next));
    }

    [Theory]
    [InlineData(ProxyFault.Cut)]
    [InlineData(ProxyFault.CutInHalf)]
    public async Task What_is_cut_breaks_on_both_sides(ProxyFault fault)
    {
        await using var proxy = FaultProxy.Start(database.Cluster.Port);
        await using var connection = await ConnectAsync(proxy);
        proxy.Set(fault, after: 1);

        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(connection));
        Assert.True(proxy.Struck.IsCompleted);
        Assert.NotEqual(System.Data.ConnectionState.Open, connection.State);
    }

    [Fact]
    public async Task A_server_out_of_reach_refuses_until_it_is_healed()
    {
        await using var proxy = FaultProxy.Start(database.Cluster.Port);
        await using var connection = await ConnectAsync(proxy);
        proxy.Refuse();

        await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(connection));
        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(proxy));
        proxy.Heal();
        await using var next = await ConnectAsync(proxy);
        Assert.Equal(1, await AskAsync(next));
    }

    private async Task<NpgsqlConnection> ConnectAsync(FaultProxy proxy)
    {
        var builder = new NpgsqlConnectionStringBuilder(database.ConnectionString) {
            Port = proxy.Port, ApplicationName = "proxied", CancellationTimeout = -1 };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync(Token);
        return connection;
    }

    private static async Task<int> AskAsync(NpgsqlConnection connection, int timeout = 60)
    {
        await using var command = new NpgsqlCommand("select 1", connection) { CommandTimeout = timeout };
        return (int)(await command.ExecuteScalarAsync(Token))!;
    }
}
