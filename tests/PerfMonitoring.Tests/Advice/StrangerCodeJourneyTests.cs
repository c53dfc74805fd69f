using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Advice;

/// <summary>No cmdlet that plans runs the code of others with the rights of the user who asks for advice.</summary>
public sealed class StrangerCodeJourneyTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    private string Bob => $"bob_{database.Name}";

    // The folder of the server's data, because the server may write there.
    private string Marker => Path.Combine(database.Cluster.Folder, "data", database.Name + ".journey");

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync($"""
            create extension if not exists pg_stat_statements;
            create role {Bob} login; create schema {Bob} authorization {Bob};
            create table orders (id int primary key, customer_id int, note text);
            insert into orders select i, i % 1000, 'x' || i from generate_series(1, 20000) i;
            analyze orders; create index orders_customer on orders (customer_id);
            grant select on orders to {Bob}; alter role {Bob} set search_path = "$user", public;
            """);
        await database.CreateHypoPgAsync();
        await AsBobAsync($"""
            create function try() returns void language plpgsql as $f$
            begin
                perform set_config('role', 'none', true);
                if (select r.rolsuper from pg_roles r where r.rolname = current_user) then
                    execute 'copy (select 1) to program ''touch {Marker}''';
                end if;
            end $f$;
            create function evil() returns int language plpgsql immutable as 'begin perform {Bob}.try(); return 1; end';
            """);
        await database.ExecuteAsync(
            "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)");
        await AsBobAsync("select count(*), pg_sleep(0.2) from orders where customer_id = evil() and note = 'secret'");
        await AsBobAsync("select count(*), pg_sleep(0.2) from orders where note = 'x7'");
        await database.CloseSessionsAsync();
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
        session.Invoke(
            "Initialize-PerfMonitoringStore -Confirm:$false; New-PerformanceThreshold -MetricType QueryTime -Warning 100 "
                + "-Critical 1000").MustSucceed();
    }

    public async ValueTask DisposeAsync()
    {
        session.Dispose();
        await database.ExecuteAsync($"drop owned by {Bob} cascade; drop role {Bob}");
    }

    [Fact]
    public void The_statement_is_named_once_and_runs_nothing_unless_it_is_told_to()
    {
        foreach (var (script, consequence) in new[]
        {
            ("Get-SlowQuery -MinimumMeanMs 100 | New-IndexStrategy -WhatIf", "left out"),
            ("Get-SlowQuery -MinimumMeanMs 100 | New-IndexStrategy", "left out"),
            ("Get-SlowQuery -MinimumMeanMs 100 | New-IndexStrategy -WhatIfMethod Transaction -Confirm:$false", "left out"),
            ($"New-IndexStrategy -Query 'select * from orders where customer_id = {Bob}.evil()' -WhatIf", "left out"),
            ("Update-QueryPerformanceLog", "without a plan"),
            ("Invoke-IndexRemoval -IndexName orders_customer -Force -WhatIf", "not asked"),
        })
        {
            var result = session.Invoke(script).MustSucceed();

            Assert.False(File.Exists(Marker), script);
            var warning = Assert.Single(result.Warnings, w => w.Contains("evil", StringComparison.Ordinal));
            Assert.Contains(consequence, warning, StringComparison.Ordinal);
            Assert.Contains($"{Bob}.evil() of {Bob}", warning, StringComparison.Ordinal);
            Assert.DoesNotContain(
                "secret", string.Join(' ', [.. result.Warnings, .. result.Verbose, result.HostText]), StringComparison.Ordinal);
            if (script.StartsWith("Get", StringComparison.Ordinal))
            {
                // The other statement still gets its advice.
                Assert.Contains(
                    result.Output, o =>
                        ((string)o.Properties["IndexDefinition"].Value).Contains("(note)", StringComparison.Ordinal));
            }
        }

        // An undo reads the audit's record of the drop.
        session.Invoke(
            "Invoke-IndexRemoval -IndexName orders_customer -Force -Confirm:$false; Undo-IndexRemoval -IndexName "
                + "orders_customer -Confirm:$false").MustSucceed();
        Assert.False(File.Exists(Marker));

        var forced = session.Invoke("Get-SlowQuery -MinimumMeanMs 100 | New-IndexStrategy -WhatIf -Force").MustSucceed();
        Assert.DoesNotContain(forced.Warnings, w => w.Contains("evil", StringComparison.Ordinal));
        Assert.True(File.Exists(Marker));
        File.Delete(Marker);
    }

    private async Task AsBobAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(database.UnpooledConnectionString) { Username = Bob }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
