using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

/// <summary>
/// A network drops or cuts the traffic after some packets. Every cmdlet ends, and names the server that it could not reach.
/// </summary>
public sealed class BlackHoleTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    // Ends a wait that would never end: far beyond the limits of 2 s of the sessions, and beyond the time of a clean-up.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(150);

    private static readonly (ProxyFault Fault, int After)[] Faults =
        Environment.GetEnvironmentVariable("PERFMONITORING_NETWORK_FAULTS") is { Length: > 0 }
            ? [.. from fault in new[] { ProxyFault.Swallow, ProxyFault.CutInHalf, ProxyFault.Cut } from after in Enumerable.Range(
                0, 12) select (fault, after)]
            : [(ProxyFault.Swallow, 4), (ProxyFault.CutInHalf, 3)];

    private static readonly string[] Scripts =
    [
        "Get-SlowQuery", "Get-SlowQuery -FromLog", "Update-QueryPerformanceLog", "Get-QueryPerformanceLog",
        "Clear-QueryPerformanceLog -Before 2020-01-01 -Confirm:$false",
        "New-IndexStrategy -Query 'select n from item where n = 5'", "New-IndexStrategy item n",
        "Get-IndexStrategy", "Get-IndexStrategyHistory",
        "Remove-IndexStrategy -Id 0196f000-0000-7000-8000-000000000001 -Confirm:$false",
        "Invoke-IndexCreation -Pending -Confirm:$false", "Invoke-IndexCreation -Pending -WhatIf", "Test-IndexStrategy",
        "Undo-IndexCreation -After 7d -Confirm:$false", "Get-IndexUsageStat", "Update-IndexUsageStat",
        "Invoke-IndexRemoval -IndexName item_n -Force -Confirm:$false", "Undo-IndexRemoval -IndexName item_n -Confirm:$false",
        "Repair-Index -Confirm:$false", "Repair-Index -Bloated -Confirm:$false", "Get-MaintenanceWindow",
        "Set-MaintenanceWindow OffPeak -CronExpression '0 3 * * *' -Duration 02:00:00",
        "New-PerformanceThreshold ConnectionCount 100 200",
        "Get-PerformanceThreshold", "Test-PerformanceThreshold",
        "Remove-PerformanceThreshold -Id 0196f000-0000-7000-8000-000000000001 -Confirm:$false",
        "Test-PerfMonitoringPrerequisite", "Initialize-PerfMonitoringStore",
    ];

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            create extension if not exists pg_stat_statements;
            create table if not exists item (id int primary key, n int not null, note text);
            insert into item select g, g % 100, repeat('x', 200) from generate_series(1, 2000) g on conflict do nothing;
            create index if not exists item_n on item (n);
            """);
        await database.CreateHypoPgAsync();
        using var session = new ModuleRunspace();
        session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore; $null = "
                + "New-IndexStrategy item note",
            database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Every_cmdlet_ends_and_says_what_it_could_not_reach()
    {
        var failures = new List<string>();
        var cases = from script in Scripts from fault in Faults select (script, fault);
        await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = 14 }, async (c, _) =>
        {
            if (await RunAsync(c.script, c.fault.Fault, c.fault.After) is { } failure)
            {
                lock (failures)
                {
                    failures.Add($"{c.script} ({c.fault.Fault} after {c.fault.After}): {failure}");
                }
            }
        });

        Assert.True(failures.Count == 0, string.Join('\n', failures.Order(StringComparer.Ordinal)));
    }

    private async Task<string?> RunAsync(string script, ProxyFault fault, int after)
    {
        await using var proxy = FaultProxy.Start(database.Cluster.Port);
        using var session = new ModuleRunspace();
        // On a busy machine 2 s can be too short for a healthy server.
        while (session.Invoke(
            "$null = Connect-PerfMonitoring -ConnectionString $args[0] -ConnectTimeout 2s -CommandTimeout 2s",
            $"Host=127.0.0.1;Port={proxy.Port};Username=postgres;Database={database.Name}").AllErrors is [{ } error])
        {
            Assert.Contains(error.FullyQualifiedErrorId.Split(',')[0], new[] { "NoAnswer", "ServerDown" });
        }

        proxy.Set(fault, after);
        var running = Task.Run(() => session.Invoke(script));
        if (await Task.WhenAny(running, Task.Delay(Limit)) != running)
        {
            proxy.CutAll();
            return "it has not returned";
        }

        var result = await running;
        var raw = result.AllErrors.Where(e => e.Exception.GetType().Name != "PerfMonitoringException")
            .Select(e => $"{e.FullyQualifiedErrorId}: {e.Exception.GetType().Name} {e}").ToList();
        return raw.Count > 0 ? string.Join("; ", raw)
            : fault == ProxyFault.Swallow && proxy.Struck.IsCompleted && !result.HadErrors ? "what was swallowed was not missed"
            : null;
    }
}
