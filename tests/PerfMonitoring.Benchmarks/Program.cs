using BenchmarkDotNet.Running;
using PerfMonitoring.Benchmarks;

// What there is to measure, each by: dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- <what> <options>
// streaming        the log's million rows: time against a bare reader, memory
// text             normalising and hashing of query texts
// advisor          the advice, built and timed, beside other advisors'
// ceiling          the sets of the index selection against the exact optimum over the same cost tables
// advisor-scale    advice for 10 to 10,000 statements: time and what-if calls
// verification     verdicts of Test-IndexStrategy on synthetic times of known effect
// build            pgbench on the same table while an index is built: against psql
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
    case ["ceiling", .. var rest]
        when Options(rest) is { } options && options.ContainsKey("connection") && options.ContainsKey("queries"):
        return await SelectionCeiling.RunAsync(options);
    case ["verification", .. var rest]:
        return VerificationQuality.Run(
            rest is [var trials] ? int.Parse(trials, System.Globalization.CultureInfo.InvariantCulture) : 2000);
    case ["advisor-scale", .. var rest] when Options(rest) is { } options:
        return await AdvisorScale.RunAsync(options);
    case ["build", .. var rest] when Options(rest) is { } options:
        return await BuildUnderLoad.RunAsync(options);
    default:
        Console.Error.WriteLine(
            $"Say what to measure:\nstreaming [rows]\ntext\n{AdvisorQuality.Usage}\n{SelectionCeiling.Usage}\n"
                + $"{AdvisorScale.Usage}\nverification [trials]\n{BuildUnderLoad.Usage}");
        return 2;
}

// --name value pairs; null when they are not pairs.
static Dictionary<string, string>? Options(string[] args) =>
    args.Length % 2 == 0 && args.Where((a, i) => i % 2 == 0).All(a => a.StartsWith("--", StringComparison.Ordinal))
        ? args.Chunk(2).ToDictionary(p => p[0][2..], p => p[1])
        : null;
