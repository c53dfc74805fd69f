using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

/// <summary>Builds, reverts and drops the index of a partitioned table.</summary>
public sealed class PartitionedIndexTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists parted cascade;
            create table parted (id int, n int) partition by range (id);
            create table p1 partition of parted for values from (0) to (100);
            create table p2 partition of parted for values from (100) to (200) partition by range (id);
            create table p2a partition of p2 for values from (100) to (200);
            insert into parted select g, g from generate_series(0, 199) g;
            """);
        session.Invoke("""
            Connect-PerfMonitoring -ConnectionString $args[0]
            $null = Initialize-PerfMonitoringStore
            $null = New-IndexStrategy -TableName parted -Column n -IndexName parted_n | Invoke-IndexCreation -Confirm:$false
            """, database.ConnectionString).MustSucceed();
        Assert.Equal(4, await IndexesAsync());
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Fact]
    public async Task What_was_built_is_taken_back_and_comes_back()
    {
        var before = await DefinitionAsync();

        var reverted = session.Invoke("Undo-IndexCreation -Id (Get-IndexStrategy -Created).Id -Confirm:$false").MustSucceed();

        Assert.Equal(
            ("Removed", "DROP INDEX public.parted_n"),
            ($"{reverted.Only().Properties["State"].Value}", $"{reverted.Only().Properties["Statement"].Value}"));
        Assert.Contains(
            "does not drop the index of a partitioned table concurrently", Assert.Single(reverted.Warnings),
            StringComparison.Ordinal);
        Assert.Equal(0, await IndexesAsync());
        Assert.Empty(session.Invoke("Get-IndexStrategy -Pending").MustSucceed().Output);

        var restored = session.Invoke("Get-IndexStrategyHistory -Action Revert | Undo-IndexRemoval -Confirm:$false").Only();

        Assert.Equal("Created", $"{restored.Properties["State"].Value}");
        Assert.Equal(4, await IndexesAsync());
        Assert.Equal(before, await DefinitionAsync());
    }

    [Fact]
    public async Task By_name_it_goes_only_when_that_is_meant()
    {
        var refused = session.Invoke("Invoke-IndexRemoval parted_n -Confirm:$false");
        Assert.StartsWith(
            "NotRecommendedForDrop,", Assert.Single(refused.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(
            "It is the index of a partitioned table", refused.AllErrors[0].Exception.Message, StringComparison.Ordinal);

        var part = session.Invoke("Invoke-IndexRemoval p1_n_idx -Force -Confirm:$false");
        Assert.StartsWith("IndexIsNeeded,", Assert.Single(part.AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);

        var shown = session.Invoke("Invoke-IndexRemoval parted_n -Force -WhatIf").MustSucceed();
        Assert.Contains("DROP INDEX public.parted_n", shown.HostText, StringComparison.Ordinal);
        Assert.Single(shown.Warnings);
        Assert.Equal(4, await IndexesAsync());

        var result = session.Invoke("Invoke-IndexRemoval parted_n -Force -Confirm:$false").Only();
        Assert.Equal("Removed", $"{result.Properties["State"].Value}");
        Assert.True((long)result.Properties["SizeBytes"].Value > 0);
        Assert.Equal(0, await IndexesAsync());
        Assert.Equal(
            "CREATE INDEX parted_n ON public.parted USING btree (n)",
            await database.ScalarAsync<string>(
                "select undo_statement from perf_monitoring.index_action where action = 'DROP' and outcome = 'SUCCEEDED'"));
    }

    [Fact]
    public async Task One_that_nobody_scanned_on_any_partition_is_taken_back()
    {
        await database.ExecuteAsync("select pg_stat_reset()");
        await database.ExecuteAsync("set enable_seqscan = off; select count(*) from p1 where n = 1");
        session.Invoke("[System.Threading.Thread]::Sleep(1500)").MustSucceed();
        Assert.Empty(session.Invoke("Undo-IndexCreation -After 1s -Confirm:$false").MustSucceed().Output);

        await database.ExecuteAsync("select pg_stat_reset()");
        session.Invoke("[System.Threading.Thread]::Sleep(1500)").MustSucceed();
        Assert.Equal(
            "Removed", $"{session.Invoke("Undo-IndexCreation -After 1s -Confirm:$false").Only().Properties["State"].Value}");
        Assert.Equal(0, await IndexesAsync());
    }

    [Fact]
    public async Task What_partitions_have_already_is_said_before_the_build()
    {
        await database.ExecuteAsync("create index p1_id_n on p1 (id, n)");

        var findings = session.Invoke("New-IndexStrategy -TableName parted -Column id, n | Invoke-IndexCreation -WhatIf")
            .MustSucceed();

        var existing = findings.Output.Single(f => $"{f.Properties["Check"].Value}" == "ExistingIndex");
        Assert.Equal("Warn", $"{existing.Properties["State"].Value}");
        Assert.Equal(
            "1 of 2 partitions has one that does the same: taken over, and not built again.",
            existing.Properties["Reason"].Value);
    }

    private Task<long> IndexesAsync() => database.ScalarAsync<long>(
        "select count(*) from pg_index where indrelid in (select relid from pg_partition_tree('parted')) and indisvalid");

    private Task<string?> DefinitionAsync() => database.ScalarAsync<string>("select pg_get_indexdef('parted_n'::regclass)");
}
