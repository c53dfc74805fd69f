using Npgsql;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>A build that would fail is not started.</summary>
public sealed class BuildFactsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_role_may_not_do_is_said_with_what_grants_it_and_then_it_builds()
    {
        var role = $"own\"er_{database.Name}";
        var quoted = Identifier.Quote(role);
        await database.ExecuteAsync($"""
            drop schema if exists perf_monitoring cascade;
            create role {quoted} login connection limit 50;
            create schema app;
            create table app.orders (id int primary key, code int);
            alter table app.orders owner to {quoted};
            grant usage on schema app to {quoted};
            create function app.guard() returns event_trigger language plpgsql as 'begin end';
            create event trigger guard on ddl_command_start when tag in ('CREATE INDEX') execute function app.guard();
            """);
        try
        {
            await using (var connection = await ConnectAsync(role))
            {
                var findings = await CheckAsync(connection);

                var privilege = findings[PreflightCheck.Privilege];
                Assert.Equal(PreflightState.Block, privilege.State);
                Assert.EndsWith($"GRANT CREATE ON SCHEMA app TO {quoted};", privilege.Reason, StringComparison.Ordinal);
                Assert.Equal(PreflightState.Warn, findings[PreflightCheck.EventTrigger].State);
                Assert.Equal(PreflightState.Ok, findings[PreflightCheck.Connection].State);
                Assert.Equal(PreflightState.Ok, findings[PreflightCheck.Tablespace].State);
                Assert.Equal(PreflightState.Block, (await CheckAsync(connection, "nowhere"))[PreflightCheck.Tablespace].State);
                Assert.Equal(PreflightState.Block, (await CheckAsync(connection, "pg_global"))[PreflightCheck.Tablespace].State);
                var (result, error) = await new IndexCreator(connection, new())
                    .CreateAsync(Strategy(null), new Progress<IndexChangeProgress>(), Token);
                Assert.Equal(
                    (IndexCreationState.Failed, "PreflightBlocked", FailureKind.PermissionDenied),
                    (result.State, error?.ErrorId, error?.Kind));

                // The remedy solves the problem.
                await database.ExecuteAsync(privilege.Reason[privilege.Reason.IndexOf("GRANT", StringComparison.Ordinal)..]);
                Assert.Equal(PreflightState.Ok, (await CheckAsync(connection))[PreflightCheck.Privilege].State);
                (result, error) = await new IndexCreator(connection, new())
                    .CreateAsync(Strategy(null), new Progress<IndexChangeProgress>(), Token);
                Assert.Equal((IndexCreationState.Created, null), (result.State, error));
            }

            await database.ExecuteAsync($"alter role {quoted} connection limit 2");
            await using (var connection = await ConnectAsync(role))
            {
                var few = (await CheckAsync(connection))[PreflightCheck.Connection];
                Assert.Equal(PreflightState.Warn, few.State);
                Assert.Contains("a build needs 3", few.Reason, StringComparison.Ordinal);
            }
        }
        finally
        {
            await database.ExecuteAsync($"drop event trigger guard; drop schema app cascade; drop role {quoted}");
        }
    }

    [Fact]
    public async Task Tables_of_the_store_and_of_other_sessions_and_foreign_partitions_get_no_index()
    {
        await using var connection = await ConnectAsync("postgres");
        await connection.Store.UpgradeAsync(Token);
        await database.ExecuteAsync("""
            create foreign data wrapper nothing;
            create server nowhere foreign data wrapper nothing;
            create table parted (id int, n int) partition by range (id);
            create foreign table far partition of parted for values from (0) to (10) server nowhere;
            """);
        await using var other = new NpgsqlConnection(database.UnpooledConnectionString);
        await other.OpenAsync(Token);
        await using var make = new NpgsqlCommand(
            "create temporary table theirs (n int); select nspname from pg_namespace where oid = pg_my_temp_schema()", other);
        var schema = (string)(await make.ExecuteScalarAsync(Token))!;

        foreach (var name in new RelationName[] {
            new("perf_monitoring", "index_action"), new(schema, "theirs"), new("pg_catalog", "pg_class") })
        {
            var e = await Assert.ThrowsAsync<PerfMonitoringException>(() => connection.Catalog.GetTableAsync(name, Token));
            Assert.Equal("TableNotIndexable", e.ErrorId);
        }

        var table = await connection.Catalog.GetTableAsync(new("public", "parted"), Token);
        Assert.Equal(["public.far"], (await connection.IndexChanger.GetBuildFactsAsync(table, null, Token)).ForeignPartitions);
    }

    private static async Task<Dictionary<PreflightCheck, IndexPreflight>> CheckAsync(
        IMonitoringConnection connection, string? tablespace = null) =>
        (await new IndexCreator(connection, new()).CheckAsync(Strategy(tablespace), Token)).ToDictionary(f => f.Check);

    private static IndexStrategy Strategy(string? tablespace) => new()
    {
        Definition = new IndexDefinition {
            Table = new("app", "orders"), Name = "i", Keys = [IndexKey.OnColumn("code")], Tablespace = tablespace },
    };

    private Task<IMonitoringConnection> ConnectAsync(string role) => new PostgresBackend().ConnectAsync(
        new ConnectionSettings {
            ConnectionString = new NpgsqlConnectionStringBuilder(database.ConnectionString) {
            Username = role }.ConnectionString },
        null, null, Token);
}
