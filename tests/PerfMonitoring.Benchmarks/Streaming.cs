using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Runspaces;
using Npgsql;
using PerfMonitoring.Postgres;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// Reads the whole stored log: through the cmdlets in a runspace, through the repository, and with a bare NpgsqlDataReader that
/// creates the same objects. Limits: twice the bare reader's time, and 100 MB above the idle shell.
/// </summary>
internal static class Streaming
{
    private const double MostTimes = 2;
    private const double MostMegabytes = 100;
    private const int Rounds = 5;

    public static async Task<int> RunAsync(int rows)
    {
        await using var cluster = await PostgresCluster.StartAsync(new ClusterOptions(), CancellationToken.None);
        var database = await cluster.CreateDatabaseAsync(null, CancellationToken.None);
        var connectionString = cluster.ConnectionString(database) + ";Pooling=true";
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = connectionString }, null, null, CancellationToken.None);
        await connection.Store.UpgradeAsync(CancellationToken.None);
        Console.WriteLine($"PostgreSQL {cluster.MajorVersion}, {rows:N0} rows of the log");
        await FillAsync(connectionString, rows);

        using var shell = new Shell(connectionString);
        var good = true;
        good &= JudgeMemory("Get-QueryPerformanceLog", rows, shell.Measure("Get-QueryPerformanceLog"));
        good &= JudgeMemory("Get-SlowQuery -FromLog", 0, shell.Measure("Get-SlowQuery -FromLog"));

        good &= await JudgeTimeAsync(
            "Get-QueryPerformanceLog",
            () => BareLogAsync(connectionString),
            () => CountAsync(connection.QueryLog.GetAsync(new QueryPerformanceLogFilter(), CancellationToken.None)),
            () => shell.Time("Get-QueryPerformanceLog"));
        good &= await JudgeTimeAsync(
            "Get-SlowQuery -FromLog",
            () => BareSlowQueriesAsync(connectionString),
            () => CountAsync(connection.QueryLog.GetSlowQueriesAsync(new SlowQueryFilter(), CancellationToken.None)),
            () => shell.Time("Get-SlowQuery -FromLog"));
        return good ? 0 : 1;
    }

    private static bool JudgeMemory(string what, int rows, MemoryUse use)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{what,-24} memory above the idle shell: {use.WorkingSetMegabytes:F1} MB working set, {use.HeapMegabytes:F1} MB "
                + $"managed heap, {use.Rows:N0} objects"));
        return use.WorkingSetMegabytes <= MostMegabytes && (rows == 0 || use.Rows == rows);
    }

    private static async Task<bool> JudgeTimeAsync(
        string what, Func<Task<long>> bare, Func<Task<long>> repository, Func<long> cmdlet)
    {
        var times = new (string Name, List<double> Ms)[] { ("bare reader", []), ("repository", []), ("cmdlet", []) };
        for (var round = 0; round <= Rounds; round++)
        {
            // They run in turns, so that variations of the machine affect all three; the first round is a warm-up.
            var all = new[] {
                await TimeAsync(bare), await TimeAsync(repository), await TimeAsync(() => Task.FromResult(cmdlet())) };
            for (var i = 0; i < all.Length && round > 0; i++)
            {
                times[i].Ms.Add(all[i]);
            }
        }

        var medians = times.Select(t => t.Ms.Order().ElementAt(Rounds / 2)).ToArray();
        for (var i = 0; i < times.Length; i++)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-24} {times[i].Name,-12} {medians[i],8:F0} ms  x{medians[i] / medians[0]:F2}  ({times[i].Ms.Min():F0} "
                    + $"- {times[i].Ms.Max():F0})"));
        }

        return medians[1] <= MostTimes * medians[0] && medians[2] <= MostTimes * medians[0];
    }

    private static async Task<double> TimeAsync(Func<Task<long>> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed.TotalMilliseconds;
    }

    private static async Task<long> CountAsync<T>(IAsyncEnumerable<T> source)
    {
        var count = 0L;
        await foreach (var item in source)
        {
            GC.KeepAlive(item);
            count++;
        }

        return count;
    }

    private static Task<long> BareLogAsync(string connectionString) =>
        BareAsync(connectionString, "GetQueryPerformanceLog", row => new QueryPerformanceEntry
    {
        Id = row.GetGuid(0),
        QueryHash = row.GetString(1),
        Query = row.GetString(2),
        ExecutionTimeMs = row.GetDouble(3),
        RowsExamined = row.IsDBNull(4) ? null : row.GetInt64(4),
        RowsExaminedIsEstimate = row.IsDBNull(5) ? null : row.GetBoolean(5),
        RowsReturned = row.GetInt64(6),
        IndexesUsed = row.IsDBNull(7) ? null : row.GetString(7),
        ExecutionPlan = row.IsDBNull(8) ? null : row.GetString(8),
        UsedIndex = row.IsDBNull(9) ? null : row.GetBoolean(9),
        IsSlowQuery = row.GetBoolean(10),
        SlowQueryThresholdMs = row.GetDouble(11),
        DatabaseUser = row.GetString(12),
        ApplicationContext = row.IsDBNull(13) ? null : row.GetString(13),
        ExecutedAt = row.GetFieldValue<DateTimeOffset>(14),
        QueryId = row.IsDBNull(15) ? null : row.GetInt64(15),
        Calls = row.IsDBNull(16) ? null : row.GetInt64(16),
        TotalTimeMs = row.IsDBNull(17) ? null : row.GetDouble(17),
        IntervalStart = row.IsDBNull(18) ? null : row.GetFieldValue<DateTimeOffset>(18),
    });

    private static Task<long> BareSlowQueriesAsync(string connectionString) =>
        BareAsync(connectionString, "GetSlowQueriesFromLog", row => new SlowQuery
    {
        Query = row.GetString(0),
        QueryHash = row.GetString(1),
        Calls = row.GetInt64(3),
        TotalTimeMs = row.GetDouble(4),
        MeanTimeMs = row.GetDouble(5),
        TimeShare = row.GetDouble(7),
        Rows = row.GetInt64(8),
        UserName = row.IsDBNull(14) ? null : row.GetString(14),
        Since = row.GetFieldValue<DateTimeOffset>(16),
        Until = row.GetFieldValue<DateTimeOffset>(17),
    });

    private static async Task<long> BareAsync<T>(string connectionString, string file, Func<NpgsqlDataReader, T> map)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(Sql.InSchema(Sql.Get(file), "perf_monitoring"), connection) {
            CommandTimeout = 0 };
        foreach (var (name, value) in new (string, object)[]
        {
            ("DatabaseName", ""), ("Since", DBNull.Value), ("Until", DBNull.Value),
            ("QueryHash", DBNull.Value),
            ("Users", DBNull.Value), ("SlowOnly", false), ("MinimumMs", 0.0), ("First", DBNull.Value),
            ("Databases", new[] { ".*" }),
            ("Like", DBNull.Value), ("ExcludeLike", DBNull.Value), ("MinimumMeanMs", 0.0), ("MinimumCalls", 0L),
            ("OrderBy", "Total"), ("Top", DBNull.Value),
        })
        {
            command.Parameters.AddWithValue(name, value);
        }

        await using var reader = await command.ExecuteReaderAsync();
        var count = 0L;
        while (await reader.ReadAsync())
        {
            GC.KeepAlive(map(reader));
            count++;
        }

        return count;
    }

    // A row every quarter of a second over about three days, of 5,000 statements, with about a hundred bytes of text each, as in
    // practice.
    private static async Task FillAsync(string connectionString, int rows)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            select perf_monitoring.add_query_log_partition(now() - i * interval '7 days') from generate_series(0, 1) i;
            create temporary table e as
            select
                (overlay(perf_monitoring.uuid_v7_floor(at)::text placing lpad(to_hex(i), 12, '0') from 25))::uuid as id,
                encode(sha256(convert_to((i % 5000)::text, 'UTF8')), 'hex') as hash, i % 5000 as n, i, at
            from (select i, now() - (@Rows - i) * interval '0.25 s' as at from generate_series(1, @Rows) i) r;
            insert into perf_monitoring.query_performance_log
                (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, is_slow_query, database_user, application_context, executed_at)
            select id, hash, 'select o.id, o.total, c.name from orders o join customers c on c.id = o.customer_id where o.state = $1 and o.placed_at > $2 and c.region_' || n || ' = $3 order by o.placed_at desc limit $4',
                (n + 1) / 10.0, n, n % 50, n > 4990, 'app_' || n % 5, '127.0.0.1:5432/shop', at
            from e;
            insert into perf_monitoring.query_performance_interval
                (id, queryid, dbid, userid, toplevel, calls, total_time_ms, rows, shared_blocks_hit, shared_blocks_read, temp_blocks_written, interval_start, interval_end)
            select id, n, 1, 1, true, 1 + n % 7, (1 + n % 7) * (n + 1) / 10.0, n % 50 * (1 + n % 7), n, 1, 0, at - interval '5 min', at
            from e;
            drop table e;
            """,
            connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("Rows", rows);
        await command.ExecuteNonQueryAsync();
        await using var analyze = new NpgsqlCommand(
            "vacuum analyze perf_monitoring.query_performance_log, perf_monitoring.query_performance_interval", connection) {
                CommandTimeout = 0 };
        await analyze.ExecuteNonQueryAsync();
    }

    private sealed record MemoryUse(double WorkingSetMegabytes, double HeapMegabytes, long Rows);

    /// <summary>A PowerShell session with the staged module, connected.</summary>
    private sealed class Shell : IDisposable
    {
        private readonly Runspace runspace;

        public Shell(string connectionString)
        {
            runspace = RunspaceFactory.CreateRunspace(InitialSessionState.CreateDefault2());
            runspace.Open();
            Invoke("Import-Module -Name $args[0] -ErrorAction Stop",
                Path.Combine(Repository.Root, "artifacts", "module", "PerfMonitoring", "PerfMonitoring.psd1"));
            Invoke("$null = Connect-PerfMonitoring -ConnectionString $args[0]", connectionString);
        }

        // The pipeline ends in Out-Null, so that no other work of PowerShell is measured.
        public long Time(string command) => Invoke($"{command} | Out-Null").Count;

        /// <summary>The most memory that a command uses above that of the session before.</summary>
        public MemoryUse Measure(string command)
        {
            var process = Process.GetCurrentProcess();
            Collect();
            process.Refresh();
            var (idleSet, idleHeap) = (process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true));
            var (mostSet, mostHeap) = (idleSet, idleHeap);
            using var sampler = new Timer(
                _ =>
                {
                    process.Refresh();
                    mostSet = Math.Max(mostSet, process.WorkingSet64);
                    mostHeap = Math.Max(mostHeap, GC.GetTotalMemory(forceFullCollection: false));
                },
                null, 0, 10);
            var rows = (long)Invoke($"$count = 0L; {command} | ForEach-Object -Process {{ $count++ }}; $count")[0].BaseObject;
            return new MemoryUse((mostSet - idleSet) / 1048576.0, (mostHeap - idleHeap) / 1048576.0, rows);
        }

        public void Dispose() => runspace.Dispose();

        private IList<PSObject> Invoke(string script, params object[] arguments)
        {
            using var shell = PowerShell.Create(runspace).AddScript(script);
            foreach (var argument in arguments)
            {
                shell.AddArgument(argument);
            }

            var output = shell.Invoke();
            return shell.HadErrors ? throw new InvalidOperationException(string.Join('\n', shell.Streams.Error)) : output;
        }

        private static void Collect()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }
    }
}
