using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Testing;

/// <summary>A primary with a standby.</summary>
public sealed class StandbyFixture : IAsyncLifetime
{
    private PostgresCluster? primary;
    private PostgresCluster? standby;
    private Exception? missing;

    public PostgresCluster Primary => missing is null ? primary! : throw missing;

    public PostgresCluster Standby => missing is null ? standby! : throw missing;

    public async ValueTask InitializeAsync()
    {
        try
        {
            primary = await SandboxFixture.OwnClusterAsync(
                new ClusterOptions { Settings = new Dictionary<string, string> { ["wal_level"] = "logical" } });
        }
        catch (Xunit.Sdk.SkipException skip)
        {
            missing = skip;
            return;
        }

        await Primary.CreateDatabaseAsync("app", CancellationToken.None);
        await Primary.ExecuteAsync("app", """
            create table orders (id int primary key, status text);
            create index orders_status_idx on orders (status);
            create index orders_unused on orders (id desc, status);
            insert into orders select g, 's' || g from generate_series(1, 1000) g;
            """, CancellationToken.None);
        standby = await Primary.StartStandbyAsync(null, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in new[] { standby, primary }.OfType<PostgresCluster>())
        {
            await cluster.DisposeAsync();
        }
    }
}
