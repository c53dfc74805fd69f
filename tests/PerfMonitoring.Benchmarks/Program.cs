using BenchmarkDotNet.Running;
using PerfMonitoring.Benchmarks;

// The commands, each after: dotnet run -c Release --project tests/PerfMonitoring.Benchmarks --
//   streaming [rows]
//       reads the log's million rows: time compared with a bare reader, memory
//   text
//       normalises and hashes query texts
//   advisor --connection ... --queries ...
//       builds and times the advice, beside that of other advisors
//   ceiling --connection ... --queries ...
//       compares the sets of the index selection with the exact optimum over the same cost tables
//   advisor-scale
//       advises for 10 to 10,000 statements: time and what-if calls
//   verification [trials]
//       compares verdicts of Test-IndexStrategy with synthetic times of known effect
//   scale
//       computes and simulates stores of 10, 1,000 and 100,000 databases: the tables of docs/scale.md
//   scale-measure
//       measures the constants of that
//   build
//       runs pgbench on the same table during a build, compared with psql
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
    case ["scale"]:
        return Scale.Run();
    case ["scale-measure", .. var rest] when Options(rest) is { } options:
        return await ScaleMeasures.RunAsync(options);
    case ["build", .. var rest] when Options(rest) is { } options:
        return await BuildUnderLoad.RunAsync(options);
    default:
        Console.Error.WriteLine(
            $"Say what to measure:\nstreaming [rows]\ntext\n{AdvisorQuality.Usage}\n{SelectionCeiling.Usage}\n"
                + $"{AdvisorScale.Usage}\nverification [trials]\n{BuildUnderLoad.Usage}\nscale\n{ScaleMeasures.Usage}");
        return 2;
}

// --name value pairs; null if they are not pairs.
static Dictionary<string, string>? Options(string[] args) =>
    args.Length % 2 == 0 && args.Where((a, i) => i % 2 == 0).All(a => a.StartsWith("--", StringComparison.Ordinal))
        ? args.Chunk(2).ToDictionary(p => p[0][2..], p => p[1])
        : null;
