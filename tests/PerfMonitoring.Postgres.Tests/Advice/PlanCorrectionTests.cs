using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>Compares the corrected cost of a plan with a hypothetical index with the planner's cost after a build.</summary>
public sealed class PlanCorrectionTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("""
            drop table if exists lines, orders;
            create table orders (id int primary key, day int not null, filler text not null) with (autovacuum_enabled = off);
            insert into orders select i, (i * 7919) % 1000, repeat('x', 60) from generate_series(1, 40000) i;
            create table lines (order_id int not null, product int not null, day int not null, filler text not null) with (autovacuum_enabled = off);
            insert into lines select 1 + (i * 6007) % 40000, (i * 7919) % 500, (i * 31) % 1000, repeat('x', 60) from generate_series(1, 240000) i;
            """);
        await database.ExecuteAsync("vacuum analyze");
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

    // A range of a repeated key; one look-up; loops over few and over many rows of the outer table; a semi join, which stops at
    // the first match; an index-only scan; a LIMIT at the tenth row.
    [Theory]
    [InlineData("select filler from lines where day between 100 and 150", "day")]
    [InlineData("select filler from lines where product = 7", "product")]
    [InlineData("select l.filler from orders o join lines l on l.order_id = o.id where o.day = 5", "order_id")]
    [InlineData("select l.filler from orders o join lines l on l.order_id = o.id where o.day < 4", "order_id")]
    [InlineData(
        "select count(*) from orders o where o.day < 50 and exists (select from lines l where l.order_id = o.id and l.filler "
            + "<> '')", "order_id")]
    [InlineData("select count(*) from lines where product between 10 and 60", "product")]
    [InlineData("select filler from lines order by day limit 10", "day")]
    [InlineData("select day, count(*) from lines group by day order by day limit 10", "day")]
    public async Task Costs_are_those_with_the_index_built(string statement, string column)
    {
        var definition = new IndexDefinition {
            Table = new RelationName("public", "lines"), Name = "", Method = "btree", Keys = [IndexKey.OnColumn(column)] };
        var table = (await connection.Catalog.FindTablesAsync([definition.Table], Token)).Single();
        var size = IndexSize.Estimate(definition, table)!.Value;
        var candidate = new Candidate {
            Id = 0, Definition = definition, SizeBytes = size, DescentCost = WriteCost.OfDescentPages(size) };
        var request = new WhatIfRequest(new PlanText(statement), [candidate]);
        WhatIfPlan promised;
        await using (var session = await connection.WhatIf.OpenAsync(TimeSpan.FromSeconds(30), Token))
        {
            promised = await session.ExplainAsync(request, Token);
        }

        var correction = PlanCorrection.Of(
            promised.Plan, name => promised.Candidates.ContainsKey(name) ? (candidate, promised.Sizes[0]) : null, name =>
                name == "lines" ? table : null);

        await using var real = await connection.GetRealWhatIf(false).OpenAsync(TimeSpan.FromSeconds(30), Token);
        var built = await real.ExplainAsync(request, Token);
        Assert.NotEmpty(promised.Candidates);
        Assert.NotEmpty(built.Candidates);
        Assert.InRange(promised.Plan.TotalCost + correction, built.Plan.TotalCost * 0.97, built.Plan.TotalCost * 1.03);
    }
}
