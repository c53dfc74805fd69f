using Npgsql;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Testing;

public sealed class SandboxTests(SandboxFixture sandbox, TestDatabase database) : IClassFixture<TestDatabase>
{
    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    [Fact]
    public async Task A_class_has_a_database_of_its_own()
    {
        await database.ExecuteAsync("create table things (id int); insert into things values (3)");

        Assert.Equal(3, await database.ScalarAsync<int>("select id from things"));
        Assert.Equal(database.Name, await database.ScalarAsync<string>("select current_database()::text"));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_supported_version_runs_with_statement_statistics(int majorVersion)
    {
        var cluster = await sandbox.ClusterAsync(majorVersion);
        await using var own = await TestDatabase.OnAsync(cluster);

        await own.ExecuteAsync("create extension pg_stat_statements");

        Assert.Equal(majorVersion, cluster.MajorVersion);
        Assert.Equal(majorVersion, await own.ScalarAsync<int>("select current_setting('server_version_num')::int / 10000"));
        Assert.True(await own.ScalarAsync<long>("select count(*) from pg_stat_statements") > 0);
    }

    [Fact]
    public async Task A_password_is_asked_for_when_wanted()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions { RequirePassword = true });
        var wrong = new NpgsqlConnectionStringBuilder(cluster.ConnectionString("postgres")) { Password = "wrong" };
        await using var connection = new NpgsqlConnection(wrong.ConnectionString);

        await cluster.ExecuteAsync("postgres", "select 1", TestContext.Current.CancellationToken);
        var refusal = await Assert.ThrowsAsync<PostgresException>(
            () => connection.OpenAsync(TestContext.Current.CancellationToken));

        Assert.Equal(PostgresErrorCodes.InvalidPassword, refusal.SqlState);
    }

    [Theory]
    [InlineData(StopMode.Smart)]
    [InlineData(StopMode.Fast)]
    [InlineData(StopMode.Immediate)]
    public async Task A_stopped_server_comes_back_with_its_data(StopMode mode)
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions());
        await using var own = await TestDatabase.OnAsync(cluster);
        await own.ExecuteAsync("create table things (id int)");

        await cluster.StopAsync(mode, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<NpgsqlException>(() => own.ExecuteAsync("select 1"));
        await cluster.RestartAsync(TestContext.Current.CancellationToken);

        Assert.Equal(0, await own.ScalarAsync<long>("select count(*) from things"));
    }

    [Fact]
    public async Task Nothing_is_left_behind()
    {
        string folder;
        var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions());
        await using (cluster)
        {
            folder = cluster.Folder;
            Assert.True(Directory.Exists(folder));
        }

        Assert.False(Directory.Exists(folder));
        using var connection = new NpgsqlConnection(cluster.ConnectionString("postgres"));
        await Assert.ThrowsAsync<NpgsqlException>(() => connection.OpenAsync(TestContext.Current.CancellationToken));
    }
}
