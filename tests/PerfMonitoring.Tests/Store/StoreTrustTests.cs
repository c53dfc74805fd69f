using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Store;

/// <summary>
/// A store of a superuser, a role that tries to become one, and functions that make it one if a superuser calls them.
/// </summary>
public sealed class StoreTrustFixture(SandboxFixture sandbox) : IAsyncLifetime
{
    public string Role { get; } = "app " + Guid.NewGuid().ToString("N");

    public TestDatabase Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        using var session = new ModuleRunspace();
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; Initialize-PerfMonitoringStore", Database.ConnectionString)
            .MustSucceed();
        await Database.ExecuteAsync($$"""
            create role "{{Role}}" login;
            create schema app authorization "{{Role}}";
            create table app.target (id int);
            create sequence app.called;
            grant usage on sequence app.called to public;
            grant usage on schema app to public;
            create function app.evil(anyelement) returns anyelement language plpgsql immutable as $f$
                begin
                    perform nextval('app.called');
                    return $1;
                end $f$;
            create function app.is_evil(anyelement) returns bool language sql immutable as $f$ select app.evil($1) is not null $f$;
            create function app.fire() returns trigger language plpgsql as $f$ begin perform app.evil(1); return new; end $f$;
            create operator app.=== (leftarg = anyelement, rightarg = anyelement, function = app.same);
            """.Replace("create operator", "create function app.same(anyelement, anyelement) returns bool language sql "
                + "immutable as 'select app.is_evil($1)'; create operator", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await Database.ExecuteAsync($"drop schema app cascade; drop owned by \"{Role}\"");
        await Database.DisposeAsync();
        await (await sandbox.ClusterAsync()).ExecuteAsync("postgres", $"drop role \"{Role}\"", CancellationToken.None);
    }
}

/// <summary>Foreign code does not run with the rights of a user of the store.</summary>
public sealed class StoreTrustTests(StoreTrustFixture fixture, SandboxFixture sandbox) : IClassFixture<StoreTrustFixture>,
IDisposable
{
    private const string UseTheStore = """
        Get-IndexStrategy
        Get-PerformanceThreshold
        Get-QueryPerformanceLog -Since 2020-01-01
        New-PerformanceThreshold DeadlockCount 1 10 | Remove-PerformanceThreshold
        New-IndexStrategy app.target id -IndexName planted
        Test-PerformanceThreshold
        """;

    // A sequence, because a function that is declared immutable may not write to a table.
    private const string Forget = "select setval('app.called', 1, false)";

    private readonly ModuleRunspace session = new();

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    /// <summary>
    /// The planted object, the expected text of the error, and SQL that removes the object if the remedy does not.
    /// </summary>
    public static TheoryData<string, string, string?> Plants => new()
    {
        { "create trigger t before insert on perf_monitoring.index_action for each row execute function app.fire()",
            "trigger t on perf_monitoring.index_action", null },
        { "create constraint trigger t after insert on perf_monitoring.\"user\" deferrable initially deferred for each row "
            + "execute function app.fire()", "trigger t", null },
        { "create trigger \"T \"\"x\" after update on perf_monitoring.metric_sample for each statement execute function "
            + "app.fire()", "trigger \"T \"\"x\"", null },
        { "create trigger t after insert on perf_monitoring.query_performance_log_default for each row execute function "
            + "app.fire()", "query_performance_log_default", null },
        { "create rule r as on insert to perf_monitoring.index_strategy do also select app.evil(1)",
            "rule r on perf_monitoring.index_strategy", null },
        { "create rule r as on update to perf_monitoring.performance_threshold do instead select app.evil(1)", "rule r", null },
        { "alter table perf_monitoring.\"user\" alter column created_at set default app.evil(now())",
            "default of perf_monitoring.\"user\".created_at",
            "alter table perf_monitoring.\"user\" alter column created_at set default pg_catalog.now()" },
        { "alter table perf_monitoring.index_strategy alter column where_clause set default query_to_xml('select "
            + "app.evil(1)', true, true, '')::text", "where_clause", null },
        { "alter table perf_monitoring.index_strategy add column g text generated always as (app.evil(table_name::text)) stored",
            "index_strategy.g", "alter table perf_monitoring.index_strategy drop column g" },
        { "alter table perf_monitoring.index_strategy add constraint c check (app.is_evil(id))",
            "constraint c of perf_monitoring.index_strategy", null },
        { "alter table perf_monitoring.index_strategy add constraint c check (id operator(app.===) id)", "constraint c", null },
        { "alter table perf_monitoring.\"user\" add constraint c exclude using btree (name with =)", "constraint c", null },
        { "create policy p on perf_monitoring.index_strategy using (app.is_evil(id)); alter table "
            + "perf_monitoring.index_strategy enable row level security", "policy p on perf_monitoring.index_strategy", null },
        { "create index i on perf_monitoring.index_strategy (app.evil(table_name::text))", "index perf_monitoring.i", null },
        { "create index i on perf_monitoring.index_strategy (table_name) where app.is_evil(id)", "index perf_monitoring.i",
            null },
        { "create statistics perf_monitoring.s on (app.evil(table_name::text)), index_name from perf_monitoring.index_strategy",
            "statistics s", null },
        {
            "alter type perf_monitoring.metric_type rename to metric_type_; create domain perf_monitoring.metric_type as text "
                + "check (app.is_evil(value))",
            "metric_type is no enum",
            "drop domain perf_monitoring.metric_type; alter type perf_monitoring.metric_type_ rename to metric_type"
        },
        {
            "alter table perf_monitoring.performance_threshold rename to pt; create view "
                + "perf_monitoring.performance_threshold as select * from perf_monitoring.pt where app.is_evil(id)",
            "performance_threshold is no table",
            "drop view perf_monitoring.performance_threshold; alter table perf_monitoring.pt rename to performance_threshold"
        },
        {
            "create domain app.d as int check (app.is_evil(value)); alter table perf_monitoring.\"user\" add column d app.d",
            "is of type app.d", "alter table perf_monitoring.\"user\" drop column d; drop domain app.d"
        },
        {
            "create function perf_monitoring.uuid_v7_floor(timestamp) returns uuid language sql as 'select app.evil(null::uuid)'",
            "uuid_v7_floor", "drop function perf_monitoring.uuid_v7_floor(timestamp)"
        },
        { "alter function perf_monitoring.add_query_log_partition security invoker", "add_query_log_partition",
            "alter function perf_monitoring.add_query_log_partition security definer" },
        { "alter function perf_monitoring.add_query_log_partition set search_path = app", "add_query_log_partition",
            "alter function perf_monitoring.add_query_log_partition set search_path = pg_catalog, pg_temp" },
        {
            "create table app.part partition of perf_monitoring.query_performance_log for values from "
                + "('00000000-0000-0000-0000-000000000000') to ('00000000-0000-0000-0000-000000000001')",
            "app.part", "drop table app.part"
        },
        { "create table app.child () inherits (perf_monitoring.index_action)", "app.child", "drop table app.child" },
        { "grant all on perf_monitoring.index_action to $app", "make triggers on perf_monitoring.index_action", null },
        { "grant trigger on perf_monitoring.index_strategy to public", "right of public to make triggers", null },
        { "grant create on schema perf_monitoring to $app; alter table perf_monitoring.metric_sample owner to $app",
            "metric_sample belongs to", null },
        { "alter schema perf_monitoring owner to $app", "schema perf_monitoring belongs to", null },
        { "grant create on schema perf_monitoring to $app; alter function perf_monitoring.uuid_v7_floor owner to $app",
            "uuid_v7_floor(timestamp with time zone) belongs to", null },
        { "grant create on schema perf_monitoring to $app; alter type perf_monitoring.index_type owner to $app",
            "index_type belongs to", null },
    };

    public void Dispose() => session.Dispose();

    [Theory]
    [MemberData(nameof(Plants))]
    public async Task What_our_migrations_did_not_make_is_found_and_taken_away(string plant, string found, string? undo)
    {
        var database = fixture.Database;
        await database.ExecuteAsync(Forget);
        await database.ExecuteAsync(plant.Replace("$app", $"\"{fixture.Role}\"", StringComparison.Ordinal));
        try
        {
            Connect(database.ConnectionString);
            // Creating a planted object may call the function; nothing calls it after this line.
            await database.ExecuteAsync(Forget);
            var errors = session.Invoke(UseTheStore).AllErrors;

            Assert.All(errors, e => Assert.StartsWith("StoreNotTrusted,", e.FullyQualifiedErrorId, StringComparison.Ordinal));
            Assert.NotEmpty(errors);
            Assert.Contains(found, errors[0].ToString(), StringComparison.Ordinal);
            Assert.False(await database.ScalarAsync<bool>("select is_called from app.called"));
            if (undo is null)
            {
                var remedy = errors[0].ErrorDetails.RecommendedAction;
                await database.ExecuteAsync(remedy[(remedy.IndexOf(" run: ", StringComparison.Ordinal) + 6)..]);
                session.Invoke("Get-IndexStrategy").MustSucceed();
            }
        }
        finally
        {
            if (undo is not null)
            {
                await database.ExecuteAsync(undo);
            }
        }

        // The same session works after the removal.
        session.Invoke("Get-IndexStrategy; Get-PerformanceThreshold").MustSucceed();
        Assert.False(await database.ScalarAsync<bool>("select is_called from app.called"));
    }

    [Fact]
    public async Task A_store_that_an_application_prepared_for_the_administrator_is_refused()
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await database.ExecuteAsync($"grant create on database {database.Name} to \"{fixture.Role}\"");
        await ExecuteAsAsync(database, fixture.Role, """
            create schema perf_monitoring;
            create function perf_monitoring.up() returns bool language plpgsql as $$ begin create table perf_monitoring.caught (); return true; end $$;
            create view perf_monitoring.schema_version as select '0001_store.sql'::varchar as scriptname where perf_monitoring.up();
            """);
        Connect(database.ConnectionString);

        foreach (var script in new[] {
            "Initialize-PerfMonitoringStore", "New-IndexStrategy -Query 'select 1'", "Get-IndexStrategy",
            "Get-SlowQuery -FromLog" })
        {
            var error = Assert.Single(session.Invoke(script).AllErrors);
            Assert.StartsWith("StoreNotTrusted,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Contains("schema perf_monitoring belongs to", error.ToString(), StringComparison.Ordinal);
        }

        var result = session.Invoke("Test-PerfMonitoringPrerequisite | ? Name -eq Store").Only();
        Assert.Contains("could run the code of others", (string)result.Properties["Value"].Value, StringComparison.Ordinal);
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_class where relname = 'caught'"));
        await database.ExecuteAsync($"drop schema perf_monitoring cascade; drop owned by \"{fixture.Role}\"");
        session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();
    }

    [Fact]
    public async Task A_superuser_uses_the_store_of_another_role_as_that_role()
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await database.ExecuteAsync($"grant create on database {database.Name} to \"{fixture.Role}\"; create table t (id int)");
        Connect(As(database, fixture.Role));
        session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();
        Connect(database.ConnectionString);
        Assert.StartsWith(
            "StoreNotTrusted,", Assert.Single(session.Invoke("Get-IndexStrategy").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);

        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0] -StoreConnectionString $args[1]", database.ConnectionString,
            As(database, fixture.Role)).MustSucceed();
        // The store passes the check here. Then its owner adds a trigger in the middle of the session.
        session.Invoke("Get-IndexStrategy").MustSucceed();
        await ExecuteAsAsync(database, fixture.Role, $$"""
            create function perf_monitoring.up() returns trigger language plpgsql as $$
                begin
                    begin
                        perform set_config('role', 'none', true);
                        alter role "{{fixture.Role}}" superuser;
                    exception when insufficient_privilege then null;
                    end;
                    return new;
                end $$;
            create trigger t before insert on perf_monitoring.index_action for each row execute function perf_monitoring.up();
            """);
        var made = session.Invoke("New-IndexStrategy t id | Invoke-IndexCreation -Confirm:$false").MustSucceed();

        Assert.Single(made.Output);
        Assert.False(await database.ScalarAsync<bool>($"select rolsuper from pg_roles where rolname = '{fixture.Role}'"));
        await database.ExecuteAsync($"drop schema perf_monitoring cascade; drop owned by \"{fixture.Role}\"");
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_fresh_store_is_trusted(int majorVersion)
    {
        await using var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        Connect(database.ConnectionString);

        session.Invoke("Initialize-PerfMonitoringStore; Get-IndexStrategy; New-PerformanceThreshold DeadlockCount 1 10")
            .MustSucceed();
        Connect(database.ConnectionString);

        Assert.Single(session.Invoke("Get-PerformanceThreshold").MustSucceed().Output);
    }

    private static string As(TestDatabase database, string role) =>
        new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role }.ConnectionString;

    private static async Task ExecuteAsAsync(TestDatabase database, string role, string sql)
    {
        await using var connection = new NpgsqlConnection(As(database, role));
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private void Connect(string connectionString) =>
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", connectionString).MustSucceed();
}
