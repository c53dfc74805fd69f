using BenchmarkDotNet.Running;
using PerfMonitoring.Benchmarks;

// dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- streaming the log's million rows: time against a bare
// reader, memory dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- text normalising and hashing of query texts
// dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- advisor --connection ... --queries ... the advice, built and
// timed, beside other advisors' dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- advisor-scale advice for 10 to
// 10,000 statements: time and what-if calls dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- verification
// [trials] verdicts of Test-IndexStrategy on synthetic times of known effect dotnet run -c Release --project
// tests/PerfMonitoring.Benchmarks -- build pgbench on the same table while an index is built: against psql
switch (args)
{
    case ["streaming", .. var rest]:
        return await Streaming.RunAsync(
            rest is [var rows] ? int.Parse(rows, System.Globalization.CultureInfo.InvariantCulture) : 1_000_000);
    case ["text"]:
        BenchmarkRunner.Run<QueryTextBenchmarks>();
        return 0;
    case ["advisor", .. var rest]
        when Options(rest) is { } options && options.ContainsKey("connection") && options.ContainsKey("queries"):
        return await AdvisorQuality.RunAsync(options);
    case ["verification", .. var rest]:
        return VerificationQuality.Run(
            rest is [var trials] ? int.Parse(trials, System.Globalization.CultureInfo.InvariantCulture) : 2000);
    case ["advisor-scale", .. var rest] when Options(rest) is { } options:
        return await AdvisorScale.RunAsync(options);
    case ["build", .. var rest] when Options(rest) is { } options:
        return await BuildUnderLoad.RunAsync(options);
    default:
        Console.Error.WriteLine(
            $"Say what to measure:\nstreaming [rows]\ntext\n{AdvisorQuality.Usage}\n{AdvisorScale.Usage}\nverification "
                + $"[trials]\n{BuildUnderLoad.Usage}");
        return 2;
}

// --name value pairs; null when they are not pairs.
static Dictionary<string, string>? Options(string[] args) =>
    args.Length % 2 == 0 && args.Where((a, i) => i % 2 == 0).All(a => a.StartsWith("--", StringComparison.Ordinal))
        ? args.Chunk(2).ToDictionary(p => p[0][2..], p => p[1])
        : null;
