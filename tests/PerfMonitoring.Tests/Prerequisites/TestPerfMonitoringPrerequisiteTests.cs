using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Prerequisites;

public sealed class TestPerfMonitoringPrerequisiteTests(SandboxFixture sandbox, TestDatabase database)
    : IClassFixture<TestDatabase>, IDisposable
{
    private readonly ModuleRunspace session = new();

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    public void Dispose() => session.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_supported_version_is_told_apart(int majorVersion)
    {
        await using var own = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        await own.ExecuteAsync("create table t (id int); insert into t values (1)");

        var states = States(own.ConnectionString);

        Assert.Equal("Ok", states["PostgreSQL version"]);
        Assert.Equal("Ok", states["pg_stat_statements loaded"]);
        Assert.Equal("Missing", states["pg_stat_statements created"]);
        Assert.Equal("Missing", states["Store"]);
        Assert.Equal("Missing", states["Tables analysed"]);
        Assert.Equal("Ok", states["Create indexes"]);
        Assert.Equal("Missing", states["No rights over the server"]);
        Assert.Equal(majorVersion >= 14, states.ContainsKey("compute_query_id"));
        Assert.Equal(["pg_stat_statements readable"], states.Where(s => s.Value == "Unknown").Select(s => s.Key));
    }

    [Fact]
    public async Task The_remedies_work()
    {
        var role = "r" + Guid.NewGuid().ToString("N");
        await database.ExecuteAsync(
            $"create role {role} login; create schema if not exists ext; create extension if not exists pg_stat_statements "
                + $"schema ext");
        try
        {
            var low = new Npgsql.NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role }.ConnectionString;

            Connect(low);
            Assert.Equal(false, session.Invoke("Test-PerfMonitoringPrerequisite -Quiet").Only().BaseObject);
            foreach (var remedy in session.Invoke(
                "Test-PerfMonitoringPrerequisite | Where-Object { $_.State -eq 'Denied' } | ForEach-Object { $_.Remedy }")
                .MustSucceed().Output)
            {
                await database.ExecuteAsync((string)remedy.BaseObject);
            }

            Assert.Equal(true, session.Invoke("Test-PerfMonitoringPrerequisite -Quiet").Only().BaseObject);
            Assert.DoesNotContain("Denied", States(low).Values);
        }
        finally
        {
            await database.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    [Fact]
    public async Task A_server_without_the_library_says_how_to_get_it()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions { PreloadExtensions = false });
        Connect(cluster.ConnectionString("postgres"));

        var missing = session.Invoke("Test-PerfMonitoringPrerequisite | Where-Object { $_.Name -eq 'pg_stat_statements loaded' }")
            .Only();
        await cluster.ExecuteAsync("postgres", (string)missing.Properties["Remedy"].Value, TestContext.Current.CancellationToken);
        await cluster.RestartAsync(TestContext.Current.CancellationToken);

        Assert.Equal("Ok", States(cluster.ConnectionString("postgres"))["pg_stat_statements loaded"]);
    }

    [Fact]
    public void The_table_fits_and_shows_the_remedy()
    {
        Connect(database.ConnectionString);

        var text = session.Render("Test-PerfMonitoringPrerequisite");

        Assert.All(text.Split('\n'), l => Assert.True(l.Length <= 120, l));
        Assert.Matches(@"Name +State +Value +Remedy", text);
        Assert.Contains("Initialize-PerfMonitoringStore", text, StringComparison.Ordinal);
    }

    private void Connect(string connectionString) =>
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", connectionString).MustSucceed();

    private Dictionary<string, string> States(string connectionString)
    {
        Connect(connectionString);
        return session.Invoke("Test-PerfMonitoringPrerequisite").MustSucceed().Output
            .ToDictionary(o => (string)o.Properties["Name"].Value, o => o.Properties["State"].Value.ToString()!);
    }
}
