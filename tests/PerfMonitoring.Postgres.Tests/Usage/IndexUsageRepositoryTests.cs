using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Postgres.Usage;

public sealed class IndexUsageRepositoryTests(SandboxFixture sandbox)
{
    private const string Schema = """
        create table customers (id int primary key, code text, email text unique, cust_ref int);
        create table orders (
            id bigint primary key, customer_id int references customers (id), status text, at timestamptz default now(), during int4range,
            exclude using gist (during with &&));
        create index orders_customer_id_idx on orders (customer_id);
        create index orders_status_idx on orders (status);
        create index orders_status_at_idx on orders (status, at);
        create index orders_status_idx2 on orders (status);
        create index orders_status_pattern on orders (status text_pattern_ops);
        create index orders_status_desc on orders (status desc);
        create index orders_lower on orders (lower(status));
        create index orders_part on orders (status) where at is not null;
        create index customers_cust on customers (cust_ref);
        alter table customers cluster on customers_cust;
        create unique index customers_code on customers (code);
        alter table customers alter code set not null;
        alter table customers replica identity using index customers_code;
        create table parted (id int, n int) partition by range (id);
        create table parted_1 partition of parted for values from (0) to (100);
        create index parted_n on parted (n);
        insert into customers select g, 'c' || g, 'e' || g, g from generate_series(1, 1000) g;
        insert into orders (id, customer_id, status) select g, 1 + g % 1000, 's' || g % 10 from generate_series(1, 10000) g;
        update orders set status = 'z' where id = 1;
        delete from orders where id = 2;
        """;

