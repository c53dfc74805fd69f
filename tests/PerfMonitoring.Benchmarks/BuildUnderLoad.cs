using System.Diagnostics;
using System.Globalization;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// The effect of a build on pgbench on the same table: throughput and p99 latency while Invoke-IndexCreation builds, compared
/// with bare CREATE INDEX CONCURRENTLY in psql, in turns.
/// </summary>
internal static class BuildUnderLoad
{
    public const string Usage = "build [--scale 15 (of pgbench)] [--rounds 7] [--clients 4]";

    private const string Database = "build_benchmark";

    // The limit for "no worse" on a noisy machine, by the medians.
    private const double LeastThroughput = 0.95;
    private const double MostLatency = 1.10;

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);

    // The last lines of pgbench's log are still in its buffer when it is stopped.
    private static readonly TimeSpan Buffered = TimeSpan.FromSeconds(3);

    private static readonly IndexDefinition Wanted = new()
    {
        Table = new RelationName("public", "pgbench_accounts"), Name = "by_balance",
        Keys = [IndexKey.OnColumn("abalance"), IndexKey.OnColumn("aid")], Include = ["filler"],
    };

    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> options)
    {
        var scale = int.Parse(options.GetValueOrDefault("scale", "15"), CultureInfo.InvariantCulture);
        var rounds = int.Parse(options.GetValueOrDefault("rounds", "7"), CultureInfo.InvariantCulture);
        var clients = int.Parse(options.GetValueOrDefault("clients", "4"), CultureInfo.InvariantCulture);
        await using var cluster = await PostgresCluster.StartAsync(new ClusterOptions(), CancellationToken.None);
        await cluster.CreateDatabaseAsync(Database, CancellationToken.None);
        await RunProgramAsync(cluster, "pgbench", "--initialize", "--quiet", $"--scale={scale}");
        await using var connection = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = cluster.ConnectionString(Database) + ";Pooling=true" }, null, null,
            CancellationToken.None);
        await connection.Store.UpgradeAsync(CancellationToken.None);

        var sides = new (string Name, Func<Task> Build, List<Measure> Measures)[]
        {
            ("psql", () =>
                RunProgramAsync(
                    cluster, "psql", "--no-psqlrc", "--quiet", "--command", Wanted.ToCreateStatement(concurrently: true)), []),
            ("PerfMonitoring", () => CreateAsync(connection), []),
        };
        Console.WriteLine(
            $"pgbench -s {scale} -c {clients}, {rounds} rounds of both; {Wanted.ToCreateStatement(concurrently: true)}");
        for (var round = 0; round <= rounds; round++)
        {
            // The order alternates, so that a drift of the machine affects both. Work that a process does once falls into the
            // first round, which does not count.
            foreach (var side in round % 2 == 0 ? sides : sides.Reverse())
            {
                var measure = await MeasureAsync(cluster, clients, side.Build);
                if (round > 0)
                {
                    side.Measures.Add(measure);
                }

                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round}  {side.Name,-14} {measure}"));
            }
        }

        var (psql, ours) = (sides[0].Measures, sides[1].Measures);
        Console.WriteLine();
        Console.WriteLine("| median | psql | PerfMonitoring | ratio | ratio of the rounds, least - most |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        var throughput = Compare("transactions/s, build", m => m.Throughput);
        var latency = Compare("p99 latency, build (ms)", m => m.P99);
        Compare("transactions/s, before", m => m.QuietThroughput);
        Compare("p99 latency, before (ms)", m => m.QuietP99);
        Compare("build (s)", m => m.Seconds);
        return throughput >= LeastThroughput && latency <= MostLatency ? 0 : 1;

        double Compare(string name, Func<Measure, double> of)
        {
            var (theirs, mine) = (Median(psql.Select(of)), Median(ours.Select(of)));
            var ratios = psql.Zip(ours, (p, o) => of(o) / of(p)).Order().ToList();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {name} | {theirs:F1} | {mine:F1} | {mine / theirs:F2} | {ratios[0]:F2} - {ratios[^1]:F2} |"));
            return mine / theirs;
        }
    }

    private static async Task CreateAsync(IMonitoringConnection connection)
    {
        var creator = new IndexCreator(connection, new IndexCreationOptions());
        var strategy = new IndexStrategy { Definition = Wanted };
        var (result, error) = await creator.CreateAsync(strategy, new Progress<IndexChangeProgress>(), CancellationToken.None);
        if (result.State != IndexCreationState.Created)
        {
            throw new InvalidOperationException($"The index was not built: {result.State} {error?.Message}");
        }
    }

    private static async Task<Measure> MeasureAsync(PostgresCluster cluster, int clients, Func<Task> build)
    {
        await cluster.ExecuteAsync(Database, "drop index if exists by_balance", CancellationToken.None);
        await cluster.ExecuteAsync(Database, "vacuum analyze", CancellationToken.None);
        await cluster.ExecuteAsync(Database, "checkpoint", CancellationToken.None);
        var folder = Directory.CreateTempSubdirectory("perfmonitoring-build-");
        try
        {
            using var pgbench = StartProgram(
                cluster, "pgbench", "--client", $"{clients}", "--jobs", "2", "--time=3600", "--no-vacuum", "--log",
                $"--log-prefix={Path.Combine(folder.FullName, "log")}");
            var output = Task.WhenAll(pgbench.StandardOutput.ReadToEndAsync(), pgbench.StandardError.ReadToEndAsync());
            await Task.Delay(TimeSpan.FromSeconds(1));
            var quiet = DateTimeOffset.UtcNow;
            await Task.Delay(Quiet);
            var began = DateTimeOffset.UtcNow;
            await build();
            var ended = DateTimeOffset.UtcNow;
            await Task.Delay(Buffered);
            if (pgbench.HasExited)
            {
                throw new InvalidOperationException($"pgbench ended by itself: {string.Join('\n', await output)}");
            }

            pgbench.Kill();
            await pgbench.WaitForExitAsync();
            var transactions = folder.GetFiles().SelectMany(f => File.ReadLines(f.FullName))
                .Select(Read).OfType<(DateTimeOffset At, double Ms)>().ToList();
            var (quietThroughput, quietP99) = Within(transactions, quiet, began);
            var (throughput, p99) = Within(transactions, began, ended);
            return new Measure((ended - began).TotalSeconds, throughput, p99, quietThroughput, quietP99);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // client, number, latency in microseconds, script, seconds and microseconds of its end. The last line may be cut.
    private static (DateTimeOffset At, double Ms)? Read(string line) =>
        line.Split(' ') is [_, _, var latency, _, var seconds, var microseconds]
            && double.TryParse(latency, CultureInfo.InvariantCulture, out var us)
            && long.TryParse(seconds, CultureInfo.InvariantCulture, out var s)
            && long.TryParse(microseconds, CultureInfo.InvariantCulture, out var fraction)
            ? (DateTimeOffset.FromUnixTimeSeconds(s).AddMicroseconds(fraction), us / 1000)
            : null;

    private static (double Throughput, double P99) Within(
        List<(DateTimeOffset At, double Ms)> transactions, DateTimeOffset from, DateTimeOffset until)
    {
        var times = transactions.Where(t => t.At >= from && t.At < until).Select(t => t.Ms).Order().ToList();
        return times.Count == 0
            ? throw new InvalidOperationException("pgbench did nothing in that time.")
            : (times.Count / (until - from).TotalSeconds, times[(int)(times.Count * 0.99)]);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    private static async Task RunProgramAsync(PostgresCluster cluster, string program, params string[] arguments)
    {
        using var process = StartProgram(cluster, program, arguments);
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(
                $"{program} ended with exit code {process.ExitCode}: {string.Join('\n', await output)}");
        }
    }

    private static Process StartProgram(PostgresCluster cluster, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(cluster.Installation.Tool(program)!, arguments) {
            RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in cluster.Environment(Database))
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private sealed record Measure(double Seconds, double Throughput, double P99, double QuietThroughput, double QuietP99)
    {
        public override string ToString() => string.Create(
            CultureInfo.InvariantCulture,
            $"build {Seconds:F1} s: {Throughput:F0} transactions/s, p99 {P99:F1} ms; before: {QuietThroughput:F0}, "
                + $"{QuietP99:F1} ms");
    }
}
