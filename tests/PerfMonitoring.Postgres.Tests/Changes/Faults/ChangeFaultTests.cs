using System.Collections.Concurrent;
using System.Diagnostics;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// A process that changes something is disturbed at any packet. Nothing is left half-done, nothing is counted twice or lost, and
/// the end of each action is known. Number and seed are those of <see cref="FaultTests"/>.
/// </summary>
public sealed class ChangeFaultTests(ITestOutputHelper output)
{
    private static readonly Upset[] Common = [.. Enum.GetValues<Upset>().Except([Upset.Crash])];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public Task Whatever_befalls_the_process_the_next_run_finds_out_and_goes_on() =>
        RunAsync(width: 4, FaultTests.Builds, Common);

    [Fact]
    public Task A_server_that_crashes_meanwhile_loses_nothing() => RunAsync(width: 1, FaultTests.Builds / 20, [Upset.Crash]);

    [Fact]
    public async Task Eight_at_once_do_not_fail_for_each_other()
    {
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions
        {
            Settings = new Dictionary<string, string> { ["autovacuum"] = "off", ["max_connections"] = "300" },
        });
        await using var lane = await ChangeLane.OpenAsync(cluster, hasStoreElsewhere: false);
        await lane.RunAtOnceAsync(8, rounds: 2, new Random(FaultTests.Seed));
        Assert.True(lane.Findings.IsEmpty, string.Join('\n', lane.Findings));
    }

    private async Task RunAsync(int width, int count, Upset[] upsets)
    {
        var random = new Random(FaultTests.Seed);
        output.WriteLine($"Seed {FaultTests.Seed}, {count} changes.");
        var clock = Stopwatch.StartNew();
        await using var cluster = await SandboxFixture.OwnClusterAsync(new ClusterOptions
        {
            Settings = new Dictionary<string, string> {
                ["autovacuum"] = "off", ["max_connections"] = "300", ["pg_stat_statements.track_utility"] = "off" },
        });
        var cases = new ConcurrentQueue<ChangeCase>(Deal(random, upsets).Take(count).Select((c, i) => c with { Number = i + 1 }));
        var lanes = new List<ChangeLane>();
        for (var i = 0; i < width; i++)
        {
            lanes.Add(await ChangeLane.OpenAsync(cluster, hasStoreElsewhere: i % 2 == 1, i < 2 ? null : lanes[i - 2]));
        }

        try
        {
            await Task.WhenAll(lanes.Select(async lane =>
            {
                while (cases.TryDequeue(out var test))
                {
                    await lane.RunAsync(test);
                }

                await lane.CheckAsync();
            }));
            var endings = lanes.SelectMany(l => l.Endings).GroupBy(e => e.Key, e => e.Value)
                .OrderBy(e => e.Key, StringComparer.Ordinal);
            output.WriteLine(
                $"{string.Join(", ", endings.Select(e => $"{e.Key} {e.Sum()}"))} in {clock.Elapsed.TotalSeconds:0} s.");
            var findings = lanes.SelectMany(l => l.Findings).ToList();
            Assert.True(findings.Count == 0, string.Join('\n', findings));
        }
        finally
        {
            foreach (var lane in lanes)
            {
                await lane.DisposeAsync();
            }
        }
    }

    // Combines each work with each upset once, in random order, and repeats this.
    private static IEnumerable<ChangeCase> Deal(Random random, Upset[] upsets)
    {
        while (true)
        {
            var deck = Enum.GetValues<Work>().SelectMany(w => upsets.Select(u => (Work: w, Upset: u))).ToArray();
            random.Shuffle(deck);
            foreach (var (work, upset) in deck)
            {
                yield return new ChangeCase(0, work, upset, random.NextDouble());
            }
        }
    }
}
