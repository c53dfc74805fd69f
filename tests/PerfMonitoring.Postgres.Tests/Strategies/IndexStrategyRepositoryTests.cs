using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Strategies;

public sealed class IndexStrategyRepositoryTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private IMonitoringConnection connection = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        connection = await ConnectAsync(database.ConnectionString);
        await connection.Store.UpgradeAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        await database.ExecuteAsync("truncate perf_monitoring.index_strategy cascade");
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task What_is_stored_comes_back_whole()
    {
        var strategy = Make("first \"é\"") with
        {
            Definition = new IndexDefinition
            {
                Table = new RelationName("Sälés", "Order \"Items\""),
                Name = "first \"é\"",
                Keys =
                [
                    new IndexKey { Column = "a; --", Descending = true, NullsFirst = false },
                    new IndexKey { Expression = "lower(b)", Collation = "\"C\"", OperatorClass = "text_pattern_ops" },
                ],
                Include = ["c"],
                StorageParameters = ["fillfactor='70'"],
                Where = "d = 'it''s'",
                IsUnique = true,
            },
            UsagePattern = UsagePattern.RangeScan,
            MaintenanceWindow = MaintenanceWindow.OffPeak,
            CostBefore = 100,
            CostAfter = 25,
            SizeBytes = 8192,
            Rank = 2,
            Evidence = EvidenceSource.WhatIf,
            Reason = "Because.",
            MarginalGain = 0.25,
            WriteCost = 3,
            Replaces = ["old \"index\"", "older"],
            Impacts = [
                new QueryImpact {
                QueryHash = new string('a', 64), Query = new string('q', 2500), Weight = 7, CostBefore = 10, CostAfter = 5,
                MeanTimeMs = 1.5 }],
        };

        var stored = Assert.Single(await connection.Strategies.AddAsync([strategy], Token));

        Assert.True(stored.IsStored);
        Assert.NotNull(stored.CreatedBy);
        Assert.Equal(strategy.IndexDefinition, stored.IndexDefinition);
        Assert.Equal(strategy.Definition.ToAnonymousStatement(), stored.Definition.ToAnonymousStatement());
        Assert.Equal(
            (strategy.Id, UsagePattern.RangeScan, MaintenanceWindow.OffPeak, 100, 25, 8192, 2, EvidenceSource.WhatIf, "Because."),
            (stored.Id, stored.UsagePattern, stored.MaintenanceWindow, stored.CostBefore, stored.CostAfter, stored.SizeBytes,
                stored.Rank, stored.Evidence, stored.Reason));
        Assert.Equal((0.25, 3), (stored.MarginalGain, stored.WriteCost));
        Assert.Equal(strategy.Replaces, stored.Replaces);
        Assert.Equal(strategy.Impacts[0] with { Query = new string('q', 2000) }, Assert.Single(stored.Impacts));
        Assert.Equal(
            "FUNCTIONAL|[\"a; --\", \"lower(b)\"]|d = 'it''s'",
            await database.ScalarAsync<string>(
                "select index_type || '|' || columns || '|' || where_clause from perf_monitoring.index_strategy"));
    }

    [Fact]
    public async Task Proposing_again_keeps_the_row_and_what_was_created_stays()
    {
        var first = (await connection.Strategies.AddAsync([Make("i")], Token))[0];
        await connection.Strategies.UpdateAsync(first.Id, new IndexStrategyChange { IsActive = false }, Token);
        Assert.Empty(await ListAsync(new IndexStrategyFilter()));

        var again = (await connection.Strategies.AddAsync([Make("i") with { Reason = "Again." }], Token))[0];
        Assert.Equal((first.Id, "Again.", true), (again.Id, again.Reason, again.IsActive));

        var created = await connection.Strategies.UpdateAsync(
            first.Id, new IndexStrategyChange { IsCreated = true, SizeBytes = 5 }, Token);
        Assert.Equal((true, 5), (created.IsCreated, created.SizeBytes));
        Assert.Equal("Again.", (await connection.Strategies.AddAsync([Make("i") with { Reason = "Third." }], Token))[0].Reason);

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => connection.Strategies.AddAsync([Make("other"), Make("i", "b")], Token));
        Assert.Equal("StrategyExists", error.ErrorId);
        Assert.Equal("i", Assert.Single(await ListAsync(new IndexStrategyFilter())).IndexName);
    }

    [Fact]
    public async Task A_strategy_of_another_database_is_neither_seen_nor_overwritten()
    {
        await using var elsewhere = await TestDatabase.OnAsync(database.Cluster);
        await using var other = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = elsewhere.ConnectionString },
            new ConnectionSettings { ConnectionString = database.ConnectionString }, "somebody", Token);
        await other.Store.UpgradeAsync(Token);
        var mine = (await connection.Strategies.AddAsync([Make("i")], Token))[0];

        var theirs = (await other.Strategies.AddAsync([Make("i")], Token))[0];
        var missing = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => other.Strategies.UpdateAsync(mine.Id, new IndexStrategyChange { IsActive = false }, Token));

        Assert.Equal("StrategyNotFound", missing.ErrorId);
        Assert.True(Assert.Single(await ListAsync(new IndexStrategyFilter())).IsActive);
        Assert.NotEqual(mine.Id, theirs.Id);
        Assert.Equal("somebody", theirs.CreatedBy);
    }

    [Fact]
    public async Task Filters_let_through_what_they_say()
    {
        var all = await connection.Strategies.AddAsync(
            [Make("a"), Make("b", table: "u"), Make("c") with { IsCreated = true }], Token);

        Assert.Equal(
            ["a"], await NamesAsync(new IndexStrategyFilter { IsCreated = false, Table = new RelationName("public", "t") }));
        Assert.Equal(["a", "c"], await NamesAsync(new IndexStrategyFilter { Table = new RelationName(null, "t") }));
        Assert.Equal(["c"], await NamesAsync(new IndexStrategyFilter { IsCreated = true }));
        Assert.Equal(["b"], await NamesAsync(new IndexStrategyFilter { IndexName = "b" }));
        Assert.Equal(["b"], await NamesAsync(new IndexStrategyFilter { Ids = [all[1].Id] }));
    }

    [Theory]
    [InlineData(2000, 10, "DefinitionTooLong")]
    [InlineData(10, 60, "TableNameTooLong")]
    public async Task What_is_too_long_is_refused_before_anything_is_stored(int where, int name, string errorId)
    {
        var strategy = Make("i", table: new string('t', name));
        strategy = strategy with {
            Definition = strategy.Definition with {
            Table = new RelationName(new string('s', name), new string('t', name)), Where = new string('x', where) } };

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => connection.Strategies.AddAsync([Make("ok"), strategy], Token));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Empty(await ListAsync(new IndexStrategyFilter()));
    }

    private static IndexStrategy Make(string name, string column = "a", string table = "t") => new()
    {
        Definition = new IndexDefinition {
            Table = new RelationName("public", table), Name = name, Keys = [IndexKey.OnColumn(column)] },
    };

    private static Task<IMonitoringConnection> ConnectAsync(string connectionString) =>
        new PostgresBackend().ConnectAsync(new ConnectionSettings { ConnectionString = connectionString }, null, null, Token);

    private async Task<List<IndexStrategy>> ListAsync(IndexStrategyFilter filter)
    {
        var list = new List<IndexStrategy>();
        await foreach (var strategy in connection.Strategies.GetAsync(filter, Token))
        {
            list.Add(strategy);
        }

        return list;
    }

    private async Task<List<string>> NamesAsync(IndexStrategyFilter filter) =>
        [.. (await ListAsync(filter)).Select(s => s.IndexName)];
}
