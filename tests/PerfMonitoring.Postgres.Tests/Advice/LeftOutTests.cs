using System.Globalization;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Advice;

public sealed class LeftOutTests(SandboxFixture sandbox)
{
    private const string Schema = """
        create schema app; create schema other;
        create table app.bill (id int primary key, client int, at timestamptz, e text);
        insert into app.bill select i, i % 20000, timestamptz '2024-01-01' + i * interval '1 minute', 'e' || i
            from generate_series(1, 60000) i;
        create type app.mood as enum ('a', 'b');
        create function app.twice(int) returns int language sql immutable as 'select $1 * 2';
        create table app.twins (id int, x int); create table other.twins (id int, x int);
        create table mine (id int primary key, x int); insert into mine select i, i from generate_series(1, 20000) i;
        analyze app.bill, mine;
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_not_on_the_search_path_is_found_with_constants_as_with_parameters()
    {
        await using var database = await DatabaseAsync();
        await using var connection = await ConnectAsync(database.ConnectionString);

        var advice = await AdviseAsync(
            connection, connection.WhatIf,
            "select count(*) from bill where client = $1", "select count(*) from bill where client = 5",
            "select count(*) from bill where at > $1 and at < $2",
            "select count(*) from bill where at > '2024-01-02' and at < '2024-01-03'",
            "select id from bill where e = $1 and $2 = mood $3", "select id from bill where client = twice($1) and id > 3",
            "update bill set e = $1 where client = $2", "select id from twins where x = $1", "select id from twins where x = 5",
            "select id from mine where x = $1");

        Assert.Equal(
            ["at", "client", "e", "x"], advice.Strategies.Select(s => s.Columns[0]).Distinct().Order(StringComparer.Ordinal));
        // With constants and with parameters it is one query.
        var skipped = Assert.Single(advice.Skipped);
        Assert.Contains("several schemas have one: app, other", skipped.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_statement_that_is_refused_in_the_midst_of_the_search_is_left_out()
    {
        await using var database = await DatabaseAsync();
        await using var connection = await ConnectAsync(database.ConnectionString);

        var advice = await AdviseAsync(
            connection, new Refusing(connection.WhatIf, "mine"), "select id from mine where x = $1",
            "select count(*) from app.bill where client = $1");

        Assert.Equal(["client"], advice.Strategies.Select(s => s.Columns[0]));
        Assert.Equal("refused", Assert.Single(advice.Skipped).Reason);
        Assert.Equal(1, advice.Statements);
    }

    [Fact]
    public async Task A_lost_connection_ends_the_advice()
    {
        await using var database = await DatabaseAsync();
        await using var connection = await ConnectAsync(database.ConnectionString);

        var lost = await Assert.ThrowsAsync<PerfMonitoringException>(() => AdviseAsync(
            connection, new Refusing(connection.WhatIf, "mine", ErrorIds.ConnectionFailed, FailureKind.ConnectionFailed),
            "select id from mine where x = $1"));

        Assert.Equal(ErrorIds.ConnectionFailed, lost.ErrorId);
    }

    [Fact]
    public async Task Plans_that_the_server_logs_are_switched_off_or_named()
    {
        await using var database = await DatabaseAsync();
        var role = $"logged_{Guid.NewGuid():N}";
        await database.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"""
            create role {role} login; grant select on mine to {role};
            alter database {database.Name} set session_preload_libraries = 'auto_explain';
            alter database {database.Name} set auto_explain.log_min_duration = 0;
            """));
        await using (var connection = await ConnectAsync(database.ConnectionString))
        {
            var advice = await AdviseAsync(connection, connection.WhatIf, "select id from mine where x = $1");
            Assert.Equal("x", Assert.Single(advice.Strategies).Columns[0]);
            Assert.Empty(advice.Skipped);
        }

        var asRole = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role }.ConnectionString;
        await using (var connection = await ConnectAsync(asRole))
        {
            var refused = await Assert.ThrowsAsync<PerfMonitoringException>(
                () => AdviseAsync(connection, connection.WhatIf, "select id from mine where x = $1"));
            Assert.Equal(ErrorIds.PlansLogged, refused.ErrorId);
            Assert.Contains("auto_explain.log_min_duration = 0", refused.Message, StringComparison.Ordinal);
            Assert.Contains(
                $"alter role {role} set auto_explain.log_min_duration = -1", refused.Remedy, StringComparison.Ordinal);
        }

        // The remedy helps.
        await database.ExecuteAsync($"alter role {role} set auto_explain.log_min_duration = -1");
        await using (var connection = await ConnectAsync(asRole))
        {
            var advice = await AdviseAsync(connection, connection.WhatIf, "select id from mine where x = $1");
            Assert.Single(advice.Strategies);
        }

        await database.ExecuteAsync($"drop owned by {role}; drop role {role}");
    }

    private async Task<TestDatabase> DatabaseAsync()
    {
        var database = await TestDatabase.OnAsync(await sandbox.ClusterAsync());
        await database.CreateHypoPgAsync();
        await database.ExecuteAsync(Schema);
        return database;
    }

    private static Task<IMonitoringConnection> ConnectAsync(string connectionString) =>
        new PostgresBackend().ConnectAsync(new ConnectionSettings { ConnectionString = connectionString }, null, null, Token);

    private static Task<IndexAdvice> AdviseAsync(
        IMonitoringConnection connection, IWhatIfRepository whatIf, params string[] statements) =>
        new IndexAdvisor(connection.Catalog, whatIf, new IndexNames(connection.Catalog, null), connection.Target).AdviseAsync(
            [.. statements.Select(s =>
                {
                    var query = QueryText.Normalize(s);
                    return new WorkloadStatement(s, QueryText.Hash(query), query, 100, null);
                })],
            new AdvisorOptions(), null, Token);

    // A planner that refuses the statements on a table as soon as it is asked about indexes.
    private sealed class Refusing(
        IWhatIfRepository real, string table, string errorId = ErrorIds.PlanFailed,
        FailureKind kind = FailureKind.ServerError) : IWhatIfRepository
    {
        public int MaximumSessions => 1;

        public async Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken) =>
            new Session(await real.OpenAsync(statementTimeout, cancellationToken), this);

        private sealed class Session(IWhatIf session, Refusing refusing) : IWhatIf
        {
            public bool IsReal => session.IsReal;

            public Task<WhatIfPlan> ExplainAsync(WhatIfRequest request, CancellationToken cancellationToken) =>
                request.Indexes.Count > 0 && request.Statement.Text.Contains(refusing.Table, StringComparison.Ordinal)
                    ? throw new PerfMonitoringException(refusing.ErrorId, refusing.Kind, "refused")
                    : session.ExplainAsync(request, cancellationToken);

            public ValueTask DisposeAsync() => session.DisposeAsync();
        }

        private string Table => table;
        private string ErrorId => errorId;
        private FailureKind Kind => kind;
    }
}
