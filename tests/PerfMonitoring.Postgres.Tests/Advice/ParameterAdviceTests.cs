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
            drop table if exists tickets, events, jobs, logs;
            create table jobs (
                id int primary key, queue text not null, state text not null, priority int not null, run_at timestamptz not null, locked_at timestamptz, payload text not null);
            insert into jobs select i, 'q' || i % 7, case when i % 1000 = 0 then 'queued' else 'done' end, i % 5, now() - (50000 - i) * interval '1 second', null, repeat('x', 80)
                from generate_series(1, 50000) i;
            create index jobs_locked_at on jobs (locked_at);
            create table logs (id int primary key, expires_at timestamptz not null, title text not null, filler text not null);
            insert into logs select i, now() + i * interval '1 minute', md5(i::text), repeat('x', 80) from generate_series(1, 50000) i;
            create table tickets (id int primary key, status text not null, created_at timestamptz not null, filler text not null);
            insert into tickets select i, case when i % 1000 = 0 then 'open' else 'done' end, now() - (50000 - i) * interval '1 minute', repeat('x', 80) from generate_series(1, 50000) i;
            create table events (id int not null, at timestamptz not null, kind int not null, filler text not null) partition by range (at);
            create table events_1 partition of events for values from (minvalue) to (now() - interval '20 days') partition by hash (id);
            create table events_1_0 partition of events_1 for values with (modulus 2, remainder 0);
            create table events_1_1 partition of events_1 for values with (modulus 2, remainder 1);
            create table events_2 partition of events for values from (now() - interval '20 days') to (maxvalue);
            insert into events select i, now() - (50000 - i) * interval '1 minute', i % 5000, repeat('x', 80) from generate_series(1, 50000) i;
            analyze tickets, events_1_0, events_1_1, events_2, jobs, logs;
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

    // A statement with the rows that the server counted for each call -> the set. A subquery that chooses the row to write reads
    // many rows, and the statement writes one. A LIMIT that is seldom met reads everything.
    [Theory]
    [InlineData(
        "update jobs set state = $1, locked_at = now() where id = (select id from jobs where state = $2 order by priority, "
            + "run_at limit $3 for update skip locked) returning id",
        1.0, "(state, priority, run_at)")]
    [InlineData(
        "delete from jobs where id in (select id from jobs where state = $1 and run_at < $2 order by priority, run_at limit $3 "
            + "for update skip locked)",
        0.2, "(state, priority, run_at)")]
    [InlineData("select id from logs where expires_at < $1 order by id limit $2", 0.0, "(expires_at)")]
    [InlineData("select id from logs where expires_at < $1 order by id limit $2", 100.0, "")]
    [InlineData("delete from logs where expires_at < $1", 0.01, "(expires_at)")]
    // All values are in the future, and nothing is older than a day. What a page finds, the other conditions decide.
    [InlineData("select id from logs where expires_at < now() - interval $1 order by id limit $2", 0.0, "(expires_at)")]
    [InlineData("select filler from logs where title = $1 and id < $2 order by id desc limit $3", 0.5, "hash (title)")]
    [InlineData("select filler from logs where title like $1 order by id limit $2", 0.5, "(title text_pattern_ops)")]
    [InlineData("select payload from jobs where state = $1 order by id limit $2", 0.0, "(state)")]
    [InlineData("select payload from jobs where state <> $1 order by id limit $2", 0.0, "")]
    public async Task Counted_rows_tell_what_is_read_and_written(string statement, double rowsPerCall, string expected)
    {
        var advice = await AdviseAsync(statement, rowsPerCall, weight: 10_000);

        Assert.Equal(
            expected,
            string.Join('|', advice.Strategies.Select(s => s.Definition.ToAnonymousStatement().Split(" USING ")[1]))
                .Replace("btree ", "", StringComparison.Ordinal));
    }

    // The generic plan of one statement costs as much as that of the other; only the clock tells that it reads everything.
    [Fact]
    public async Task Measured_time_tells_which_values_are_asked_for_or_that_the_planner_is_wrong()
    {
        const string Poll = "select count(*) from (select 1 from logs where expires_at < $1 order by id limit $2) l";
        const string Lookup = "select filler from logs where id = $1";

        var explained = await AdviseAsync(Poll, 1, meanTimeMs: 14);
        var fast = await AdviseAsync(Poll, 1, meanTimeMs: 0.1);
        var wrong = await AdviseAsync(Lookup, 1, meanTimeMs: 144);

        Assert.Equal("expires_at", Assert.Single(explained.Strategies).Definition.Keys[0].Column);
        Assert.Empty(explained.Misjudged);
        Assert.Empty(fast.Strategies);
        Assert.Empty(fast.Misjudged);
        var misjudged = Assert.Single(wrong.Misjudged);
        Assert.Equal((144, 0), (misjudged.MeanTimeMs, misjudged.Written.Count));
        Assert.InRange(misjudged.Cost, 5, 10);
        Assert.InRange(misjudged.Factor, 1000, 5000);
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

    private Task<IndexAdvice> AdviseAsync(
        string statement, double? rowsPerCall, double weight = 1, double? meanTimeMs = null) =>
        new IndexAdvisor(connection.Catalog, connection.WhatIf, new IndexNames(connection.Catalog, null), connection.Target)
            .AdviseAsync(
            [new WorkloadStatement(statement, QueryText.Hash(QueryText.Normalize(statement)), statement, weight, meanTimeMs) {
                RowsPerCall = rowsPerCall }],
            new AdvisorOptions { MinimumGain = 0.1 }, null, Token);
}
