using Npgsql;
using PerfMonitoring.Sandbox;

namespace PerfMonitoring.Testing;

/// <summary>
/// A private database on the shared server. As a class fixture (<c>IClassFixture&lt;TestDatabase&gt;</c>) it serves all tests of
/// a class; created with <see cref="OnAsync"/> it serves one. It is dropped at the end.
/// </summary>
public sealed class TestDatabase : IAsyncLifetime
{
    private readonly SandboxFixture? sandbox;
    private PostgresCluster? cluster;
    private Exception? missing;

    public TestDatabase(SandboxFixture sandbox) => this.sandbox = sandbox;

    private TestDatabase(PostgresCluster cluster) => this.cluster = cluster;

    /// <summary>The server. Skips the test if there is none.</summary>
    public PostgresCluster Cluster => missing is null ? cluster! : throw missing;

    /// <summary>The database's name.</summary>
    public string Name { get; private set; } = "";

    /// <summary>
    /// An Npgsql connection string for the superuser. The database may be dropped soon, so its pool closes idle connections
    /// quickly.
    /// </summary>
    public string ConnectionString =>
        UnpooledConnectionString + ";Pooling=true;Connection Idle Lifetime=1;Connection Pruning Interval=1";

    /// <summary>A connection string without a pool, for a session that ends when it is closed.</summary>
    public string UnpooledConnectionString => Cluster.ConnectionString(Name);

    /// <summary>Creates a database on a server; the caller disposes it.</summary>
    public static async Task<TestDatabase> OnAsync(PostgresCluster cluster)
    {
        var database = new TestDatabase(cluster);
        await database.InitializeAsync();
        return database;
    }

    public async ValueTask InitializeAsync()
    {
        try
        {
            cluster ??= await sandbox!.ClusterAsync();
        }
        catch (Xunit.Sdk.SkipException skip)
        {
            // A fixture cannot skip, but the test that uses the server can.
            missing = skip;
            return;
        }

        Name = await cluster.CreateDatabaseAsync(null, CancellationToken.None);
    }

    /// <summary>
    /// The function slow(int) for index expressions. The build of such an index waits at rows whose value is held, until the test
    /// releases them; a sequence shows the present value to every snapshot.
    /// </summary>
    public const string SlowFunction = """
        drop sequence if exists public.held_from;
        create sequence public.held_from minvalue 0 start 1000000;
        create or replace function public.slow(n int) returns int immutable language plpgsql as $f$
        begin
            while n >= (select last_value from public.held_from) loop
                perform pg_catalog.pg_sleep(0.01);
            end loop;
            return n;
        end $f$;
        """;

    /// <summary>Holds builds at rows for which slow(n) is called with this value or a higher one.</summary>
    public Task HoldBuildsAsync(int from = 0) => ExecuteAsync($"select setval('public.held_from', {from})");

    /// <summary>Lets held builds continue.</summary>
    public Task ReleaseBuildsAsync() => HoldBuildsAsync(1000000);

    /// <summary>
    /// Waits until an index of this database is being built, in a phase that is like the given one; builds in other databases of
    /// the server do not count.
    /// </summary>
    public Task UntilBuildIsInAsync(string phase = "%") => Eventually.HoldsAsync(
        () => ScalarAsync<bool>(
            "select exists (select from pg_stat_progress_create_index "
                + $"where datname = current_database() and phase like '{phase}')"),
        $"a build is in a phase like {phase}");

    /// <summary>The number of advisory locks that sessions hold in this database.</summary>
    public Task<long> CountAdvisoryLocksAsync() => ScalarAsync<long>(
        "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where "
            + "datname = current_database())");

    /// <summary>Ends the backends that build an index in this database; other databases of the server are not affected.</summary>
    public Task EndIndexBuildsAsync() =>
        ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_progress_create_index where datname = current_database()");

    /// <summary>
    /// Runs SQL text, one or several statements, in a session that ends, so that the server counts its activity at once.
    /// </summary>
    public Task ExecuteAsync(string sql) => Cluster.ExecuteAsync(Name, sql, TestContext.Current.CancellationToken);

    /// <summary>The first column of the first row; the default if there is no row or a null.</summary>
    public async Task<T?> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is T value ? value : default;
    }

    /// <summary>Ends the idle sessions of the pool, for a test that must be alone.</summary>
    public async Task CloseSessionsAsync()
    {
        NpgsqlConnection.ClearPool(new NpgsqlConnection(ConnectionString));
        await using var connection = new NpgsqlConnection(UnpooledConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(
            "select exists (select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and "
                + "application_name = current_setting('application_name'))",
            connection);
        while (await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) is true)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Creates the extension HypoPG. Skips the test if the server has none.</summary>
    public async Task CreateHypoPgAsync()
    {
        if (await ScalarAsync<long>("select count(*) from pg_available_extensions where name = 'hypopg'") == 0)
        {
            Assert.Skip("This server has no HypoPG.");
        }

        await ExecuteAsync("create extension if not exists hypopg");
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null && Name.Length > 0)
        {
            await cluster.DropDatabaseAsync(Name, CancellationToken.None);
        }
    }
}