    public static TheoryData<int> Versions => SandboxFixture.SupportedVersions;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Every_index_is_told_with_what_forbids_dropping_it(int majorVersion)
    {
        await using var database = await MakeAsync(majorVersion);
        await using var connection = await ConnectAsync(database);

        var stats = (await UsageReader.GetAsync(connection, new(), Token)).ToDictionary(s => s.IndexName);

        Assert.Equal(
            [
                "customers_code", "customers_cust", "customers_email_key", "customers_pkey", "orders_customer_id_idx",
                "orders_during_excl",
                "orders_lower", "orders_part", "orders_pkey", "orders_status_at_idx", "orders_status_desc", "orders_status_idx",
                "orders_status_idx2", "orders_status_pattern", "parted_1_n_idx",
            ],
            stats.Keys.Order(StringComparer.Ordinal));
        // The finding "redundant" needs no statistics; the finding "unused" does.
        Assert.Equal(
            ["orders_status_desc", "orders_status_idx", "orders_status_idx2"],
            stats.Values.Where(s => s.IsRecommendedForDrop).Select(s => s.IndexName));
        Assert.Contains(
            stats["orders_status_at_idx"].Blockers, b => b.Code == DropBlockerCode.StatisticsAge);
        Assert.Equal(
            [
                "Its keys are the first keys of orders_status_at_idx, read backwards.",
                "orders_status_idx, read backwards, is the same.", "orders_status_idx2, read backwards, is the same.",
            ],
            stats["orders_status_desc"].Reasons);
        Assert.Contains("It is the primary key.", stats["customers_pkey"].Blockers.Select(b => b.Text));
        Assert.Contains(
            "Foreign key orders_customer_id_fkey refers to it.", stats["customers_pkey"].Blockers.Select(b => b.Text));
        Assert.Contains("It enforces uniqueness.", stats["customers_email_key"].Blockers.Select(b => b.Text));
        Assert.Contains("It enforces an exclusion constraint.", stats["orders_during_excl"].Blockers.Select(b => b.Text));
        Assert.Contains("It is the replica identity of its table.", stats["customers_code"].Blockers.Select(b => b.Text));
        Assert.Contains("Its table is clustered by it.", stats["customers_cust"].Blockers.Select(b => b.Text));
        Assert.Contains(
            "It is attached to public.parted_n, the index of a partitioned table.",
            stats["parted_1_n_idx"].Blockers.Select(b => b.Text));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Counters_become_figures(int majorVersion)
    {
        await using var database = await MakeAsync(majorVersion);
        await database.ExecuteAsync("""
            analyze;
            set enable_seqscan = off; set enable_bitmapscan = off;
            select count(*) from orders where customer_id = 7;
            select count(*) from orders where customer_id = 8;
            """);
        await using var connection = await ConnectAsync(database);

        var stat = await UntilScannedAsync(connection, "orders_customer_id_idx", 2);

        Assert.Equal(20, stat.TotalTuplesRead);
        Assert.Equal(0.001, stat.SelectivityRatio!.Value, 0.0001);
        Assert.Equal(await database.ScalarAsync<long>("select pg_relation_size('orders_customer_id_idx')"), stat.IndexSizeBytes);
        Assert.True(stat.MaintenanceCostScore > 0);
        Assert.True(stat.TableWrites is 10001 or 10002, $"{stat.TableWrites}");
        Assert.Null(stat.AvgScanTimeMs);
        Assert.Equal(majorVersion >= 16, stat.LastScan is not null);
        Assert.NotNull(stat.CountersSince);
    }

    [Fact]
    public async Task With_old_statistics_the_redundant_go_and_the_unused_once_they_are_known_long_enough()
    {
        await using var database = await MakeAsync(null);
        await using var connection = await ConnectAsync(database);
        var facts = await connection.IndexUsage.ReadAsync(Token);
        var later = facts.State with { Now = facts.State.Now.AddDays(8) };

        var unknownAge = Names(DropVerdict.Judge(facts.Indexes, facts.ForeignKeys, later, DropVerdict.DefaultWindow));
        var known = Names(
            DropVerdict.Judge(
            [.. facts.Indexes.Select(i => i with { ExistsSince = facts.State.Now })], facts.ForeignKeys, later,
            DropVerdict.DefaultWindow));

        Assert.Equal(["orders_status_desc", "orders_status_idx", "orders_status_idx2"], unknownAge);
        Assert.Equal(
            ["orders_lower", "orders_part", "orders_status_at_idx", "orders_status_desc", "orders_status_idx",
                "orders_status_idx2", "orders_status_pattern"], known);

        IEnumerable<string> Names(IReadOnlyDictionary<uint, DropVerdict> verdicts) =>
            facts.Indexes.Where(i => verdicts[i.Index.Oid].IsRecommended)
                .Select(i => i.Index.Definition.Name).Order(StringComparer.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_statistics_of_an_expression_are_offered_and_then_nothing_forbids(int majorVersion)
    {
        await using var database = await MakeAsync(majorVersion);
        await database.ExecuteAsync("""
            create index "orders Sum" on orders ((id + 1), status, upper(status) desc);
            create index orders_part_lower on orders (lower(status)) where id > 5;
            analyze orders;
            """);
        await using var connection = await ConnectAsync(database);
        var lower = (await UsageReader.GetAsync(connection, new(), Token)).Single(s => s.IndexName == "orders_lower");
        var sum = (await UsageReader.GetAsync(connection, new(), Token)).Single(s => s.IndexName == "orders Sum");

        Assert.Equal(["lower(status)"], lower.LostExpressions);
        Assert.Contains(
            "The planner may use the statistics of its expression lower(status), which nothing else has.",
            lower.Blockers.Select(b => b.Text));
        if (majorVersion < 14)
        {
            Assert.Empty(lower.StatisticsStatements);
            return;
        }

        Assert.Equal(
            ["CREATE STATISTICS public.orders_lower_stat1 ON (lower(status)) FROM public.orders", "ANALYZE public.orders"],
            lower.StatisticsStatements);
        Assert.Equal(3, sum.StatisticsStatements.Count);
        foreach (var statement in lower.StatisticsStatements.Concat(sum.StatisticsStatements))
        {
            await database.ExecuteAsync(statement);
        }

        foreach (var stat in (await UsageReader.GetAsync(connection, new(), Token))
            .Where(s => s.IndexName is "orders_lower" or "orders Sum"))
        {
            Assert.Empty(stat.LostExpressions);
            Assert.DoesNotContain(stat.Blockers, b => b.Code == DropBlockerCode.ExpressionStatistics);
        }
    }

    [Fact]
    public async Task What_was_stored_tells_that_an_index_was_not_scanned_in_the_window()
    {
        await using var database = await MakeAsync(null);
        await database.ExecuteAsync("""
            set enable_seqscan = off; set enable_bitmapscan = off;
            select count(*) from orders where customer_id = 7;
            """);
        await using var connection = await ConnectAsync(database);
        await connection.Store.UpgradeAsync(Token);
        await UntilScannedAsync(connection, "orders_customer_id_idx", 1);
        await UsageRecorder.RecordAsync(connection, await UsageReader.GetAsync(connection, new(), Token), Token);
        Assert.Empty((await StatAsync()).Reasons);

        await AgeAsync();
        Assert.StartsWith("Not scanned since ", Assert.Single((await StatAsync()).Reasons), StringComparison.Ordinal);
        Assert.Empty((await StatAsync(50)).Reasons);

        // A row from before the migration, with the counts of one server.
        await database.ExecuteAsync("update perf_monitoring.index_usage_detail set counts = '[]'");
        Assert.NotEmpty((await StatAsync()).Reasons);
        await database.ExecuteAsync("update perf_monitoring.index_usage_stats set total_scans = 0");
        Assert.Empty((await StatAsync()).Reasons);

        async Task<IndexUsageStat> StatAsync(int days = 35) =>
            (await UsageReader.GetAsync(connection, new() { Window = TimeSpan.FromDays(days) }, Token))
                .Single(s => s.IndexName == "orders_customer_id_idx");

        // Moves today's rows into the past; the start time of the counters stays.
        Task AgeAsync() => database.ExecuteAsync(
            "update perf_monitoring.index_usage_stats set last_analyzed = now() - interval '40 days', stats_date = "
                + "current_date - 40");
    }

    [Fact]
    public async Task A_table_that_is_locked_exclusively_is_not_waited_for()
    {
        await using var database = await MakeAsync(null);
        await using var connection = await ConnectAsync(database);
        await using var locker = new NpgsqlConnection(database.UnpooledConnectionString);
        await locker.OpenAsync(Token);
        await using var command = new NpgsqlCommand("begin; lock table orders in access exclusive mode", locker);
        await command.ExecuteNonQueryAsync(Token);

        var stats = await UsageReader.GetAsync(connection, new(), Token).WaitAsync(TimeSpan.FromSeconds(5), Token);

        Assert.All(stats.Where(s => s.TableName == "public.orders"), s => Assert.Null(s.IndexSizeBytes));
        Assert.All(
            stats.Where(s => s.TableName == "public.orders"), s =>
                Assert.Contains(s.Blockers, b => b.Code == DropBlockerCode.Locked));
        Assert.DoesNotContain(
            stats.Single(s => s.IndexName == "orders_part").Reasons, r => r.StartsWith("Duplicate", StringComparison.Ordinal));
        Assert.All(stats.Where(s => s.TableName == "public.customers"), s => Assert.NotNull(s.IndexSizeBytes));
    }

    [Fact]
    public async Task An_invalid_index_is_told()
    {
        await using var database = await MakeAsync(null);
        await Assert.ThrowsAsync<PostgresException>(
            () => database.ExecuteAsync("create unique index concurrently broken on orders (status)"));
        await using var connection = await ConnectAsync(database);

        var stat = (await UsageReader.GetAsync(connection, new(), Token)).Single(s => s.IndexName == "broken");

        Assert.False(stat.IsValid);
        Assert.Contains(stat.Blockers, b => b.Code == DropBlockerCode.Invalid);
    }

    [Fact]
    public async Task Twice_a_day_is_one_row_for_each_index_and_all_are_adopted()
    {
        await using var database = await MakeAsync(null);
        await using var connection = await ConnectAsync(database);
        await connection.Store.UpgradeAsync(Token);

        var first = await UsageRecorder.RecordAsync(connection, await UsageReader.GetAsync(connection, new(), Token), Token);
        var second = await UsageRecorder.RecordAsync(connection, await UsageReader.GetAsync(connection, new(), Token), Token);
        var history = await HistoryAsync(connection, null, null);

        Assert.Equal((15, 15), (first.Stored.Count, first.Adopted));
        Assert.Equal((15, 0), (second.Stored.Count, second.Adopted));
        Assert.Empty(second.Skipped);
        Assert.Equal(first.Stored.Select(s => s.Id), second.Stored.Select(s => s.Id));
        Assert.Equal(15, history.Count);
        Assert.Equal(15, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_usage_stats"));
        Assert.Equal(
            15, await database.ScalarAsync<long>(
                "select count(*) from perf_monitoring.index_strategy where is_created and created_by is not null"));
        Assert.All(history, h => Assert.Equal(DateOnly.FromDateTime(h.LastAnalyzed.UtcDateTime), h.StatsDate));
        Assert.Equal(
            second.Stored.Single(s => s.IndexName == "orders_pkey").Blockers,
            history.Single(s => s.IndexName == "orders_pkey").Blockers);
        // Unknown is stored as the entity requires, and read as unknown again.
        Assert.Equal(
            0, await database.ScalarAsync<decimal>("select max(avg_scan_time_ms) from perf_monitoring.index_usage_stats"));
        Assert.All(history, h => Assert.Null(h.AvgScanTimeMs));
        Assert.Null(history.Single(h => h.IndexName == "orders_lower").SelectivityRatio);
    }

    [Fact]
    public async Task What_the_store_saw_a_week_ago_is_known_to_be_that_old()
    {
        await using var database = await MakeAsync(null);
        await using var connection = await ConnectAsync(database);
        await connection.Store.UpgradeAsync(Token);
        await UsageRecorder.RecordAsync(connection, await UsageReader.GetAsync(connection, new(), Token), Token);
        await database.ExecuteAsync(
            "update perf_monitoring.index_usage_stats set last_analyzed = now() - interval '9 days', stats_date = "
                + "current_date - 9");
        await database.ExecuteAsync("drop index orders_lower; create index orders_lower on orders (lower(status))");

        var facts = (await connection.IndexUsage.ReadAsync(Token)).Indexes.ToDictionary(i => i.Index.Definition.Name);

        Assert.Equal(9, (DateTimeOffset.UtcNow - facts["orders_part"].ExistsSince!.Value).TotalDays, 0.1);
        Assert.Null(facts["orders_lower"].ExistsSince);
        Assert.Equal(15, (await HistoryAsync(connection, null, DateOnly.FromDateTime(DateTime.UtcNow.AddDays(-8)))).Count);
        Assert.Empty(await HistoryAsync(connection, DateOnly.FromDateTime(DateTime.UtcNow.AddDays(-7)), null));
    }

    [Fact]
    public async Task Strategies_are_respected()
    {
        await using var database = await MakeAsync(null);
        await using var connection = await ConnectAsync(database);
        await connection.Store.UpgradeAsync(Token);
        var (first, second, third) = (
            await AddAsync("orders_status_idx", "status"), await AddAsync("orders_status_idx2", "status"),
            await AddAsync("orders_lower", "at"));
        await connection.Strategies.UpdateAsync(second.Id, new IndexStrategyChange { IsMonitoring = false }, Token);

        var recording = await UsageRecorder.RecordAsync(connection, await UsageReader.GetAsync(connection, new(), Token), Token);

        Assert.Equal(first.Id, recording.Stored.Single(s => s.IndexName == "orders_status_idx").IndexStrategyId);
        Assert.True(
            await database.ScalarAsync<bool>($"select is_created from perf_monitoring.index_strategy where id = '{first.Id}'"));
        Assert.DoesNotContain(recording.Stored, s => s.IndexName is "orders_status_idx2" or "orders_lower");
        Assert.Equal(1, recording.Unmonitored);
        Assert.Equal("IndexDiffersFromStrategy", Assert.Single(recording.Skipped).ErrorId);
        Assert.False(
            await database.ScalarAsync<bool>($"select is_created from perf_monitoring.index_strategy where id = '{third.Id}'"));

        async Task<IndexStrategy> AddAsync(string name, string column) => (await connection.Strategies.AddAsync(
            [
                new IndexStrategy
                {
                    Definition = new IndexDefinition {
                        Table = new RelationName("public", "orders"), Name = name, Keys = [IndexKey.OnColumn(column)] },
                },
            ],
            Token))[0];
    }

    [Fact]
    public async Task A_name_that_the_store_cannot_take_is_left_out_and_the_rest_goes_on()
    {
        await using var database = await MakeAsync(null);
        var (schema, table) = (new string('s', 60), new string('t', 60));
        await database.ExecuteAsync($"create schema {schema}; create table {schema}.{table} (id int primary key)");
        await using var connection = await ConnectAsync(database);
        await connection.Store.UpgradeAsync(Token);

        var recording = await UsageRecorder.RecordAsync(connection, await UsageReader.GetAsync(connection, new(), Token), Token);

        Assert.Equal("TableNameTooLong", Assert.Single(recording.Skipped).ErrorId);
        Assert.Equal(15, recording.Stored.Count);
    }

    private async Task<TestDatabase> MakeAsync(int? majorVersion)
    {
        var database = await TestDatabase.OnAsync(
            await (majorVersion is { } major ? sandbox.ClusterAsync(major) : sandbox.ClusterAsync()));
        await database.ExecuteAsync(Schema);
        return database;
    }

    private static Task<IMonitoringConnection> ConnectAsync(TestDatabase database) => new PostgresBackend().ConnectAsync(
        new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);

    // A session sends its counters when it ends, or a second later.
    private static async Task<IndexUsageStat> UntilScannedAsync(IMonitoringConnection connection, string name, long scans)
    {
        IndexUsageStat? stat = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                stat = (await UsageReader.GetAsync(connection, new(), Token)).Single(s => s.IndexName == name);
                return stat.TotalScans == scans && stat.TableWrites > 10000;
            },
            $"{name} is scanned {scans} times");
        return stat!;
    }

    private static async Task<List<IndexUsageStat>> HistoryAsync(
        IMonitoringConnection connection, DateOnly? since, DateOnly? until)
    {
        var history = new List<IndexUsageStat>();
        await foreach (var stat in connection.IndexUsage.GetHistoryAsync(since, until, Token))
        {
            history.Add(stat);
        }

        return history;
    }
}
