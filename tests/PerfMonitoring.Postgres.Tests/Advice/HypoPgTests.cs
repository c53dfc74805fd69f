using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

public sealed class HypoPgTests(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const string ByCustomer = "select filler from orders where customer_id = 3";

    private IMonitoringConnection connection = null!;
    private IWhatIf whatIf = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync("""
            drop table if exists orders, orders_of_a_long_name_that_leaves_little_room_for_more, customers, logs;
            create table orders (id int primary key, customer_id int not null, created_at timestamp not null, status text not null, filler text not null);
            insert into orders select i, i % 5000, timestamp '2024-01-01' + i * interval '1 minute', case when i % 1000 = 0 then 'rare' else 'common' end,
                repeat('x', 60) from generate_series(1, 60000) i;
            create table customers (id int primary key, name text not null);
            insert into customers select i, 'name ' || i from generate_series(0, 4999) i;
            create table logs (id int, at date not null) partition by range (at);
            create table logs_a partition of logs for values from ('2024-01-01') to ('2024-02-01');
            create table logs_b partition of logs for values from ('2024-02-01') to ('2024-03-01');
            insert into logs select i, date '2024-01-01' + i % 50 from generate_series(1, 40000) i;
            analyze;
            """);
        connection = await new PostgresBackend()
            .ConnectAsync(new ConnectionSettings { ConnectionString = database.ConnectionString }, null, null, Token);
        whatIf = await connection.WhatIf.OpenAsync(TimeSpan.FromSeconds(5), Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await whatIf.DisposeAsync();
            await connection.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_plan_is_as_if_exactly_the_requested_indexes_were_there()
    {
        var (customer, status) = (Index(1, "orders", "customer_id"), Index(2, "orders", "status"));

        Assert.Empty((await AskAsync(ByCustomer)).Candidates);
        var with = await AskAsync(ByCustomer, customer, status);
        Assert.Equal([1], with.Candidates.Values);
        Assert.Equal(with.Candidates.Keys, with.Plan.All().Select(n => n.IndexName).OfType<string>());
        Assert.Equal([2], (await AskAsync("select filler from orders where status = 'rare'", status)).Candidates.Values);
        Assert.Empty((await AskAsync(ByCustomer, status)).Candidates);
        Assert.Equal([1], (await AskAsync(ByCustomer, customer)).Candidates.Values);
        Assert.Empty((await AskAsync(ByCustomer)).Candidates);
    }

    [Fact]
    public async Task A_name_that_the_server_cuts_still_leads_to_its_candidate()
    {
        await database.ExecuteAsync("alter table orders rename to orders_of_a_long_name_that_leaves_little_room_for_more");
        var wide = Index(7, "orders_of_a_long_name_that_leaves_little_room_for_more", "customer_id", "created_at");

        var answer = await AskAsync(ByCustomer.Replace("orders", wide.Definition.Table.Name, StringComparison.Ordinal), wide);

        Assert.Equal(63, Assert.Single(answer.Candidates).Key.Length);
        Assert.Equal([7], answer.Candidates.Values);
    }

    [Fact]
    public async Task An_index_that_the_server_refuses_costs_its_own_place_only()
    {
        var mutable = new Candidate
        {
            Id = 1, SizeBytes = 1,
            Definition = new IndexDefinition {
                Table = new RelationName("public", "orders"), Name = "",
                Keys = [IndexKey.OnExpression("created_at + ('secret' || now())::interval")] },
        };
        var missing = Index(2, "orders", "no_such_column");
        var gin = Index(3, "orders", "customer_id");
        gin = gin with { Definition = gin.Definition with { Method = "gin" } };
        var good = Index(4, "orders", "customer_id");

        for (var i = 0; i < 2; i++)
        {
            var answer = await AskAsync(ByCustomer, mutable, missing, gin, good);

            Assert.Equal([4], answer.Candidates.Values);
            Assert.Equal([1, 2, 3], answer.Refused.Keys.Order());
            Assert.Contains("42P17", answer.Refused[1], StringComparison.Ordinal);
            Assert.Contains("no_such_column", answer.Refused[2], StringComparison.Ordinal);
            Assert.DoesNotContain(answer.Refused.Values, r => r.Contains("secret", StringComparison.Ordinal));
        }

        Assert.Empty((await AskAsync(ByCustomer, missing)).Candidates);
        Assert.Empty((await AskAsync(ByCustomer, good)).Refused);
    }

    [Fact]
    public async Task A_statement_that_fails_changes_nothing_for_the_next()
    {
        var (customer, status) = (Index(1, "orders", "customer_id"), Index(2, "orders", "status"));
        foreach (var wrong in new[] { "select 'secret'::int + id from orders", "select x from orders where id = $1" })
        {
            var error = await Assert.ThrowsAsync<PerfMonitoringException>(() => AskAsync(wrong, customer));
            Assert.Equal("PlanFailed", error.ErrorId);
            Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);

            Assert.Equal([1], (await AskAsync(ByCustomer, customer)).Candidates.Values);
            Assert.Empty((await AskAsync(ByCustomer, status)).Candidates);
        }
    }

    [Theory]
    [InlineData("rare", true)]
    [InlineData("common", false)]
    [InlineData("it's \\ neither", true)]
    public async Task Arguments_decide_the_plan(string value, bool usesIndex)
    {
        var status = Index(1, "orders", "status");
        var statement = new PlanText("select filler from orders where status = $2 and id > $1", ["-1", value]);

        var answer = await whatIf.ExplainAsync(new WhatIfRequest(statement, [status]), Token);

        Assert.Equal(usesIndex, answer.Candidates.Values.Contains(1));
    }

    [Theory]
    [InlineData("select filler from orders where customer_id = $1 and created_at > $2", "7", "2024-01-05")]
    [InlineData("select filler from orders where customer_id = any ($1)", "{1,2,3}")]
    [InlineData("select filler from orders where customer_id = $1", null)]
    [InlineData("update orders set filler = $1 where created_at < now() - $2::interval", "x", "3 days")]
    public async Task Arguments_are_texts_of_any_type(string statement, params string?[] arguments) =>
        Assert.True(
            (await whatIf.ExplainAsync(new WhatIfRequest(new PlanText(statement, arguments), []), Token)).Plan.TotalCost >= 0);

    [Fact]
    public async Task An_argument_that_is_no_value_stays_out_of_the_error_and_nothing_stays_prepared()
    {
        var error = await Assert.ThrowsAsync<PerfMonitoringException>(() =>
            whatIf.ExplainAsync(new WhatIfRequest(new PlanText("select 1 from orders where id = $1", ["secret"]), []), Token));

        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<PerfMonitoringException>(() => AskAsync("select 'x'::int from orders where id = $1"));
        Assert.NotNull(await AskAsync("select 1 from orders where id = $1"));
    }

    [Fact]
    public async Task Without_arguments_the_plan_is_generic()
    {
        // Half of the values: neither the plan of the rare value nor that of the common one.
        var rows = (await AskAsync("select filler from orders where status = $1")).Plan.Rows;

        Assert.Equal(30000, rows, 1000.0);
    }

    [Fact]
    public async Task Output_columns_are_told_when_asked_for()
    {
        async Task<bool> Tells(bool verbose) =>
            (await whatIf.ExplainAsync(
                new WhatIfRequest(new PlanText(ByCustomer), []) { Verbose = verbose }, Token)).Plan.Output.Count > 0;

        Assert.True(await Tells(true));
        Assert.False(await Tells(false));
    }

    [Fact]
    public async Task An_internal_error_of_the_server_costs_its_own_statement_only()
    {
        await database.ExecuteAsync(
            "create or replace function broken() returns int immutable language plpgsql as 'begin raise exception using "
                + "errcode = ''XX000''; end'");
        var index = Index(1, "orders", "customer_id");
        Assert.Equal([1], (await AskAsync(ByCustomer, index)).Candidates.Values);

        var error = await Assert.ThrowsAsync<PerfMonitoringException>(
            () => AskAsync("select filler from orders where id = broken()", index));

        Assert.Equal("PlanFailed", error.ErrorId);
        Assert.Equal([1], (await AskAsync(ByCustomer, index)).Candidates.Values);
    }

    [Fact]
    public async Task A_candidate_of_several_parts_is_there_with_all_of_them()
    {
        var whole = Index(5, "logs", "id") with {
            Parts = [Index(0, "logs_a", "id").Definition, Index(0, "logs_b", "id").Definition] };

        var answer = await AskAsync("select * from logs where id = 7", whole);

        Assert.Equal(2, answer.Candidates.Count);
        Assert.All(answer.Candidates.Values, id => Assert.Equal(5, id));
        Assert.Empty((await AskAsync("select * from logs where id = 7")).Candidates);
    }

    [Fact]
    public async Task After_a_cancellation_the_session_still_answers_exactly()
    {
        var (customer, status) = (Index(1, "orders", "customer_id"), Index(2, "orders", "status"));
        await using (var other = new NpgsqlConnection(database.UnpooledConnectionString))
        {
            await other.OpenAsync(Token);
            await using var transaction = await other.BeginTransactionAsync(Token);
            await using var take = new NpgsqlCommand("lock table customers", other, transaction);
            await take.ExecuteNonQueryAsync(Token);
            using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                whatIf.ExplainAsync(
                    new WhatIfRequest(new PlanText("select name from customers where id = $1"), [customer]), cancel.Token));
        }

        Assert.Equal([1], (await AskAsync(ByCustomer, customer, status)).Candidates.Values);
        Assert.Empty((await AskAsync(ByCustomer, status)).Candidates);
    }

    [Fact]
    public async Task Several_sessions_work_at_once_and_do_not_see_each_other()
    {
        await using var other = await connection.WhatIf.OpenAsync(TimeSpan.FromSeconds(5), Token);
        var (customer, status) = (Index(1, "orders", "customer_id"), Index(2, "orders", "status"));
        async Task<int[]> Ask(IWhatIf session, Candidate index)
        {
            var found = new List<int>();
            for (var i = 0; i < 20; i++)
            {
                found.AddRange(
                    (await session.ExplainAsync(
                        new WhatIfRequest(new PlanText(ByCustomer), i % 2 == 0 ? [index] : []), Token)).Candidates.Values);
            }

            return [.. found];
        }

        var answers = await Task.WhenAll(Ask(whatIf, customer), Ask(other, status));

        Assert.Equal(Enumerable.Repeat(1, 10), answers[0]);
        Assert.Empty(answers[1]);
    }

    [Fact]
    public async Task More_sessions_than_connections_are_a_clear_error()
    {
        await using var narrow = await new PostgresBackend().ConnectAsync(
            new ConnectionSettings { ConnectionString = database.ConnectionString + ";Maximum Pool Size=3;Timeout=2" }, null,
            null, Token);
        Assert.Equal((1, 8), (narrow.WhatIf.MaximumSessions, connection.WhatIf.MaximumSessions));
        var open = new List<IWhatIf>();
        try
        {
            var error = await Assert.ThrowsAsync<PerfMonitoringException>(async () =>
            {
                for (var i = 0; i < 4; i++)
                {
                    open.Add(await narrow.WhatIf.OpenAsync(TimeSpan.FromSeconds(5), Token));
                }
            });

            Assert.Equal(("TooManyConnections", FailureKind.Busy), (error.ErrorId, error.Kind));
            Assert.Equal(3, open.Count);
        }
        finally
        {
            foreach (var session in open)
            {
                await session.DisposeAsync();
            }
        }
    }

    private Task<WhatIfPlan> AskAsync(string statement, params Candidate[] indexes) =>
        whatIf.ExplainAsync(new WhatIfRequest(new PlanText(statement), indexes), Token);

    private static Candidate Index(int id, string table, params string[] columns) => new()
    {
        Id = id,
        SizeBytes = 1,
        Definition = new IndexDefinition {
            Table = new RelationName("public", table), Name = "", Keys = [.. columns.Select(IndexKey.OnColumn)] },
    };
}
