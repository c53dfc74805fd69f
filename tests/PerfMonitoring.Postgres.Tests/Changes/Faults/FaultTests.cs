using System.Diagnostics;
using System.Globalization;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// Faults occur at every phase of a build. Nothing is left half-done, and every result is true. Faults and phases are drawn from
/// a seed. PERFMONITORING_FAULT_BUILDS sets the number of builds and PERFMONITORING_FAULT_SEED the seed.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    // Builds of each lane between two crashes.
    private const int BuildsOfRound = 4;

    /// <summary>
    /// The number of faulty builds, and of other faulty changes: each is half of the requested number. With the default each kind
    /// of change meets each upset once.
    /// </summary>
    internal static int Builds => Setting("PERFMONITORING_FAULT_BUILDS", 154) / 2;

    internal static int Seed => Setting("PERFMONITORING_FAULT_SEED", 1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whatever_goes_wrong_nothing_is_left_half_done()
    {
        await using var cluster = await StartAsync();
        var crashes = new[] { Fault.ServerCrashed, Fault.ServerAway };
        var others = Enum.GetValues<Fault>().Except([Fault.DiskFull, .. crashes]);
        await RunAsync(cluster, 8, Builds, cluster.MajorVersion < 14 ? others.Except([Fault.IdleTimeout]) : others, crashes);
    }

    [Fact]
    public async Task A_full_disk_leaves_nothing_half_done()
    {
        await using var cluster = await StartAsync();
        using var disk = SmallDisk.TryMount(Path.Combine(cluster.Folder, "small"));
        Assert.SkipWhen(
            disk is null,
            "Disk full is not provoked: a small file system can be mounted by root only, on Linux, and not in every container.");
        await cluster.ExecuteAsync("postgres", $"create tablespace {FaultLane.SmallTablespace} location '{disk.Folder}'", Token);
        // Only one lane, because others would use up its space.
        await RunAsync(cluster, 1, Builds / 20, [Fault.DiskFull], []);
    }

    private static Task<PostgresCluster> StartAsync() => SandboxFixture.OwnClusterAsync(new ClusterOptions
    {
        // No other process may delay a build.
        Settings = new Dictionary<string, string> { ["autovacuum"] = "off", ["max_connections"] = "300" },
    });

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
            ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

    private async Task RunAsync(
        PostgresCluster cluster, int width, int builds, IEnumerable<Fault> faults, IReadOnlyList<Fault> crashes)
    {
        output.WriteLine($"Seed {Seed}, {builds} builds.");
        var clock = Stopwatch.StartNew();
        var random = new Random(Seed);
        var number = 0;
        using var cases = FaultCase.Deal(random, [.. faults]).GetEnumerator();
        var crashCases = crashes.Select(c => FaultCase.Deal(random, c).GetEnumerator()).ToList();
        var lanes = new List<FaultLane>();
        try
        {
            for (var i = 0; i < width; i++)
            {
                lanes.Add(await FaultLane.OpenAsync(cluster, hasStoreElsewhere: i % 2 == 1));
            }

            for (var round = 0; number < builds; round++)
            {
                var plan = lanes.ToDictionary(l => l, l => Take(cases, BuildsOfRound));
                await Task.WhenAll(plan.Select(async p =>
                {
                    foreach (var test in p.Value)
                    {
                        await p.Key.RunAsync(test);
                    }
                }));
                if (crashes.Count > 0)
                {
                    var which = round % crashes.Count;
                    await CrashAsync(
                        cluster, lanes.ToDictionary(l => l, l => Take(crashCases[which], 1)), crashes[which] == Fault.ServerAway);
                }
            }

            foreach (var lane in lanes)
            {
                await lane.CheckAsync();
            }

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

        List<FaultCase> Take(IEnumerator<FaultCase> from, int count)
        {
            var taken = new List<FaultCase>();
            for (; count > 0 && number < builds; count--)
            {
                from.MoveNext();
                taken.Add(from.Current with { Number = ++number });
            }

            return taken;
        }
    }

    // One crash for all lanes, when each is held at its phase.
    private static async Task CrashAsync(
        PostgresCluster cluster, IReadOnlyDictionary<FaultLane, List<FaultCase>> plan, bool staysAway)
    {
        var down = new TaskCompletionSource();
        var up = new TaskCompletionSource();
        var runs = (
            from p in plan
            from test in p.Value
            let stands = new TaskCompletionSource()
            let isOver = new TaskCompletionSource()
            select (Stands: stands.Task, IsOver: isOver.Task,
                Run: p.Key.RunAsync(test, () => After(stands, down), () => After(isOver, up)))).ToList();
        await Task.WhenAll(runs.Select(r => Task.WhenAny(r.Stands, r.IsOver, r.Run)));
        await cluster.StopAsync(StopMode.Immediate, Token);
        if (staysAway)
        {
            down.SetResult();
            await Task.WhenAll(runs.Select(r => Task.WhenAny(r.IsOver, r.Run)));
        }

        await cluster.RestartAsync(Token);
        down.TrySetResult();
        up.SetResult();
        await Task.WhenAll(runs.Select(r => r.Run));

        static Task After(TaskCompletionSource said, TaskCompletionSource awaited)
        {
            said.TrySetResult();
            return awaited.Task;
        }
    }
}
