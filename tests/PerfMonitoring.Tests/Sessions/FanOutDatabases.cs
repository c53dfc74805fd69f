using PerfMonitoring.Testing;

namespace PerfMonitoring.Sessions;

/// <summary>Three databases with the same table and stores, and a session with each: fan1, fan2 and fan3 (the default).</summary>
public sealed class FanOutDatabases(SandboxFixture sandbox) : IAsyncLifetime
{
    public IReadOnlyList<TestDatabase> All { get; } = [new(sandbox), new(sandbox), new(sandbox)];

    public ModuleRunspace Session { get; } = new();

    public async ValueTask InitializeAsync()
    {
        for (var i = 0; i < All.Count; i++)
        {
            await All[i].InitializeAsync();
            await All[i].ExecuteAsync("""
                create extension if not exists pg_stat_statements;
                create table items (id bigint primary key, customer_id int, status text);
                insert into items select i, i % 1000, 'x' from generate_series(1, 20000) i;
                analyze items;
                """);
            for (var n = 0; n < 3; n++)
            {
                await All[i].ExecuteAsync("select status from items where customer_id = 7");
            }

            Session.Invoke(
                "$null = Connect-PerfMonitoring -ConnectionString $args[0] -Name $args[1]; $null = "
                    + "Initialize-PerfMonitoringStore",
                All[i].ConnectionString, $"fan{i + 1}").MustSucceed();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Session.Dispose();
        foreach (var database in All)
        {
            await database.DisposeAsync();
        }
    }
}
