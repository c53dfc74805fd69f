using BenchmarkDotNet.Running;
using PerfMonitoring.Benchmarks;

// dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- streaming    the log's million rows: time against a bare reader, memory
// dotnet run -c Release --project tests/PerfMonitoring.Benchmarks -- text         normalising and hashing of query texts
switch (args)
{
    case ["streaming", .. var rest]:
        return await Streaming.RunAsync(rest is [var rows] ? int.Parse(rows, System.Globalization.CultureInfo.InvariantCulture) : 1_000_000);
    case ["text"]:
        BenchmarkRunner.Run<QueryTextBenchmarks>();
        return 0;
    default:
        Console.Error.WriteLine("Say what to measure: streaming or text.");
        return 2;
}
