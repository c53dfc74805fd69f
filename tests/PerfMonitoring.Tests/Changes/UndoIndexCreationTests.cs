using PerfMonitoring.Testing;

namespace PerfMonitoring.Changes;

public sealed class UndoIndexCreationTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists orders cascade;
            create table orders (id bigint primary key, customer_id int, status text);
            create index by_hand on orders (status, id);
            """);
        session.Invoke("""
            Connect-PerfMonitoring -ConnectionString $args[0]
            $null = Initialize-PerfMonitoringStore
            $null = New-IndexStrategy -TableName orders -Column customer_id | Invoke-IndexCreation -Confirm:$false
            $null = New-IndexStrategy -TableName orders -Column status | Invoke-IndexCreation -Confirm:$false
            """, database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return default;
    }

    [Fact]
    public async Task What_regressed_is_taken_back_with_its_figures_and_can_be_built_again()
    {
        await LogAsync(before: 5, after: 9);

        var result = session.Invoke("Test-IndexStrategy | Undo-IndexCreation -Confirm:$false").MustSucceed();

        Assert.Equal(["Removed", "Removed"], result.Values("State").Select(s => $"{s}"));
        Assert.Equal(["by_hand", "orders_pkey"], await IndexesAsync());
        Assert.Equal(2, await database.ScalarAsync<long>("""
            select count(*) from perf_monitoring.index_action
            where action = 'REVERT' and outcome = 'SUCCEEDED' and reason like 'Regressed: time +%' and evidence -> 'verification' ->> 'verdict' = 'Regressed'
                and statement like 'DROP INDEX CONCURRENTLY %' and undo_statement like 'CREATE INDEX CONCURRENTLY %'
            """));
        Assert.Empty(
            session.Invoke("Test-IndexStrategy; Get-IndexStrategy -Pending; Undo-IndexCreation -After 0d -Confirm:$false")
            .MustSucceed().Output);

        session.Invoke("Get-IndexStrategyHistory -Action Revert | Undo-IndexRemoval -Confirm:$false").MustSucceed();
        Assert.Equal(["by_hand", "orders_customer_id_idx", "orders_pkey", "orders_status_idx"], await IndexesAsync());
    }

    [Fact]
    public async Task What_was_taken_back_is_not_proposed_again_for_a_while()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("insert into orders select i, i, 'x' from generate_series(1, 20000) i; analyze orders");
        const string Advise = "'select * from orders where customer_id = 7' | New-IndexStrategy";
        session.Invoke(
            "Get-IndexStrategy -TableName orders | Where-Object IndexName -eq orders_customer_id_idx | Undo-IndexCreation "
                + "-Confirm:$false").MustSucceed();

        Assert.DoesNotContain(
            session.Invoke(Advise).MustSucceed().Values("IndexName"), name => $"{name}" == "orders_customer_id_idx");
        var left = Assert.Single(session.Invoke("Get-IndexCandidate -Verdict Reverted").MustSucceed().Output);
        Assert.Matches(
            @"^It was built, and reverted on \d{4}-\d\d-\d\d: Reverted by hand\.$", $"{left.Properties["Reason"].Value}");
        Assert.Null(left.Properties["Gain"].Value);
        Assert.Contains(
            session.Invoke(Advise + " -ReproposeAfter 0d").MustSucceed().Values("IndexName"), name =>
                $"{name}" == "orders_customer_id_idx");
    }

    [Fact]
    public async Task What_did_not_regress_stays_and_what_is_used_too()
    {
        await LogAsync(before: 5, after: 5);
        await database.ExecuteAsync("set enable_seqscan = off; select count(*) from orders where customer_id = 1");

        Assert.Empty(session.Invoke("Test-IndexStrategy | Undo-IndexCreation -Confirm:$false").MustSucceed().Output);
        Assert.Empty(session.Invoke("Undo-IndexCreation -After 7d -Confirm:$false").MustSucceed().Output);
        Assert.Equal(4, (await IndexesAsync()).Length);
    }

    [Fact]
    public async Task What_was_never_scanned_goes_after_a_time_and_what_was_built_by_hand_stays()
    {
        await database.ExecuteAsync(
            "update perf_monitoring.index_action set started_at = now() - interval '8 d', finished_at = now() - interval '8 d'");
        Assert.Empty(session.Invoke("Undo-IndexCreation -After 7d -Confirm:$false").MustSucceed().Output);

        Assert.StartsWith("ReplicaIsNotStandby,", Assert.Single(session.Invoke(
            "Undo-IndexCreation -After 1s -Replica (Get-PerfMonitoringSession) -Confirm:$false").AllErrors).FullyQualifiedErrorId,
                StringComparison.Ordinal);

        // The server's counters are now younger than the observation window.
        await database.ExecuteAsync("select pg_stat_reset()");
        session.Invoke("[System.Threading.Thread]::Sleep(1500)").MustSucceed();
        var result = session.Invoke("Undo-IndexCreation -After 1s -Confirm:$false").MustSucceed();

        Assert.Equal(2, result.Output.Count);
        Assert.Equal(["by_hand", "orders_pkey"], await IndexesAsync());
        Assert.Equal(
            2, await database.ScalarAsync<long>(
                "select count(*) from perf_monitoring.index_action where action = 'REVERT' and reason like 'Not scanned in%'"));
    }

    [Fact]
    public async Task It_asks_with_the_reason_and_WhatIf_changes_nothing()
    {
        session.Host.Answers.Enqueue("No");

        var result = session.Invoke("""
            $id = (Get-IndexStrategy -IndexName orders_status_idx).Id
            Undo-IndexCreation -Id $id -Reason 'Not wanted.'
            Undo-IndexCreation -Id $id -WhatIf
            """).MustSucceed();

        Assert.Empty(result.Output);
        Assert.Contains(
            "DROP INDEX CONCURRENTLY public.orders_status_idx -- Not wanted.", Assert.Single(session.Host.Prompts),
            StringComparison.Ordinal);
        Assert.Equal(4, (await IndexesAsync()).Length);
    }

    [Fact]
    public async Task What_is_not_known_to_be_made_here_is_refused()
    {
        await database.ExecuteAsync("drop index orders_status_idx; create index orders_status_idx on orders using hash (status)");

        var result = session.Invoke("""
            Undo-IndexCreation -Id ([guid]::NewGuid()) -Confirm:$false
            Undo-IndexCreation -Id (Get-IndexStrategy -IndexName orders_status_idx).Id -Confirm:$false
            """);

        Assert.Equal(["IndexNotCreated", "IndexChanged"], result.AllErrors.Select(e => e.FullyQualifiedErrorId.Split(',')[0]));
        Assert.Equal(4, (await IndexesAsync()).Length);
    }

    private async Task<string[]> IndexesAsync() =>
        (await database.ScalarAsync<string[]>(
            "select array_agg(indexname::text order by indexname collate \"C\") from pg_indexes where tablename = 'orders'"))!;

    // Logs executions before and after the time to which the builds are moved.
    private Task LogAsync(double before, double after) => database.ExecuteAsync(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"""
        update perf_monitoring.index_action set started_at = now() - interval '60 s', finished_at = now() - interval '50 s';
        insert into perf_monitoring.query_performance_log (id, query_hash, query_pattern, execution_time_ms, rows_examined, rows_returned, database_user, executed_at)
        select gen_random_uuid(), repeat('a', 64), 'update orders set status = $1 where customer_id = $2', (case when g < 0 then {before} else {after} end) * (1 + 0.1 * sin(g)),
            1, 1, 'app', now() - interval '55 s' + g * interval '10 min' + sign(g) * interval '10 s'
        from generate_series(-60, 60) g where g <> 0
        """));
}
