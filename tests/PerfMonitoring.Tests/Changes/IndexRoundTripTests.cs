using Npgsql;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

/// <summary>Undo-IndexRemoval restores exactly the index that Invoke-IndexRemoval dropped.</summary>
public sealed class IndexRoundTripTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const int Count = 50;

    [Fact]
    public async Task Fifty_definitions_come_back_through_the_cmdlets_byte_by_byte()
    {
        Assert.SkipWhen(database.Cluster.MajorVersion < 15, "a tablespace without a folder of its own needs PostgreSQL 15");
        await database.ExecuteAsync(GeneratedIndexes.Table);
        await MakeTablespaceAsync();
        var random = new Random(20260702);
        for (var i = 0; i < Count; i++)
        {
            await database.ExecuteAsync(GeneratedIndexes.Next(random, i, "pg_default", "elsewhere"));
        }

        var before = await IndexesAsync();
        using var session = new ModuleRunspace();
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; $null = Initialize-PerfMonitoringStore",
            database.ConnectionString).MustSucceed();

        var dropped = session.Invoke(
            "$dropped = @(Get-IndexUsageStat | Where-Object TableName -Like '*Tab le*' | Invoke-IndexRemoval -Force "
                + "-Confirm:$false); $dropped").MustSucceed();
        Assert.Equal(Enumerable.Repeat("Removed", Count), dropped.Values("State").Select(s => $"{s}"));
        Assert.Null(await IndexesAsync());

        var restored = session.Invoke("$dropped | Undo-IndexRemoval -Confirm:$false").MustSucceed();
        Assert.Equal(Enumerable.Repeat("Created", Count), restored.Values("State").Select(s => $"{s}"));
        Assert.Equal(before, await IndexesAsync());
    }

    // The setting ends with its session, and CREATE TABLESPACE cannot run in a transaction.
    private async Task MakeTablespaceAsync()
    {
        await using var connection = new NpgsqlConnection(
            database.UnpooledConnectionString + ";Options=-c allow_in_place_tablespaces=on");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("create tablespace elsewhere location ''", connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private Task<string?> IndexesAsync() => database.ScalarAsync<string>("""
        select string_agg(concat_ws(' ', pg_get_indexdef(i.indexrelid), 'tablespace', t.spcname), E'\n' order by c.relname collate "C")
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        left join pg_tablespace t on t.oid = c.reltablespace
        where i.indrelid = '"Sch""ema"."Tab le"'::regclass
        """);
}
