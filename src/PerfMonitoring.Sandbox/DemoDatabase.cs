using System.Diagnostics;
using System.Globalization;

namespace PerfMonitoring.Sandbox;

/// <summary>The database of a small web shop, and the workload of its users.</summary>
public static class DemoDatabase
{
    /// <summary>The database's name.</summary>
    public const string Name = "demo";

    private const int LoadSeconds = 15;

    // Weights as in a shop: most users look at products, few request a report.
    private static readonly (string Script, int Weight)[] Load =
    [
        ("orders_of_customer", 30),
        ("order_lines", 30),
        ("customer_by_email", 12),
        ("product_search", 10),
        ("open_orders", 6),
        ("product_attributes", 6),
        ("recent_revenue", 3),
        ("place_order", 3),
    ];

    /// <summary>Settings for parallel queries and index builds on a small machine.</summary>
    public static ClusterOptions Options { get; } = new()
    {
        Settings = new Dictionary<string, string>
        {
            ["shared_buffers"] = "512MB",
            ["maintenance_work_mem"] = "128MB",
            ["random_page_cost"] = "1.1",
            ["auto_explain.log_min_duration"] = "1s",
        },
    };

    private static string Files => Path.Combine(AppContext.BaseDirectory, "Demo");

    /// <summary>Creates and fills the database and runs the first workload on it.</summary>
    /// <exception cref="InvalidOperationException">pgbench is missing or failed.</exception>
    public static async Task PrepareAsync(PostgresCluster cluster, CancellationToken cancellationToken)
    {
        await cluster.CreateDatabaseAsync(Name, cancellationToken);
        foreach (var script in Directory.EnumerateFiles(Files, "*.sql").Order(StringComparer.Ordinal))
        {
            var watch = Stopwatch.StartNew();
            var sql = await File.ReadAllTextAsync(script, cancellationToken);
            await cluster.ExecuteAsync(Name, sql, cancellationToken);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"sandbox: {Path.GetFileName(script)} in {watch.Elapsed.TotalSeconds:0.0} s"));
        }

        await cluster.ExecuteAsync(Name, "vacuum (analyze)", cancellationToken);
        // The statements that filled the database do not belong to the workload.
        await cluster.ExecuteAsync(Name, "select pg_stat_statements_reset()", cancellationToken);
        await LoadAsync(cluster.Environment(Name), LoadSeconds, cancellationToken);
    }

    /// <summary>Runs the workload with pgbench.</summary>
    /// <param name="environment">The PG* variables of the database, if this process does not have them.</param>
    /// <param name="seconds">The duration in seconds.</param>
    /// <param name="cancellationToken">Ends pgbench early.</param>
    /// <exception cref="InvalidOperationException">pgbench is missing or failed; the message holds what it printed.</exception>
    public static async Task LoadAsync(
        IReadOnlyDictionary<string, string> environment, int seconds, CancellationToken cancellationToken)
    {
        var pgbench = PostgresInstallation.Find()?.Tool("pgbench")
            ?? throw new PostgresMissingException("no pgbench found beside the PostgreSQL server programs");
        Console.WriteLine($"sandbox: {Load.Length} kinds of statements from 4 clients for {seconds} s");
        var start = new ProcessStartInfo(pgbench)
        {
            ArgumentList = { "--no-vacuum", "--client=4", "--jobs=1", $"--time={seconds}", "--random-seed=42" },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (script, weight) in Load)
        {
            start.ArgumentList.Add("--file=" + Path.Combine(Files, $"{script}.pgbench@{weight}"));
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"pgbench failed with exit code {process.ExitCode}: {(await errors).Trim()}");
        }

        foreach (var line in (await output).Split('\n').Where(line =>
            line.StartsWith("tps", StringComparison.Ordinal)
            || line.StartsWith("number of transactions actually", StringComparison.Ordinal)))
        {
            Console.WriteLine("sandbox: " + line);
        }
    }
}
