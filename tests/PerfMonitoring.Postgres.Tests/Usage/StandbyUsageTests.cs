using System.Diagnostics;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Postgres.Usage;

public sealed class StandbyUsageTests(StandbyFixture fixture, SandboxFixture sandbox) : IClassFixture<StandbyFixture>
{
    private const string Status = "orders_status_idx";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private PostgresCluster Primary => fixture.Primary;

    [Fact]
    public async Task A_verdict_is_unknown_until_every_standby_was_asked()
    {
        await using var connection = await ConnectAsync(Primary);
        await using var second = await Primary.StartStandbyAsync("second", Token);
        await using var one = await ConnectAsync(fixture.Standby);
        await using var other = await ConnectAsync(second);

        await UnaskedAsync(2, []);
        await UnaskedAsync(1, [one]);
        await UnaskedAsync(1, [one, one]);
        await UnaskedAsync(0, [one, other]);

        // The slot stays for a standby that is down.
        await second.StopAsync(StopMode.Fast, Token);
        await UnaskedAsync(1, [one]);
        await Primary.ExecuteAsync("app", "select pg_drop_replication_slot('second')", Token);
        await UnaskedAsync(0, [one]);

        async Task UnaskedAsync(int expected, IMonitoringConnection[] replicas)
        {
            var stat = await UntilAsync(connection, replicas, s => s.UnaskedStandbyCount == expected, "orders_unused");
            Assert.Equal(expected, stat.UnaskedStandbyCount);
            Assert.Equal(expected > 0, stat.Blockers.Any(b => b.Code == DropBlockerCode.StandbyNotAsked));
        }
    }

    [Fact]
    public async Task What_a_standby_scans_counts()
    {
        await using var connection = await ConnectAsync(Primary);
        await using var standby = await ConnectAsync(fixture.Standby);
        await using (var reader = new NpgsqlConnection(fixture.Standby.ConnectionString("app")))
        {
            await reader.OpenAsync(Token);
            await using var command = new NpgsqlCommand(
                "set enable_seqscan = off; select count(*) from orders where status = 's1'", reader);
            await command.ExecuteNonQueryAsync(Token);
        }

        var stat = await UntilAsync(connection, [standby], s => s.TotalScans == 1);

        Assert.Equal(1, stat.TotalScans);
        Assert.Equal([0, 1], stat.Counts.Select(c => c.Scans!.Value));
        Assert.Equal([$"127.0.0.1:{Primary.Port}", $"127.0.0.1:{fixture.Standby.Port}"], stat.Counts.Select(c => c.Server));
        Assert.Empty(stat.Reasons);
        Assert.Equal(0, (await StatAsync(connection, [])).TotalScans);
    }

    [Fact]
    public async Task Only_a_standby_of_this_server_and_database_is_taken()
    {
        await using var connection = await ConnectAsync(Primary);
        await using var twin = await ConnectAsync(Primary);
        await using var elsewhere = await ConnectAsync(fixture.Standby, "postgres");
        await using var foreign = await ConnectAsync(await sandbox.ClusterAsync(), "postgres");

        Assert.Equal("ReplicaIsNotStandby", await RefusedAsync(twin));
        Assert.Equal("ReplicaOfOtherServer", await RefusedAsync(elsewhere));
        Assert.Equal("ReplicaOfOtherServer", await RefusedAsync(foreign));

        await using var standby = await ConnectAsync(fixture.Standby);
        Assert.Equal(
            "SessionIsStandby", (await Assert.ThrowsAsync<PerfMonitoringException>(() => StatAsync(standby, [standby]))).ErrorId);

        async Task<string> RefusedAsync(IMonitoringConnection replica) =>
            (await Assert.ThrowsAsync<PerfMonitoringException>(() => StatAsync(connection, [replica]))).ErrorId;
    }

    [Fact]
    public async Task Subscribers_and_archives_are_no_standbys()
    {
        await using var connection = await ConnectAsync(Primary);
        var folder = Directory.CreateTempSubdirectory("perfmonitoring-");
        var address = $"host=127.0.0.1 port={Primary.Port} user={PostgresCluster.UserName} dbname=";
        Process[] programs =
        [
            Start("pg_receivewal", "-s", "1", "-D", folder.FullName, "-d", address + "postgres"),
            Start("pg_recvlogical", "-s", "1", "-d", address + "app", "--slot", "subscriber", "-P", "test_decoding",
                "--create-slot", "--start", "-f", "/dev/null"),
        ];
        try
        {
            await Eventually.HoldsAsync(
                async () =>
                {
                    await using var look = new NpgsqlConnection(Primary.ConnectionString("app"));
                    await look.OpenAsync(Token);
                    await using var command = new NpgsqlCommand(
                        "select count(*) from pg_stat_replication where write_lsn is not null", look);
                    return (long)(await command.ExecuteScalarAsync(Token))! == 3;
                },
                "all three receive");
            Assert.Equal(1, (await StatAsync(connection, [])).UnaskedStandbyCount);
        }
        finally
        {
            foreach (var program in programs)
            {
                program.Kill();
                await program.WaitForExitAsync(Token);
                program.Dispose();
            }

            folder.Delete(recursive: true);
        }

        Process Start(string program, params string[] arguments) =>
            Process.Start(new ProcessStartInfo(Primary.Installation.Tool(program)!, arguments) { RedirectStandardError = true })!;
    }

    // Walsenders and counters appear with a short delay.
    private static async Task<IndexUsageStat> UntilAsync(
        IMonitoringConnection connection, IMonitoringConnection[] replicas, Func<IndexUsageStat, bool> isReached,
        string name = Status)
    {
        var stat = await StatAsync(connection, replicas, name);
        await Eventually.HoldsAsync(
            async () => isReached(stat) || isReached(stat = await StatAsync(connection, replicas, name)),
            "the counters are sent");
        return stat;
    }

    private static async Task<IndexUsageStat> StatAsync(
        IMonitoringConnection connection, IMonitoringConnection[] replicas, string name = Status) =>
        (await UsageReader.GetAsync(connection, new() { Replicas = replicas }, Token)).Single(s => s.IndexName == name);

    private static Task<IMonitoringConnection> ConnectAsync(PostgresCluster cluster, string database = "app") =>
        new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = cluster.ConnectionString(database) }, null, null, Token);
}
