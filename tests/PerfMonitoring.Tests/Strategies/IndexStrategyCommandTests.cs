using System.Management.Automation;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Strategies;

public sealed class IndexStrategyCommandTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private readonly ModuleRunspace session = new();

    public async ValueTask InitializeAsync()
    {
        await database.ExecuteAsync("""
            drop schema if exists perf_monitoring cascade;
            drop table if exists orders;
            create table orders (id int primary key, customer_id int, total numeric, email text, deleted_at date, doc jsonb, xml_doc xml);
            insert into orders select i, i % 100, i, 'e' || i from generate_series(1, 5000) i;
            analyze orders;
            """);
        session.Invoke("Connect-PerfMonitoring -ConnectionString $args[0]", database.ConnectionString).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        session.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task By_hand_a_strategy_is_checked_and_stored_and_no_index_is_made()
    {
        MakeStore();

        var strategy = Strategy(
            session.Invoke(
                "New-IndexStrategy orders customer_id,'total desc' -Include email -Where 'deleted_at is null' -MaintenanceWindow "
                    + "Weekend"));

        Assert.Equal(
            "CREATE INDEX CONCURRENTLY orders_customer_id_total_email_part_idx ON public.orders USING btree (customer_id, "
                + "total DESC) INCLUDE (email) WHERE deleted_at is null",
            Text(strategy, "IndexDefinition"));
        Assert.Equal(
            ("True", "Partial", "Weekend"),
            (Text(strategy, "IsStored"), Text(strategy, "IndexType"), Text(strategy, "MaintenanceWindow")));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'orders'::regclass"));
        Assert.Equal(Text(strategy, "Id"), Text(Strategy(session.Invoke("Get-IndexStrategy -Pending orders")), "Id"));
    }

    [Theory]
    [InlineData("nowhere", "id", "", "TableNotFound")]
    [InlineData("x\"; drop table orders; --", "id", "", "InvalidName")]
    [InlineData("orders; drop table orders", "id", "", "InvalidName")]
    [InlineData("orders", "x\"; drop table orders; --", "", "ColumnNotFound")]
    [InlineData("orders", "id, nothing", "", "ColumnNotFound")]
    [InlineData("orders", "id", "-Where 'x\"; drop table orders; --'", "InvalidExpression")]
    [InlineData("orders", "id", "-Where 'true) ; drop table orders'", "InvalidExpression")]
    [InlineData("orders", "id", "-Where 'true) or (true'", "InvalidExpression")]
    [InlineData("orders", "id", "-Where 'nothing > 1'", "InvalidIndexDefinition")]
    [InlineData("orders", "id", "-Where 'now() > deleted_at'", "InvalidIndexDefinition")]
    [InlineData("orders", "xml_doc", "", "InvalidIndexDefinition")]
    [InlineData("orders", "id", "-Expression 'random()'", "InvalidIndexDefinition")]
    [InlineData("orders", "id", "-IndexType Composite", "IndexTypeMismatch")]
    [InlineData("orders", "id", "-IndexType Gin -Include total", "IndexTypeMismatch")]
    [InlineData("orders", "id", "-IndexName ('x' * 70)", "InvalidName")]
    [InlineData("orders", "id", "-IndexName orders_pkey", "IndexNameTaken")]
    [InlineData("orders", "id, id", "", "DuplicateColumn")]
    public async Task What_cannot_be_is_a_clear_error_and_changes_nothing(
        string table, string column, string more, string errorId)
    {
        MakeStore();

        var result = session.Invoke($"New-IndexStrategy -TableName $args[0] -Column $args[1] {more}", table, column);

        Assert.Equal(
            errorId + ",PerfMonitoring.Advice.NewIndexStrategyCommand",
            Assert.Single(result.AllErrors).FullyQualifiedErrorId);
        Assert.Empty(result.Output);
        Assert.Equal(5000, await database.ScalarAsync<long>("select count(*) from orders"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from perf_monitoring.index_strategy"));
    }

    [Fact]
    public void A_strange_name_is_quoted()
    {
        var strategy = Strategy(session.Invoke("New-IndexStrategy orders email -IndexName 'x\"; drop table orders; --' -Unique"));

        Assert.StartsWith(
            "CREATE UNIQUE INDEX CONCURRENTLY \"x\"\"; drop table orders; --\" ON public.orders",
            Text(strategy, "IndexDefinition"), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_a_csv_file_make_strategies_and_a_bad_row_does_not_stop_the_next()
    {
        var result = session.Invoke("""
            [pscustomobject]@{ TableName = 'orders'; Column = 'customer_id, total desc'; Where = ''; IndexType = ''; IndexName = '' },
            [pscustomobject]@{ TableName = 'orders'; Column = 'nothing'; Where = ''; IndexType = ''; IndexName = '' },
            [pscustomobject]@{ TableName = 'orders'; Column = 'total'; Where = 'total > 10'; IndexType = 'Partial'; IndexName = 'mine' } | New-IndexStrategy
            """);

        Assert.Equal(["orders_customer_id_total_idx", "mine"], result.Values("IndexName"));
        Assert.StartsWith("ColumnNotFound", Assert.Single(result.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_store_strategies_travel_and_say_that_they_are_not_stored()
    {
        var result = session.Invoke("New-IndexStrategy orders total");

        Assert.Equal("False", Text(Strategy(result), "IsStored"));
        Assert.Contains("not stored", Assert.Single(result.Warnings), StringComparison.Ordinal);
        Assert.StartsWith(
            "StoreMissing", Assert.Single(session.Invoke("Get-IndexStrategy").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "StrategyNotStored",
            Assert.Single(
                session.Invoke("New-IndexStrategy orders total | Remove-IndexStrategy").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIf_stores_nothing()
    {
        MakeStore();

        var result = session.Invoke("New-IndexStrategy orders total -WhatIf");

        Assert.Equal("False", Text(Strategy(result), "IsStored"));
        Assert.Contains("Store strategy: CREATE INDEX", result.HostText, StringComparison.Ordinal);
        Assert.Empty(session.Invoke("Get-IndexStrategy").MustSucceed().Output);
    }

    [Fact]
    public void Stored_strategies_are_changed_and_removed()
    {
        MakeStore();
        session.Invoke("New-IndexStrategy orders total; New-IndexStrategy orders email").MustSucceed();

        Assert.Equal(
            "OffPeak",
            Text(Strategy(
                session.Invoke(
                "Get-IndexStrategy o* *total* | Set-IndexStrategy -MaintenanceWindow OffPeak -IsMonitoring $false -PassThru")),
            "MaintenanceWindow"));
        Assert.StartsWith(
            "NothingToChange",
            Assert.Single(
                session.Invoke("Get-IndexStrategy -IndexName *total* | Set-IndexStrategy").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
        session.Invoke("Get-IndexStrategy -IndexName orders_total_idx | Remove-IndexStrategy").MustSucceed();

        Assert.Equal("orders_email_idx", Text(Strategy(session.Invoke("Get-IndexStrategy")), "IndexName"));
        Assert.Equal(2, session.Invoke("Get-IndexStrategy -IncludeInactive").MustSucceed().Output.Count);
        Assert.StartsWith(
            "StrategyNotFound",
            Assert.Single(session.Invoke("Get-IndexStrategy -Id $args[0]", Guid.NewGuid()).AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Texts_from_the_pipeline_are_advised_on_as_one_workload()
    {
        await database.CreateHypoPgAsync();
        MakeStore();

        var result = session.Invoke("""
            'select email from orders where customer_id = $1; select email from orders where customer_id = 7 and total > 5', 'vacuum orders' | New-IndexStrategy -StorageBudget 10MB
            """);

        Assert.Contains("left out", Assert.Single(result.Warnings), StringComparison.Ordinal);
        var strategies = result.MustSucceed().Output;
        Assert.NotEmpty(strategies);
        Assert.All(
            strategies, s =>
                Assert.True(
                    s.Properties["IsStored"].Value is true && s.Properties["GainShare"].Value is > 0.0
                    && s.Properties["SizeBytes"].Value is > 0L));
        Assert.All(result.Values("QueriesHelped"), helped => Assert.True(helped is > 0));
        Assert.Equal(strategies.Count, session.Invoke("Get-IndexStrategy").Output.Count);
    }

    [Fact]
    public async Task A_table_that_gets_no_advice_is_named_with_the_reason()
    {
        await database.CreateHypoPgAsync();

        var result = session.Invoke(
            "'select relpages from pg_class where reltuples = $1' | New-IndexStrategy -WarningAction Ignore -Verbose");

        Assert.Empty(result.MustSucceed().Output);
        Assert.Contains(
            result.Verbose, v => v.StartsWith("Table pg_catalog.pg_class gets no advice: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_with_queries_and_weights_are_a_workload()
    {
        await database.CreateHypoPgAsync();

        var result = session.Invoke("""
            [pscustomobject]@{ Query = 'select email from orders where customer_id = 3'; Calls = '70' },
            [pscustomobject]@{ Query = 'select email from orders where customer_id = 4'; Calls = '30' },
            [pscustomobject]@{ Query = 'set work_mem = 1'; Calls = '5' }, [pscustomobject]@{ Query = 'begin'; Calls = '5' } | New-IndexStrategy
            """);

        var impact = Assert.IsAssignableFrom<System.Collections.IEnumerable>(
            Assert.Single(result.Output).Properties["Impacts"].Value).Cast<object>();
        Assert.Equal(100.0, PSObject.AsPSObject(Assert.Single(impact)).Properties["Weight"].Value);
        Assert.Contains(result.Warnings, w => w.StartsWith("2 of 4 statements", StringComparison.Ordinal));
    }

    [Fact]
    public void A_list_of_one_is_indexed_like_any_list()
    {
        MakeStore();

        Assert.Equal("total", session.Invoke("(New-IndexStrategy orders total).Columns[0]").MustSucceed().Only().BaseObject);
    }

    [Fact]
    public async Task Slow_queries_of_another_database_are_refused()
    {
        await database.CreateHypoPgAsync();

        var result = session.Invoke("""
            $here = [PerfMonitoring.Statements.SlowQuery]@{ Query = 'select email from orders where customer_id = $1'; QueryHash = 'a' * 64; Calls = 100 }
            $there = [PerfMonitoring.Statements.SlowQuery]@{ Query = $here.Query; QueryHash = $here.QueryHash
                Target = [PerfMonitoring.Common.ServerTarget]@{ HostName = 'elsewhere'; Port = 1; Database = 'other' } }
            $there, $here | New-IndexStrategy
            """);

        Assert.StartsWith("OtherDatabase", Assert.Single(result.Errors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(result.Output).Properties["QueriesHelped"].Value);
    }

    [Fact]
    public void Tables_fit_120_columns()
    {
        MakeStore();

        var text = session.Render("New-IndexStrategy orders total");

        Assert.Contains("Size (MB)", text, StringComparison.Ordinal);
        Assert.True(text.Split('\n').Max(l => l.Length) <= 120);
    }

    [Fact]
    public async Task Candidates_of_the_last_advice_tell_what_became_of_them()
    {
        await database.CreateHypoPgAsync();
        Assert.StartsWith(
            "NoAdvice,", Assert.Single(session.Invoke("Get-IndexCandidate").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);

        var advised = session.Invoke("""
            $slow = [PerfMonitoring.Statements.SlowQuery]@{ Query = 'select email from orders where customer_id = $1'; QueryHash = 'a' * 64; Calls = 100; MeanTimeMs = 8 }
            $other = [PerfMonitoring.Statements.SlowQuery]@{ Query = 'select email from orders where total = $1'; QueryHash = 'b' * 64; Calls = 10; MeanTimeMs = 8 }
            $slow, $other | New-IndexStrategy -MaximumCount 1 -Verbose
            """);

        var strategy = Strategy(advised);
        Assert.Equal(1, strategy.Properties["Rank"].Value);
        Assert.InRange(Assert.IsType<double>(strategy.Properties["MarginalGain"].Value), 0.5, 1);
        Assert.Contains("in 1 of 2 statements", Text(strategy, "Reason"), StringComparison.Ordinal);
        var impact = session.Invoke("$args[0].Impacts[0]", strategy).Only();
        Assert.InRange(Assert.IsType<double>(impact.Properties["EstimatedTimeMs"].Value), 0.001, 4);
        Assert.Contains(
            advised.Verbose, v =>
                v.StartsWith("Not chosen: CREATE INDEX ON public.orders", StringComparison.Ordinal)
                && v.Contains("its gain alone", StringComparison.Ordinal));

        var chosen = session.Invoke("Get-IndexCandidate -Chosen").Only();
        Assert.Equal(
            (Text(strategy, "IndexName"), "Chosen"),
            (Text(Assert.IsType<PSObject>(PSObject.AsPSObject(chosen.Properties["Strategy"].Value)), "IndexName"),
            Text(chosen, "Verdict")));
        var all = session.Invoke("Get-IndexCandidate ORD*").MustSucceed();
        Assert.True(all.Output.Count > 1);
        Assert.All(all.Values("Reason"), r => Assert.EndsWith(".", (string)r!, StringComparison.Ordinal));
        Assert.Contains(all.Values("Verdict"), v => v!.ToString() == "OverCount");
        Assert.Empty(session.Invoke("Get-IndexCandidate nothing*").MustSucceed().Output);
        var text = session.Render("Get-IndexCandidate");
        Assert.True(text.Split('\n').Max(l => l.Length) <= 120);
    }

    [Fact]
    public async Task A_time_limit_gives_the_best_set_so_far()
    {
        await database.CreateHypoPgAsync();

        var result = session.Invoke(
            "'select email from orders where customer_id = 7' | New-IndexStrategy -TimeLimit 00:00:00.001");

        result.MustSucceed();
        Assert.Contains(result.Warnings, w => w.Contains("best set so far", StringComparison.Ordinal));
        Assert.StartsWith(
            "InvalidTimeLimit,",
            Assert.Single(session.Invoke("'select 1' | New-IndexStrategy -TimeLimit 0").AllErrors).FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopped_it_keeps_the_best_set_so_far_and_stores_nothing()
    {
        await database.CreateHypoPgAsync();
        MakeStore();

        var script = session.Start("""
            1..3000 | ForEach-Object { "select email from orders o$_ where customer_id = 7 and o$_.total > 4990" } | New-IndexStrategy
            """);
        await script.WaitForProgressAsync(p => p.StatusDescription == "Exploring statements");
        var stopped = await script.StopAsync();

        Assert.True(stopped.WasStopped);
        Assert.Empty(stopped.Output);
        Assert.Contains("Get-IndexCandidate -Chosen", stopped.HostText, StringComparison.Ordinal);
        Assert.NotEmpty(session.Invoke("(Get-IndexCandidate -Chosen).Strategy").MustSucceed().Output);
        Assert.Empty(session.Invoke("Get-IndexStrategy").MustSucceed().Output);
        Assert.Equal(
            0, await database.ScalarAsync<long>(
                "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and pid <> "
                    + "pg_backend_pid()"));
    }

    private static PSObject Strategy(ScriptResult result) => result.Only();

    private static string? Text(PSObject item, string property) => item.Properties[property].Value?.ToString();

    private void MakeStore() => session.Invoke("Initialize-PerfMonitoringStore").MustSucceed();

    [Fact]
    public async Task In_a_transaction_real_indexes_are_tried_where_nobody_else_is()
    {
        await database.CloseSessionsAsync();
        const string Advise =
            "'select email from orders where customer_id = 7' | New-IndexStrategy -WhatIfMethod Transaction -WarningAction "
                + "Ignore ";
        Assert.Empty(session.Invoke(Advise + "-WhatIf").MustSucceed().Output);
        Assert.Equal(
            "(customer_id)", Text(Strategy(session.Invoke(Advise)), "IndexDefinition")!.Split("btree ")[1].Split(" INCLUDE")[0]);

        var ofTheOriginal = session.Invoke("""
            [PerfMonitoring.Statements.SlowQuery]@{ Query = 'select email from orders where customer_id = $1'; QueryHash = 'a' * 64; Calls = 100; DatabaseName = 'other'
                Target = [PerfMonitoring.Common.ServerTarget]@{ HostName = 'elsewhere'; Port = 1; Database = 'other' } } |
                New-IndexStrategy -WhatIfMethod Transaction -WarningAction Ignore
            """);
        Assert.EndsWith("/" + database.Name, Text(Strategy(ofTheOriginal), "Target"), StringComparison.Ordinal);

        await using var other = new Npgsql.NpgsqlConnection(database.UnpooledConnectionString + ";Application Name=shop");
        await other.OpenAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith(
            "DatabaseInUse,", Assert.Single(session.Invoke(Advise).AllErrors).FullyQualifiedErrorId, StringComparison.Ordinal);
        Strategy(session.Invoke(Advise + "-Force"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from pg_index where indrelid = 'orders'::regclass"));
    }
}
