using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Store;

public sealed class InitializePerfMonitoringStoreTests(SandboxFixture sandbox) : IAsyncLifetime
{
    private const string HasSchema = "select exists (select from pg_namespace where nspname = 'perf_monitoring')";

    private readonly ModuleRunspace session = new();
    private TestDatabase database = null!;

    public async ValueTask InitializeAsync()
    {
        database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        Connect(session, database.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        session.Dispose();
        await database.DisposeAsync();
    }

    [Fact]
    public void The_second_time_there_is_nothing_to_do()
    {
        var first = session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();
        var second = session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();

        Assert.Equal("0001_store.sql", first.Values("Name")[0]);
        Assert.Empty(second.Output);
    }

    [Fact]
    public async Task WhatIf_shows_the_sql_and_changes_nothing()
    {
        var result = session.Invoke("Initialize-PerfMonitoringStore -WhatIf").MustSucceed();

        Assert.Contains("create table perf_monitoring.index_strategy", result.HostText, StringComparison.Ordinal);
        Assert.False(await database.ScalarAsync<bool>(HasSchema));
    }

    [Fact]
    public async Task Two_at_once_make_one_store()
    {
        using var other = new ModuleRunspace();
        Connect(other, database.ConnectionString);

        var results = await Task.WhenAll(
            Task.Run(() => session.Invoke("Initialize-PerfMonitoringStore").MustSucceed()),
            Task.Run(() => other.Invoke("Initialize-PerfMonitoringStore").MustSucceed()));

        Assert.Equal(1, results.Count(r => r.Output.Count > 0));
        Assert.Equal(
            results.Sum(r => r.Output.Count),
            await database.ScalarAsync<long>("select count(*) from perf_monitoring.schema_version"));
    }

    [Fact]
    public async Task A_store_elsewhere_leaves_the_monitored_database_alone()
    {
        await using var store = await TestDatabase.OnAsync(database.Cluster);
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0] -StoreDatabase $args[1]", database.ConnectionString, store.Name)
            .MustSucceed();

        session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();

        Assert.True(await store.ScalarAsync<bool>(HasSchema));
        Assert.False(await database.ScalarAsync<bool>(HasSchema));
        Assert.Equal(
            store.Name,
            session.Invoke("(Get-PerfMonitoringSession | Where-Object { $_.IsDefault }).Store.Database").Only().BaseObject);
        await store.ExecuteAsync(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> "
                + "pg_backend_pid()");
    }

    [Fact]
    public async Task A_store_of_a_later_version_is_refused()
    {
        session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();
        await database.ExecuteAsync(
            "insert into perf_monitoring.schema_version (scriptname, applied) values ('9999_later.sql', now())");

        var error = Assert.Single(session.Invoke("Initialize-PerfMonitoringStore").AllErrors);

        Assert.StartsWith("StoreTooNew", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains("9999_later.sql", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_that_fails_is_named_and_nothing_stays()
    {
        await database.ExecuteAsync("create schema perf_monitoring; create table perf_monitoring.index_usage_detail ()");

        var error = Assert.Single(session.Invoke("Initialize-PerfMonitoringStore").AllErrors);

        Assert.StartsWith("StoreMigrationFailed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(
            "migration 0004_index_usage.sql of schema perf_monitoring failed", error.ToString(), StringComparison.Ordinal);
        Assert.Equal("0004_index_usage.sql", error.TargetObject);
        Assert.Equal(1, await database.ScalarAsync<long>(
            "select count(*) from pg_class where relnamespace = 'perf_monitoring'::regnamespace and relkind = 'r'"));
        await database.ExecuteAsync("drop table perf_monitoring.index_usage_detail");
        Assert.Equal("0001_store.sql", session.Invoke("Initialize-PerfMonitoringStore").MustSucceed().Values("Name")[0]);
    }

    [Fact]
    public async Task A_role_that_may_not_is_told_so()
    {
        var role = "r" + Guid.NewGuid().ToString("N");
        await database.ExecuteAsync($"create role {role} login");
        try
        {
            Connect(session, new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role }.ConnectionString);

            var error = Assert.Single(session.Invoke("Initialize-PerfMonitoringStore").AllErrors);

            Assert.StartsWith("PermissionDenied", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal($"grant create on database {database.Name} to {role};", error.ErrorDetails.RecommendedAction);
            Assert.False(await database.ScalarAsync<bool>(HasSchema));
            await database.ExecuteAsync(error.ErrorDetails.RecommendedAction);
            session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();
        }
        finally
        {
            await database.ExecuteAsync($"drop owned by {role}; drop role {role}");
        }
    }

    private static void Connect(ModuleRunspace session, string connectionString) =>
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", connectionString).MustSucceed();
}
