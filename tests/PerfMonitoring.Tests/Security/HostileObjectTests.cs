using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Commands.Security;

/// <summary>
/// A stranger has filled public, and a schema before it in the search path, with an operator, function, type and relation for
/// each of the system's. A superuser runs every cmdlet, and none of these objects is called.
/// </summary>
public sealed class HostileObjectTests(SandboxFixture sandbox)
{
    private const string Workload = """
        create extension pg_stat_statements;
        create schema app;
        create table app.orders (id int primary key, customer_id int not null, status varchar(20) not null, note text, at timestamptz not null default now());
        insert into app.orders select g, g % 500, case when g % 50 = 0 then 'open' else 'done' end, md5(g::text), now() - g * interval '1 min' from generate_series(1, 5000) g;
        create index orders_status on app.orders (status);
        analyze app.orders;
        select count(*) from app.orders where customer_id = 5;
        select count(*) from app.orders where status = 'open' and at > now() - interval '1 day';
        update app.orders set note = 'x' where id = 7;
        """;

    private static readonly string[] Journey =
    [
        "Initialize-PerfMonitoringStore", "Test-PerfMonitoringPrerequisite", "Get-SlowQuery -Top 5", "Update-QueryPerformanceLog",
        "Get-SlowQuery -FromLog",
        "Get-QueryPerformanceLog", "Get-SlowQuery -Top 20 | New-IndexStrategy -WarningAction SilentlyContinue",
        "New-IndexStrategy -Query 'select id from app.orders where note = ''5''' -WarningAction SilentlyContinue",
        "Get-IndexCandidate",
        "New-IndexStrategy app.orders customer_id -IndexName by_customer",
        "New-IndexStrategy orders note -Where \"status = 'open'\" -IndexName open_notes",
        "New-IndexStrategy orders -Expression 'lower(note)' -IndexName by_note", "Get-IndexStrategy", "Get-IndexStrategyHistory",
        "Get-IndexStrategy | Set-IndexStrategy -MaintenanceWindow Immediate", "Invoke-IndexCreation -Pending -WhatIf",
        "Invoke-IndexCreation -Pending -Force -Confirm:$false", "Get-IndexStrategy | Test-IndexStrategy",
        "Undo-IndexCreation -After 7d -Confirm:$false",
        "Get-IndexUsageStat", "Update-IndexUsageStat", "Get-IndexUsageStat -Since ([datetime]::Now.AddDays(-1))",
        "Invoke-IndexRemoval -IndexName orders_status -Force -Confirm:$false",
        "Undo-IndexRemoval -IndexName orders_status -Confirm:$false",
        "Repair-Index -Confirm:$false", "Repair-Index -Bloated -Confirm:$false", "Get-MaintenanceWindow",
        "Set-MaintenanceWindow OffPeak -CronExpression '0 3 * * *' -Duration 02:00:00",
        "New-PerformanceThreshold QueryTime 100 200",
        "New-PerformanceThreshold TableSize 1GB 2GB -TableName orders", "Get-PerformanceThreshold", "Test-PerformanceThreshold",
        "Get-PerformanceThreshold | Remove-PerformanceThreshold -Confirm:$false",
        "Remove-IndexStrategy -Id (Get-IndexStrategy)[0].Id -Confirm:$false",
        "Clear-QueryPerformanceLog -Before ([datetime]::Now.AddDays(1)) -Confirm:$false", "Get-PerfMonitoringSession",
        "Disconnect-PerfMonitoring",
    ];

    [Theory]
    [InlineData(13)]
    [InlineData(15)]
    public async Task None_of_a_strangers_objects_is_called(int majorVersion)
    {
        var cluster = majorVersion == 15 ? await sandbox.ClusterAsync() : await sandbox.ClusterAsync(majorVersion);
        var database = await TestDatabase.OnAsync(cluster);
        await database.ExecuteAsync(Workload);
        if (await database.ScalarAsync<long>("select count(*) from pg_available_extensions where name = 'hypopg'") == 1)
        {
            await database.ExecuteAsync("create extension hypopg");
        }

        var stranger = $"hostile_{database.Name}";
        await cluster.ExecuteAsync("postgres", $"create role {stranger}", TestContext.Current.CancellationToken);
        try
        {
            var script = await File.ReadAllTextAsync(
                Path.Combine(Repository.Root, "tests", "PerfMonitoring.Tests", "Security", "Hostile.sql"),
                TestContext.Current.CancellationToken);
            await database.ExecuteAsync(script.Replace("hostile;", stranger + ";", StringComparison.Ordinal));
            await database.ExecuteAsync($"alter database {database.Name} set search_path = early, public, app, pg_catalog");
            var logged = cluster.ServerLog.Length;

            // A session with that search path shows that the trap works.
            await database.ExecuteAsync(
                "set search_path = early, public, app, pg_catalog; select 'a'::pg_catalog.name = 'b'::pg_catalog.text");
            Assert.Contains("HOSTILE", cluster.ServerLog[logged..], StringComparison.Ordinal);
            logged = cluster.ServerLog.Length;

            using var session = new ModuleRunspace();
            session.Invoke("$null = Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
            foreach (var command in Journey)
            {
                var result = session.Invoke(command);
                var called = string.Join(
                    '\n', cluster.ServerLog[logged..].Split('\n').Where(l => l.Contains("HOSTILE", StringComparison.Ordinal))
                    .Distinct());
                Assert.True(called.Length == 0, $"{command}: {called}");
                // Without HypoPG there is no advice, and so no candidate.
                if (majorVersion == 15)
                {
                    result.MustSucceed();
                }
            }
        }
        finally
        {
            // One transaction cannot lock all of these objects, about 25,000. Dropping their database removes them at once.
            await database.DisposeAsync();
            await cluster.ExecuteAsync("postgres", $"drop role {stranger}", CancellationToken.None);
        }
    }
}
