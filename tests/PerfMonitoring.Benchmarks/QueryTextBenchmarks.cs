using BenchmarkDotNet.Attributes;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Benchmarks;

/// <summary>The work for every statement of pg_stat_statements at each reading.</summary>
[ShortRunJob]
[MemoryDiagnoser]
public class QueryTextBenchmarks
{
    private readonly string statement = string.Join(
        " union all ",
        Enumerable.Range(1, 20)
            .Select(i =>
                $"SELECT o.id, sum(l.quantity * {i}.5) /* part {i} */ FROM \"Orders\" o JOIN lines l ON l.order_id = o.id WHERE "
                    + $"o.state IN ('a', 'b', {i}) GROUP BY 1"));

    [Benchmark]
    public string Normalize() => QueryText.Normalize(statement);

    [Benchmark]
    public string NormalizeAndHash() => QueryText.Hash(QueryText.Normalize(statement));
}
