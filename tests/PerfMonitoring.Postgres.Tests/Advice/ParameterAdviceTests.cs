using PerfMonitoring.Advice;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

public sealed class ParameterAdviceTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("""
            drop table if exists tickets, events;
            create table tickets (id int primary key, status text not null, created_at timestamptz not null, filler text not null);
            insert into tickets select i, case when i % 1000 = 0 then 'open' else 'done' end, now() - (50000 - i) * interval '1 minute', repeat('x', 80) from generate_series(1, 50000) i;
            create table events (id int not null, at timestamptz not null, kind int not null, filler text not null) partition by range (at);
            create table events_1 partition of events for values from (minvalue) to (now() - interval '20 days') partition by hash (id);
            create table events_1_0 partition of events_1 for values with (modulus 2, remainder 0);
            create table events_1_1 partition of events_1 for values with (modulus 2, remainder 1);
            create table events_2 partition of events for values from (now() - interval '20 days') to (maxvalue);
            insert into events select i, now() - (50000 - i) * interval '1 minute', i % 5000, repeat('x', 80) from generate_series(1, 50000) i;
            analyze tickets, events_1_0, events_1_1, events_2;
            """);
        connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }
    }

    // The generic plan assumes half of the table for the requested value, so it would use no index. 50 rows a call show that the
    // value is rare.
    [Fact]
    public async Task A_skewed_column_gets_its_index_where_the_rare_value_is_asked_for()
    {
        const string Statement = "select filler from tickets where status = $1";

        var rare = await AdviseAsync(Statement, rowsPerCall: 50);
        var common = await AdviseAsync(Statement, rowsPerCall: 49_950);

        Assert.Equal("status", Assert.Single(rare.Strategies).Definition.Keys[0].Column);
        Assert.Empty(common.Strategies);
    }

    [Fact]
    public async Task A_range_of_unknown_width_is_the_newest_part() =>
        Assert.Equal(
            "created_at",
            Assert.Single(
            (await AdviseAsync(
            "select filler from tickets where created_at > now() - interval $1", null)).Strategies).Definition.Keys[0].Column);

    [Fact]
    public async Task Advice_on_partitions_is_on_the_parent()
    {
        var advice = await AdviseAsync("select filler from events where kind = $1", null);

        var strategy = Assert.Single(advice.Strategies);
        Assert.Equal(("public.events", "kind"), (strategy.Definition.Table.ToString(), strategy.Definition.Keys[0].Column));
        Assert.Empty(advice.PassedOver);
        await database.ExecuteAsync(strategy.Definition.ToCreateStatement(concurrently: false));
        var real = await database.ScalarAsync<long>(
            $"select sum(pg_relation_size(relid))::bigint from pg_partition_tree('{strategy.IndexName}') where isleaf");
        Assert.InRange((double)strategy.SizeBytes!.Value / real, 0.8, 1.2);
    }

    private Task<IndexAdvice> AdviseAsync(string statement, double? rowsPerCall) =>
        new IndexAdvisor(connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target)
            .AdviseAsync(
            [new WorkloadStatement(statement, QueryText.Hash(QueryText.Normalize(statement)), statement, 1, null) {
                RowsPerCall = rowsPerCall }],
            new AdvisorOptions { MinimumGain = 0.1 }, null, Token);
}
