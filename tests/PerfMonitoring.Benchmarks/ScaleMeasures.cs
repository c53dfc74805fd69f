using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PerfMonitoring.Postgres;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// Measures the constants of <see cref="ScaleConstants"/>: what a collection costs the store, the monitored server and this
/// process, and what a schema of the store costs that is not used. CPU times are read from /proc, so it needs Linux.
/// </summary>
internal static class ScaleMeasures
{
    public const string Usage =
        """
        scale-measure [--schemas 300] [--rounds 50] [--sessions 20]
                      [--store <connection string of an empty database, for its times only; else a server of its own>]
        """;

    // Two numbers of statements, so that what a collection costs and what a row costs can be told apart.
    private const int Few = 50;
    private const int Many = 500;
    private const string Schema = "perf_monitoring";

    // A process that collects all day has compiled its code.
    private const int WarmUps = 20;

    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> options)
    {
        var schemas = Number(options, "schemas", "300");
        var rounds = Number(options, "rounds", "50");
        var sessions = Number(options, "sessions", "20");
        await using var monitored = await PostgresCluster.StartAsync(new ClusterOptions(), CancellationToken.None);
        var shop = await monitored.CreateDatabaseAsync(null, CancellationToken.None);
        await monitored.ExecuteAsync(shop, MonitoredTable(), CancellationToken.None);
        if (options.TryGetValue("store", out var other))
        {
            await MeasureRoundsAsync(monitored, shop, null, other, rounds);
            return 0;
        }

        await using var store = await PostgresCluster.StartAsync(
            new ClusterOptions
            {
                PreloadExtensions = false,
                Settings = new Dictionary<string, string>
                {
                    ["full_page_writes"] = "on",
                    ["max_locks_per_transaction"] = "2048",
                    ["max_connections"] = "300",
                },
            },
            CancellationToken.None);
        Console.WriteLine($"PostgreSQL {store.MajorVersion}; {Environment.ProcessorCount} processors");
        var database = await store.CreateDatabaseAsync(null, CancellationToken.None);
        await MeasureRoundsAsync(monitored, shop, store, store.ConnectionString(database), rounds);
        await MeasureSessionsAsync(monitored, shop, store, store.ConnectionString(database), sessions);
        await MeasureSchemasAsync(store, schemas);
        return 0;
    }

    // Rows and bytes of the log, and CPU and time of a collection.
    private static async Task MeasureRoundsAsync(
        PostgresCluster monitored, string shop, PostgresCluster? store, string storeDatabase, int rounds)
    {
        await using var connection = await ConnectAsync(monitored, shop, storeDatabase);
        await connection.Store.UpgradeAsync(CancellationToken.None);
        var costs = new List<RoundCost>();
        foreach (var statements in new[] { Few, Many })
        {
            for (var warmUp = 0; warmUp < WarmUps; warmUp++)
            {
                await RunStatementsAsync(monitored, shop, statements);
                await connection.QueryLog.UpdateAsync(new Progress<string>(), CancellationToken.None);
            }

            costs.Add(await MeasureRoundsAsync(connection, monitored, shop, store, storeDatabase, statements, rounds));
        }

        var (few, many) = (costs[0], costs[1]);
        var rows = many.Rows - few.Rows;
        Say("rows a round", $"{few.Rows:F0} of {Few} statements, {many.Rows:F0} of {Many}");
        Say("RoundMs", many.Ms - (many.Rows * (many.Ms - few.Ms) / rows));
        Say("RowMs", (many.Ms - few.Ms) / rows);
        Say("RowBytes", many.Bytes / many.Rows);
        Say("RowWalBytes", many.Wal / many.Rows);
        Say("RoundTransactions", many.Transactions);
        if (store is not null)
        {
            foreach (var (name, a, b) in new[]
            {
                ("Client", few.ClientMs, many.ClientMs), ("Store", few.StoreMs, many.StoreMs),
                ("Monitored", few.MonitoredMs, many.MonitoredMs),
            })
            {
                Say($"{name}RoundCpuMs", a - (few.Rows * (b - a) / rows));
                Say($"{name}RowCpuMs", (b - a) / rows);
            }
        }
    }

    private static async Task<RoundCost> MeasureRoundsAsync(
        IMonitoringConnection connection, PostgresCluster monitored, string shop, PostgresCluster? store, string storeDatabase,
        int statements, int rounds)
    {
        var times = new List<double>();
        var (rows, client, ofStore, ofMonitored) = (0L, 0.0, 0.0, 0.0);
        var before = await SizeAsync(storeDatabase);
        for (var round = 0; round < rounds; round++)
        {
            await RunStatementsAsync(monitored, shop, statements);
            var start = (Cpu: ClientCpuMs(), Store: CpuMs(store), Monitored: CpuMs(monitored));
            var clock = Stopwatch.StartNew();
            rows += (await connection.QueryLog.UpdateAsync(new Progress<string>(), CancellationToken.None)).Statements;
            times.Add(clock.Elapsed.TotalMilliseconds);
            client += ClientCpuMs() - start.Cpu;
            ofStore += CpuMs(store) - start.Store;
            ofMonitored += CpuMs(monitored) - start.Monitored;
        }

        var after = await SizeAsync(storeDatabase);
        return new RoundCost(
            rows / (double)rounds, times.Order().ElementAt(times.Count / 2), client / rounds, ofStore / rounds,
            ofMonitored / rounds,
            (after.Bytes - before.Bytes) / (double)rounds, (after.Wal - before.Wal) / (double)rounds,
            (after.Transactions - before.Transactions) / (double)rounds);
    }

    // What a session costs this process and the store, and how many connections remain after its collection.
    private static async Task MeasureSessionsAsync(
        PostgresCluster monitored, string shop, PostgresCluster store, string storeDatabase, int sessions)
    {
        var open = new List<IMonitoringConnection>();
        var start = (Set: ProcessBytes(), Store: CpuMs(store), Client: ClientCpuMs());
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < sessions; i++)
        {
            var connection = await ConnectAsync(monitored, shop, storeDatabase);
            open.Add(connection);
            await connection.QueryLog.UpdateAsync(new Progress<string>(), CancellationToken.None);
        }

        Say("SessionMs", clock.Elapsed.TotalMilliseconds / sessions, "connect, look at the store's catalog, first collection");
        Say("SessionClientCpuMs", (ClientCpuMs() - start.Client) / sessions);
        Say("SessionStoreCpuMs", (CpuMs(store) - start.Store) / sessions);
        Say("SessionClientBytes", (ProcessBytes() - start.Set) / (double)sessions);
        foreach (var (name, server) in new[] { ("Store", store), ("Monitored", monitored) })
        {
            var count = await ScalarAsync(
                server.ConnectionString("postgres"),
                "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()");
            Say($"Session{name}Connections", (double)count / sessions, "left open by a session");
        }

        foreach (var connection in open)
        {
            await connection.DisposeAsync();
        }
    }

    // What schemas cost that nobody uses: the catalog, a backend's caches, pg_dump, autovacuum.
    private static async Task MeasureSchemasAsync(PostgresCluster store, int schemas)
    {
        var name = await store.CreateDatabaseAsync(null, CancellationToken.None);
        var database = store.ConnectionString(name);
        const string catalog = "select sum(pg_total_relation_size(oid)) from pg_class "
            + "where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'";
        var empty = (Size: await SizeAsync(database), Catalog: await ScalarAsync(database, catalog));
        var idle = await VacuumCpuMsAsync(store);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < schemas; i++)
        {
            await using var connection = await new PostgresBackend().ConnectAsync(
                new ConnectionSettings { ConnectionString = database }, null, null, CancellationToken.None);
            await connection.Store.UpgradeAsync(CancellationToken.None);
            await store.ExecuteAsync(
                name,
                $"""
                select {Schema}.add_query_log_partition(now() + i * interval '7 days') from generate_series(-4, 1) i;
                alter schema {Schema} rename to {Schema}_{i};
                """,
                CancellationToken.None);
        }

        Say("SchemaSeconds", clock.Elapsed.TotalSeconds / schemas, "made, with six weeks of partitions");
        await store.ExecuteAsync(name, "checkpoint; analyze", CancellationToken.None);
        Say("SchemaBytes", ((await SizeAsync(database)).Bytes - empty.Size.Bytes) / (double)schemas, "of which the catalog:");
        var inCatalog = $"from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname ~ '^{Schema}'";
        Say("SchemaCatalogBytes", (await ScalarAsync(database, catalog) - empty.Catalog) / (double)schemas);
        Say("SchemaTables", await ScalarAsync(
            database, $"select count(*) {inCatalog} and c.relkind in ('r', 'p')") / (double)schemas, "pg_dump locks each");
        Say("SchemaRelations", (await ScalarAsync(database, $"select count(*) {inCatalog}") + await ScalarAsync(
            database,
            $"select count(*) from pg_class t where t.oid in (select c.reltoastrelid {inCatalog}) or t.oid in "
                + $"(select i.indexrelid from pg_index i where i.indrelid in (select c.reltoastrelid {inCatalog}))"))
            / (double)schemas, "with TOAST and indexes");
        Say("WeekRelations", await ScalarAsync(database, $"select count(*) {inCatalog} and c.relname ~ '_[0-9]{{8}}'")
            / (double)schemas / 6, "that a week adds, without TOAST");
        Say("BackendSchemaBytes", await CacheBytesAsync(database, schemas), "of a backend that used a schema's log once");
        Say("SchemaVacuumCpuMs", (await VacuumCpuMsAsync(store) - idle) / schemas, "an autovacuum with nothing to do");
        clock.Restart();
        using var dump = Process.Start(new ProcessStartInfo(store.Installation.Tool("pg_dump")!)
        {
            ArgumentList = { "--schema-only", "--file", OperatingSystem.IsWindows() ? "NUL" : "/dev/null", "--dbname",
                $"host=127.0.0.1 port={store.Port} user={PostgresCluster.UserName} dbname={name}" },
        })!;
        await dump.WaitForExitAsync();
        Say("SchemaDumpSeconds", clock.Elapsed.TotalSeconds / schemas, $"pg_dump --schema-only, exit code {dump.ExitCode}");
        clock.Restart();
        await store.ExecuteAsync(name, $"drop schema {Schema}_0 cascade", CancellationToken.None);
        Say("SchemaDropSeconds", clock.Elapsed.TotalSeconds);
    }

    // The growth of a backend's catalog caches for each schema that it uses.
    private static async Task<double> CacheBytesAsync(string database, int schemas)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        async Task<long> CachesAsync()
        {
            await using var command = new NpgsqlCommand(
                "select sum(total_bytes)::bigint from pg_backend_memory_contexts", connection);
            return (long)(await command.ExecuteScalarAsync())!;
        }

        async Task UseAsync(int i)
        {
            await using var command = new NpgsqlCommand(
                $"""
                insert into {Schema}_{i}.query_performance_log (id, query_hash, query_pattern, execution_time_ms, rows_examined,
                    rows_returned, database_user)
                values (gen_random_uuid(), repeat('a', 64), 'select', 1, 1, 1, 'app');
                select count(*) from {Schema}_{i}.query_performance_log l
                left join {Schema}_{i}.query_performance_interval i on i.id = l.id;
                """,
                connection);
            await command.ExecuteNonQueryAsync();
        }

        await UseAsync(0);
        var first = await CachesAsync();
        for (var i = 1; i < schemas; i++)
        {
            await UseAsync(i);
        }

        return (await CachesAsync() - first) / (schemas - 1.0);
    }

    // CPU of the workers of one round of autovacuum: from the ends of several, a second apart.
    private static async Task<double> VacuumCpuMsAsync(PostgresCluster store)
    {
        await store.ExecuteAsync(
            "postgres", "alter system set autovacuum_naptime = '1s'", CancellationToken.None);
        await store.ExecuteAsync("postgres", "select pg_reload_conf()", CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(15));
        var (start, clock) = (CpuMs(store), Stopwatch.StartNew());
        await Task.Delay(TimeSpan.FromSeconds(20));
        // Each database gets a worker once a naptime.
        var cpu = (CpuMs(store) - start) / clock.Elapsed.TotalSeconds;
        await store.ExecuteAsync("postgres", "alter system reset autovacuum_naptime", CancellationToken.None);
        await store.ExecuteAsync("postgres", "select pg_reload_conf()", CancellationToken.None);
        return cpu;
    }

    private static async Task<IMonitoringConnection> ConnectAsync(PostgresCluster monitored, string shop, string storeDatabase) =>
        await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = monitored.ConnectionString(shop) + ";Pooling=true" },
            new ConnectionSettings { ConnectionString = storeDatabase + ";Pooling=true" }, null, CancellationToken.None);

    // Statements as applications send them: different columns of a table, about 200 characters.
    private static async Task RunStatementsAsync(PostgresCluster monitored, string shop, int statements)
    {
        await using var connection = new NpgsqlConnection(monitored.ConnectionString(shop));
        await connection.OpenAsync();
        await using var batch = new NpgsqlBatch(connection);
        for (var i = 1; i <= statements; i++)
        {
            var columns = string.Join(
                ", ", Enumerable.Range(0, Columns.Length).Where(c => (i >> c & 1) == 1).Select(c => $"o.{Columns[c]}"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                $"select o.id, {columns} from customer_orders o where o.customer_id = 1 and o.placed_at > '2026-01-01' "
                    + "and o.state in ('open', 'paid') order by o.placed_at desc limit 20"));
        }

        await batch.ExecuteNonQueryAsync();
    }

    private static readonly string[] Columns =
        ["total_amount", "currency_code", "shipping_address", "billing_address", "warehouse_id", "carrier_name", "tracking_code",
            "discount_rate", "updated_at", "created_by"];

    private static string MonitoredTable() =>
        "create extension pg_stat_statements; create table customer_orders (id int primary key, customer_id int, "
            + "placed_at timestamptz, state text, " + string.Join(", ", Columns.Select(c => $"{c} text")) + ")";

    private static async Task<(long Bytes, long Wal, long Transactions)> SizeAsync(string database) => (
        await ScalarAsync(database, "select pg_database_size(current_database())"),
        await ScalarAsync(database, "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"),
        await ScalarAsync(database, "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"));

    private static async Task<long> ScalarAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    // The CPU time of a server's processes, also of those that ended. Ticks are hundredths of a second on Linux.
    private static double CpuMs(PostgresCluster? server)
    {
        if (server is null)
        {
            return 0;
        }

        var postmaster = int.Parse(
            File.ReadLines(Path.Combine(server.Folder, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var process) && Fields(process) is { } fields
                && (process == postmaster || fields[1] == postmaster))
            {
                // utime, stime, and of the postmaster's ended children cutime and cstime.
                ticks += fields[11] + fields[12] + (process == postmaster ? fields[13] + fields[14] : 0);
            }
        }

        return ticks * 10.0;
    }

    // The numbers behind the name of the program in /proc/<process>/stat; null for a process that is gone.
    private static long[]? Fields(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return [.. text[(text.LastIndexOf(')') + 2)..].Split(' ').Select(f => long.TryParse(f, out var n) ? n : 0)];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static double ClientCpuMs() => Process.GetCurrentProcess().TotalProcessorTime.TotalMilliseconds;

    private static long ProcessBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static int Number(IReadOnlyDictionary<string, string> options, string name, string usual) =>
        int.Parse(options.GetValueOrDefault(name, usual), CultureInfo.InvariantCulture);

    private static void Say(string name, double value, string what = "") =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28} {value,14:#,0.####}  {what}"));

    private static void Say(string name, string value) => Console.WriteLine($"{name,-28} {value}");

    private sealed record RoundCost(
        double Rows, double Ms, double ClientMs, double StoreMs, double MonitoredMs, double Bytes, double Wal,
        double Transactions);
}
