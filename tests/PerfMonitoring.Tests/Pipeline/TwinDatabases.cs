using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Pipeline;

/// <summary>Two databases with the same tables, indexes, log and store, and a session with each: "here" and "there".</summary>
public sealed class TwinDatabases(SandboxFixture sandbox) : IAsyncLifetime
{
    // The connections stay open, because the table has several hundred cells.
    private readonly Dictionary<TestDatabase, NpgsqlConnection> connections = [];

    public TestDatabase Here { get; } = new(sandbox);

    public TestDatabase There { get; } = new(sandbox);

    public ModuleRunspace Session { get; } = new();

    public async ValueTask InitializeAsync()
    {
        foreach (var (name, database) in new[] { ("there", There), ("here", Here) })
        {
            await database.InitializeAsync();
            connections[database] = new NpgsqlConnection(database.UnpooledConnectionString);
            await connections[database].OpenAsync();
            await database.ExecuteAsync("""
                create extension if not exists hypopg;
                create extension if not exists pg_stat_statements;
                create table orders (id bigint primary key, customer_id int, status text);
                create table items (id bigint primary key, customer_id int, status text);
                insert into items select i, i % 1000, 'x' from generate_series(1, 20000) i;
                create index spare on orders (status, id);
                analyze;
                select status from items where customer_id = 7;
                """);
            Session.Invoke("""
                $null = Connect-PerfMonitoring -ConnectionString $args[0] -Name $args[1]
                $null = Initialize-PerfMonitoringStore
                $null = New-IndexStrategy -TableName orders -Column customer_id -IndexName slower | Invoke-IndexCreation -Confirm:$false
                $null = New-IndexStrategy -TableName items -Column id, customer_id -IndexName faster | Invoke-IndexCreation -Confirm:$false
                $null = New-PerformanceThreshold DeadlockCount 2 5
                """, database.ConnectionString, name).MustSucceed();
            await database.ExecuteAsync(PutBuildsIntoTheLog + """
                insert into perf_monitoring.query_performance_log (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, database_user, executed_at)
                select gen_random_uuid(), repeat(hash, 64), 'update ' || name || ' set status = $1 where customer_id = $2', case when g < 0 then 7 else after end * (1 + 0.1 * sin(g)),
                    1, 1, 'app', now() - interval '55 s' + g * interval '10 min' + sign(g) * interval '10 s'
                from generate_series(-60, 60) g, (values ('a', 'orders', 12), ('b', 'items', 2)) t (hash, name, after) where g <> 0
                """);
        }
    }

    /// <summary>Moves all builds between the logged executions.</summary>
    public const string PutBuildsIntoTheLog =
        "update perf_monitoring.index_action set started_at = now() - interval '60 s', finished_at = now() - interval '50 s' "
            + "where action = 'CREATE';\n";

    /// <summary>All traces that a change could leave in both databases and their stores.</summary>
    public async Task<(string? Here, string? There)> FingerprintAsync() =>
        (await FingerprintAsync(Here), await FingerprintAsync(There));

    /// <summary>Runs SQL text in one of them.</summary>
    public async Task<object?> RunAsync(TestDatabase database, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connections[database]);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    private async Task<string?> FingerprintAsync(TestDatabase database) => (string?)await RunAsync(database, """
        select md5(concat_ws('|',
            (select string_agg(indexname, ',' order by indexname) from pg_indexes where schemaname = 'public'),
            (select string_agg(s::text, ',' order by id) from perf_monitoring.index_strategy s),
            (select string_agg(s::text, ',' order by id) from perf_monitoring.index_action s),
            (select string_agg(s::text, ',' order by id) from perf_monitoring.index_usage_stats s),
            (select string_agg(s::text, ',' order by id) from perf_monitoring.performance_threshold s),
            (select string_agg(s::text, ',' order by s::text) from perf_monitoring.maintenance_schedule s)))
        """);

    public async ValueTask DisposeAsync()
    {
        Session.Dispose();
        foreach (var (database, connection) in connections)
        {
            await connection.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
