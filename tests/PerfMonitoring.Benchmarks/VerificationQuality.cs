using System.Globalization;
using PerfMonitoring.Audit;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Benchmarks;

/// <summary>
/// Verdicts on synthetic workloads with a known effect. A verdict that contradicts the truth is wrong; Insufficient is not a
/// verdict. Limit: at most 5 % wrong in each row at the default confidence and least effect.
/// </summary>
internal static class VerificationQuality
{
    private const double MostWrong = 0.05;

    private static readonly DateTimeOffset Built = new(2026, 1, 10, 0, 0, 0, TimeSpan.Zero);

    private static readonly IndexAction Create = new()
    {
        Action = IndexActionKind.Create, TableName = "public.t", IndexName = "i", Statement = "", StartedAt = Built,
        FinishedAt = Built,
    };

    private static readonly (string Name, Func<Random, double> Draw)[] Times =
    [
        ("even", r => 10 + (2 * Gauss(r))),
        ("log-normal 0.5", r => Math.Exp(0.5 * Gauss(r))),
        ("log-normal 1.0", r => Math.Exp(Gauss(r))),
        ("log-normal 1.5", r => Math.Exp(1.5 * Gauss(r))),
        ("exponential", r => -Math.Log(1 - r.NextDouble())),
        ("5 % are 50 times slower", r => (r.NextDouble() < 0.05 ? 50 : 1) * (0.8 + (0.4 * r.NextDouble()))),
    ];

    // Logged executions are intervals of one call.
    private static readonly (string Name, int Intervals, int Calls, bool Executions)[] Samples =
    [
        ("7 days, hourly, 200 calls", 168, 200, false),
        ("1 day, hourly, 100 calls", 24, 100, false),
        ("1 day, hourly, 5 calls", 24, 5, false),
        ("7 days, daily, 500 calls", 7, 500, false),
        ("1 interval, 1000 calls", 1, 1000, false),
        ("60 logged executions", 60, 1, true),
    ];

    private static readonly (string Name, double Ratio)[] Effects = [
        ("none", 1), ("20 times faster", 0.05), ("twice as fast", 0.5), ("30 % faster", 0.7), ("40 % slower", 1.4),
        ("3 times slower", 3)];

    public static int Run(int trials)
    {
        Console.WriteLine(
            $"{trials} trials a row; {Times.Length} kinds of times in turn; load: 15 % from interval to interval, half of it "
                + $"carried on\n");
        Console.WriteLine(
            "| observed on each side | true effect | Improved % | Neutral % | Regressed % | Insufficient % | wrong % |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|---:|");
        var random = new Random(1);
        var (worst, wrongs, all) = (0.0, 0, 0);
        var byTimes = Times.ToDictionary(t => t.Name, _ => (Wrong: 0, All: 0));
        foreach (var sample in Samples)
        {
            foreach (var effect in Effects)
            {
                var counts = new int[4];
                var wrong = 0;
                for (var trial = 0; trial < trials; trial++)
                {
                    var (name, draw) = Times[trial % Times.Length];
                    var verdict = Judge(random, draw, sample, effect.Ratio);
                    var isWrong = verdict != VerificationVerdict.Insufficient && verdict != Truth(effect.Ratio);
                    counts[(int)verdict]++;
                    wrong += isWrong ? 1 : 0;
                    byTimes[name] = (byTimes[name].Wrong + (isWrong ? 1 : 0), byTimes[name].All + 1);
                }

                worst = Math.Max(worst, (double)wrong / trials);
                (wrongs, all) = (wrongs + wrong, all + trials);
                Console.WriteLine(
                    $"| {sample.Name} | {effect.Name} | {Share(counts[(int)VerificationVerdict.Improved], trials)} | "
                        + $"{Share(counts[(int)VerificationVerdict.Neutral], trials)}"
                    + $" | {Share(counts[(int)VerificationVerdict.Regressed], trials)} | "
                    + $"{Share(counts[(int)VerificationVerdict.Insufficient], trials)} | {Share(wrong, trials)} |");
            }
        }

        Console.WriteLine("\n| times | wrong % |\n|---|---:|");
        foreach (var (name, count) in byTimes)
        {
            Console.WriteLine($"| {name} | {Share(count.Wrong, count.All)} |");
        }

        Console.WriteLine(
            $"\n{Share(wrongs, all)} % wrong in all; {(100 * worst).ToString("0.0", CultureInfo.InvariantCulture)} % in the "
                + $"worst row; at most {100 * MostWrong} % are allowed");
        return worst <= MostWrong ? 0 : 1;
    }

    private static VerificationVerdict Truth(double ratio) =>
        ratio < 1 ? VerificationVerdict.Improved : ratio > 1 ? VerificationVerdict.Regressed : VerificationVerdict.Neutral;

    private static VerificationVerdict Judge(
        Random random, Func<Random, double> draw, (string Name, int Intervals, int Calls, bool Executions) sample, double ratio)
    {
        var observations = new List<QueryObservation>();
        var load = 0.0;
        for (var i = -sample.Intervals; i < sample.Intervals; i++)
        {
            // Autoregressive with stationary deviation 0.15.
            load = (0.5 * load) + (0.15 * Math.Sqrt(0.75) * Gauss(random));
            var (total, squares) = (0.0, 0.0);
            for (var call = 0; call < sample.Calls; call++)
            {
                var time = Math.Max(0.001, draw(random)) * Math.Exp(load) * (i < 0 ? 1 : ratio);
                total += time;
                squares += time * time;
            }

            observations.Add(new QueryObservation
            {
                QueryHash = "q", Query = "select", Calls = sample.Calls, TotalTimeMs = total, SquaredTime = squares,
                IsExecution = sample.Executions,
                Start = Built.AddHours(i), End = Built.AddHours(i + 1),
            });
        }

        return IndexVerifier.Verify(Create, new HashSet<string> { "q" }, observations, new VerificationOptions()).Queries[
            0].Verdict;
    }

    private static string Share(int count, int all) => (100.0 * count / all).ToString("0.0", CultureInfo.InvariantCulture);

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
