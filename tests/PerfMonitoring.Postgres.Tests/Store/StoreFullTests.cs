using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Changes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;
using PerfMonitoring.Thresholds;

namespace PerfMonitoring.Postgres.Store;

public sealed class StoreFullTests(SandboxFixture sandbox)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_disk_has_an_error_of_its_own_and_hinders_no_reading()
    {
        var cluster = await sandbox.ClusterAsync();
        using var disk = SmallDisk.TryMount(Path.Combine(cluster.Folder, "store"));
        if (disk is null)
        {
            Assert.Skip("This takes root, to mount a small file system.");
        }

        var database = await TestDatabase.OnAsync(cluster);
        try
        {
            await using var connection = await ConnectAsync(database);
            await connection.Store.UpgradeAsync(Token);
            await connection.Thresholds.AddAsync(Threshold("t0"), Token);
            await database.ExecuteAsync($"create tablespace store_{database.Name} location '{disk.Folder}'");
            await database.ExecuteAsync($"""
                alter table perf_monitoring.performance_threshold set tablespace store_{database.Name};
                create table filler (text text) tablespace store_{database.Name};
                """);
            await FillAsync(database);

            var failure = await Assert.ThrowsAsync<PerfMonitoringException>(async () =>
            {
                for (var i = 1; ; i++)
                {
                    await connection.Thresholds.AddAsync(Threshold($"t{i}"), Token);
                }
            });

            Assert.Equal("StoreFull", failure.ErrorId);
            Assert.Contains("takes nothing more", failure.Message, StringComparison.Ordinal);
            Assert.Contains("Clear-QueryPerformanceLog -Before", failure.Remedy, StringComparison.Ordinal);
            Assert.Contains("-StoreHostName", failure.Remedy, StringComparison.Ordinal);
            Assert.Contains(await connection.Thresholds.GetAsync(includeInactive: false, Token), t => t.TableName == "t0");
        }
        finally
        {
            await database.DisposeAsync();
            await cluster.ExecuteAsync("postgres", $"drop tablespace if exists store_{database.Name}", CancellationToken.None);
        }
    }

    private static PerformanceThreshold Threshold(string table) =>
        new() { MetricType = MetricType.TableSize, TableName = table, Warning = 1, Critical = 2, Unit = ThresholdUnit.Bytes };

    // Each row is written separately, because a failed statement would leave its pages to the next one.
    private static async Task FillAsync(TestDatabase database)
    {
        await using var connection = new NpgsqlConnection(database.UnpooledConnectionString);
        await connection.OpenAsync(Token);
        for (var i = 0; i < 100; i++)
        {
            await using var command = new NpgsqlCommand("insert into filler values (repeat('x', 5000))", connection);
            try
            {
                await command.ExecuteNonQueryAsync(Token);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DiskFull)
            {
                return;
            }
        }
    }

    private static Task<IMonitoringConnection> ConnectAsync(TestDatabase database) => new PostgresBackend().ConnectAsync(
        new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
}
