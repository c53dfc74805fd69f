using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Sessions;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Postgres.Plans;

/// <summary>Planning the statements of others gives their code no rights.</summary>
public sealed class StrangerCodeTests(SandboxFixture sandbox)
{
    // bob has a schema and may read one table. His functions reset the role that was set. If that makes them run as a superuser,
    // they leave a file on the server.
    private const string Setup = """
        create role {bob} login; create role {app} login; create role {monitor} login in role pg_monitor, {app};
        create schema shop authorization {app}; create schema {bob} authorization {bob};
        grant usage on schema shop to {bob}; grant usage on schema {bob} to {app}, public;
        set role {app};
        create table shop.orders (id int primary key, customer_id int, note text);
        insert into shop.orders select i, i % 10, 'n' from generate_series(1, 1000) i;
        create table shop.guarded (id int, owner text);
        alter table shop.guarded enable row level security;
        create function shop.twice(n int) returns int language plpgsql immutable as 'begin return 2 * n; end';
        create view shop.of_app as select id, shop.twice(2) as n from shop.orders;
        grant select on shop.orders, shop.guarded to {bob};
        reset role;
        create function public.wrapped() returns int language plpgsql stable as 'begin return helper(); end';
        create function public.harmless(n int) returns int language sql immutable as 'select n + 1';
        alter role {bob} set search_path = "$user", public;
        """;

    private const string OfBob = """
        create function {bob}.try() returns void language plpgsql as $f$
        begin
            perform set_config('role', 'none', true);
            if (select r.rolsuper from pg_roles r where r.rolname = current_user) then
                execute 'copy (select 1) to ''{marker}''';
            end if;
        exception when insufficient_privilege or object_not_in_prerequisite_state then
            null;
        end $f$;
        create function {bob}.evil() returns int language plpgsql immutable as 'begin perform {bob}.try(); return 1; end';
        create function {bob}.evil(int) returns int language plpgsql immutable as 'begin perform {bob}.try(); return 1; end';
        create function {bob}.steady() returns int language plpgsql stable as 'begin perform {bob}.try(); return 1; end';
        create function {bob}.helper() returns int language plpgsql stable as 'begin perform {bob}.try(); return 1; end';
        create function {bob}."e;v ""il"() returns int language plpgsql immutable as 'begin perform {bob}.try(); return 1; end';
        create function {bob}.same(int, int) returns bool language plpgsql immutable as 'begin perform {bob}.try(); return true; end';
        create function {bob}.likes(text, text) returns bool language plpgsql immutable as 'begin perform {bob}.try(); return true; end';
        create operator {bob}.=== (leftarg = int, rightarg = int, function = {bob}.same);
        create operator {bob}.~~ (leftarg = text, rightarg = text, function = {bob}.likes);
        create type {bob}.amount as (n int);
        create function {bob}.to_amount(int) returns {bob}.amount language plpgsql immutable as 'begin perform {bob}.try(); return row(1)::{bob}.amount; end';
        create cast (int as {bob}.amount) with function {bob}.to_amount(int);
        create domain {bob}.checked as int check ({bob}.evil(value) = 1);
        create type {bob}.pair as (a {bob}.checked, b int);
        create type {bob}.span as range (subtype = {bob}.checked);
        create view {bob}.v as select id from shop.orders where customer_id = {bob}.evil();
        create view {bob}.plain as select id from shop.orders where customer_id = 1;
        create view {bob}.named as select table_to_xml('{bob}.v', true, false, '')::text as x;
        create table {bob}.indexed (a int); create index on {bob}.indexed ((a + {bob}.evil()));
        create table {bob}.partial (a int); create index on {bob}.partial (a) where a > {bob}.evil();
        create table {bob}.parent (a int); create table {bob}.child (check (a > {bob}.evil())) inherits ({bob}.parent);
        create table {bob}.ruled (a int); create rule r as on insert to {bob}.ruled do also select {bob}.evil();
        create table {bob}.with_default (a int default {bob}.evil(), b int);
        create table {bob}.parted (a int) partition by range ((a + {bob}.evil())); create table {bob}.part partition of {bob}.parted for values from (0) to (10);
        create table {bob}.typed (p {bob}.pair, c {bob}.checked);
        create table {bob}.policed (a int); alter table {bob}.policed enable row level security; alter table {bob}.policed force row level security;
        create policy p on {bob}.policed using (a = {bob}.evil()); grant select on all tables in schema {bob} to {app};
        """;

    // A statement, the role that ran it (null for a typed text), and whether the attack works without the check.
    private static readonly (string Statement, string? Role, bool IsLive)[] Attacks =
    [
        ("select count(*) from shop.orders where customer_id = {bob}.evil()", "{bob}", true),
        ("select count(*) from shop.orders where customer_id = {bob}.evil()", null, true),
        ("select {bob}.evil()", "{bob}", true),
        ("select evil() from shop.orders where id = $1", "{bob}", true),
        ("select * from {bob}.v", "{app}", true),
        ("select id from shop.orders where 1 operator({bob}.===) 2", null, true),
        ("select 1::{bob}.amount", null, true),
        ("select cast(1 as {bob}.\"amount\")", "{bob}", true),
        ("select '(1,2)'::{bob}.pair", "{bob}", true),
        ("select '{1}'::{bob}.checked[]", null, true),
        ("select '[1,2]'::{bob}.span", null, true),
        ("select null::{bob}.typed where '(\"(1,2)\",1)'::{bob}.typed is null", null, true),
        ("select * from {bob}.indexed where a = 1", null, true),
        ("select * from {bob}.partial where a = 7", "{app}", true),
        ("select * from {bob}.parent where a = 0", null, true),
        ("insert into {bob}.ruled values (1)", null, true),
        ("insert into {bob}.with_default (b) values ($1)", "{bob}", true),
        ("select * from {bob}.parted where a = 1", null, true),
        ("select * from {bob}.part where a = 1", null, false),
        ("select * from {bob}.policed", "{app}", true),
        ("select * from shop.orders where id = {bob}.steady()", "{bob}", true),
        ("select * from shop.orders where id = wrapped()", "{bob}", true),
        ("select {bob}.\"e;v \"\"il\"()", null, true),
        ("select {bob}.U&\"ev\\0069l\"()", null, true),
        ("select $$x$${bob} from (values (1)) as {bob}(x) where {bob}.evil() = 1", null, false),
        ("with x as (select {bob}.evil() as n) select * from x", "{bob}", true),
        ("with x as materialized (update shop.orders set note = note where id = {bob}.evil() returning id) select * from x",
            "{app}", true),
        ("insert into shop.orders (id) select {bob}.evil()", "{app}", true),
        ("update shop.orders set customer_id = {bob}.evil() where id = 1", "{app}", true),
        ("delete from shop.orders where customer_id = {bob}.evil()", "{app}", true),
        ("values ({bob}.evil())", null, true),
        ("select 1 from {bob}.named where x = 'a'", null, false),
        ("select 1 from shop.orders where note = table_to_xml('{bob}.v', true, false, '')::text", null, false),
        ("select 1 from shop.orders where note = (record_in('(1,2)', '{bob}.pair'::regtype::oid, -1))::text", null, false),
        ("select s.a from {bob}.parent s, lateral (select s.evil) x", null, false),
    ];

    // Texts that look like one statement and are two.
    private static readonly string[] Seconds =
    [
        "select id + $1 as \u00a0$$ from shop.orders where id = 5; copy (select 1) to '{marker}'; --$$",
        "select id + $1 as \u2003$$ from shop.orders; copy (select 1) to '{marker}'; --$$",
        "select id + $1 as \ufeff$a$ from shop.orders; copy (select 1) to '{marker}'; --$a$",
        "select id + $1 as \u200b$$ from shop.orders; copy (select 1) to '{marker}'; --$$",
        "select id + $1 as a$$ from shop.orders; copy (select 1) to '{marker}'; --$$",
        "select id as \u00a0$$ from shop.orders; copy (select 1) to '{marker}'; --$$",
        "select 1; copy (select 1) to '{marker}'",
        "select $1::int; copy (select 1) to '{marker}'",
        "select 'a'\u0085\n'; copy (select 1) to '{marker}'; --'",
        "select 1 \0; copy (select 1) to '{marker}'",
        "select '\ud800'; copy (select 1) to '{marker}'",
        "select 1) ; copy (select 1) to '{marker}'; --",
        "analyze select 1; copy (select 1) to '{marker}'",
        "prepare x as select 1; copy (select 1) to '{marker}'",
        "copy (select 1) to '{marker}'",
        "copy (copy (select 1) to '{marker}') to stdout",
        "select 1 \\; copy (select 1) to '{marker}'",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(13)]
    [InlineData(15)]
    [InlineData(18)]
    public async Task Code_of_a_less_trusted_role_is_not_run(int majorVersion)
    {
        await using var lab = await LabAsync(majorVersion);
        var failures = new List<string>();
        // One version tests every way to plan, because all share the check.
        foreach (var plan in (await lab.WaysAsync()).Take(majorVersion == 15 ? 4 : 1))
        {
            foreach (var (statement, role, isLive) in Attacks)
            {
                var text = lab.Fill(statement);
                PlanText Asked(bool any) => new(text) { Origin = new StatementOrigin(role is null ? [] : [lab.Fill(role)], any) };
                var error = await Record.ExceptionAsync(() => plan.Ask(Asked(false)));
                if (error is not PerfMonitoringException { ErrorId: "UntrustedCode" } || lab.TakeMarker())
                {
                    failures.Add($"{plan.Name}: {text}: {error?.Message ?? "planned"}");
                }

                // The attack is real: it works if it is allowed.
                if (plan.Name == "Plans" && isLive && await Record.ExceptionAsync(() => plan.Ask(Asked(true))) is var planned
                    && !lab.TakeMarker())
                {
                    failures.Add($"{text} is no attack: {planned?.Message}");
                }
            }
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    [Theory]
    [InlineData(13)]
    [InlineData(15)]
    public async Task A_text_is_one_statement(int majorVersion)
    {
        await using var lab = await LabAsync(majorVersion);
        foreach (var plan in await lab.WaysAsync())
        {
            foreach (var text in Seconds.Select(lab.Fill))
            {
                foreach (var any in new[] { false, true })
                {
                    var error = await Record.ExceptionAsync(
                        () => plan.Ask(new PlanText(text) { Origin = new StatementOrigin([], any) }));
                    Assert.True(
                        error is null
                        or PerfMonitoringException {
                        Kind: FailureKind.InvalidArgument or FailureKind.ServerError or FailureKind.PermissionDenied },
                        $"{plan.Name}: {text}: {error}");
                    Assert.False(lab.TakeMarker(), $"{plan.Name}: {text}");
                }
            }

            // A failure does not affect later statements.
            await plan.Ask(new PlanText("select id from shop.orders where id = $1"));
        }
    }

    [Theory]
    [InlineData(13)]
    [InlineData(18)]
    public async Task What_calls_no_such_code_is_planned_with_the_rights_and_the_path_of_its_role(int majorVersion)
    {
        await using var lab = await LabAsync(majorVersion);
        await lab.ExecuteAsync("""
            alter role {app} set search_path = shop; create policy own on shop.guarded using (owner = current_user);
            alter table shop.guarded owner to postgres; grant select on shop.guarded to {app};
            """);
        foreach (var plan in await lab.WaysAsync())
        {
            await plan.Ask(
                new PlanText("select id from shop.orders where id = public.harmless(1) and note like 'a%'") {
                Origin = new StatementOrigin([lab.Fill("{app}")]) });
            await plan.Ask(
                new PlanText(lab.Fill("select id from {bob}.plain")) {
                Origin = new StatementOrigin(["no such role", lab.Fill("{app}")]) });
            // The tables are found along the path of the role, with the policies of the role.
            var seen = await plan.Ask(
                new PlanText("select id from guarded") { Origin = new StatementOrigin([lab.Fill("{app}")]) });
            Assert.Contains("owner", seen, StringComparison.Ordinal);
            var denied = await Assert.ThrowsAsync<PerfMonitoringException>(
                () => plan.Ask(new PlanText("select id from guarded") { Origin = new StatementOrigin(["pg_monitor"]) }));
            Assert.Equal("PlanFailed", denied.ErrorId);
        }
    }

    [Theory]
    [InlineData(13)]
    [InlineData(18)]
    public async Task A_role_trusts_those_it_is_a_member_of_unless_it_has_more_rights(int majorVersion)
    {
        await using var lab = await LabAsync(majorVersion);
        var ofApp = new PlanText("select * from shop.of_app where n = shop.twice(1)") {
            Origin = new StatementOrigin([lab.Fill("{app}")]) };
        var ofBob = new PlanText(lab.Fill("select {bob}.evil()"));
        foreach (var (rights, isTrusted) in new[] {
            ("select 1", true), ("grant pg_write_server_files to {monitor}", false),
            ("revoke pg_write_server_files from {monitor}", true), ("alter role {monitor} createrole", false) })
        {
            await lab.ExecuteAsync(rights);
            await using var connection = await lab.ConnectAsync(lab.Fill("{monitor}"));
            Assert.Equal(
                isTrusted ? null : "UntrustedCode",
                (await Record.ExceptionAsync(
                    () => connection.Plans.ExplainAsync(ofApp, Token)) as PerfMonitoringException)?.ErrorId);
            Assert.Equal(
                "UntrustedCode",
                (await Assert.ThrowsAsync<PerfMonitoringException>(() => connection.Plans.ExplainAsync(ofBob, Token))).ErrorId);
        }
    }

    private async Task<Lab> LabAsync(int majorVersion)
    {
        var lab = new Lab(await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion)));
        await lab.ExecuteAsync(Setup);
        await lab.ExecuteAsBobAsync(OfBob);
        return lab;
    }

    private sealed record Way(string Name, Func<PlanText, Task<string>> Ask);

    private sealed class Lab(TestDatabase database) : IAsyncDisposable
    {
        private readonly List<IAsyncDisposable> open = [];

        private string Marker => Path.Combine(database.Cluster.Folder, "data", database.Name + ".marker");

        // Roles belong to the whole server, which other tests use too.
        public string Fill(string text) =>
            text.Replace("{bob}", $"bob_{database.Name}", StringComparison.Ordinal)
            .Replace("{app}", $"app_{database.Name}", StringComparison.Ordinal)
            .Replace("{monitor}", $"monitor_{database.Name}", StringComparison.Ordinal)
                .Replace("{marker}", Marker, StringComparison.Ordinal);

        public Task ExecuteAsync(string sql) => database.ExecuteAsync(Fill(sql));

        public async Task ExecuteAsBobAsync(string sql)
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(database.UnpooledConnectionString) {
                Username = Fill("{bob}") }.ConnectionString);
            await connection.OpenAsync(Token);
            await using var command = new NpgsqlCommand(Fill(sql), connection);
            await command.ExecuteNonQueryAsync(Token);
        }

        public bool TakeMarker()
        {
            var wasThere = File.Exists(Marker);
            File.Delete(Marker);
            return wasThere;
        }

        public async Task<IMonitoringConnection> ConnectAsync(string? role = null)
        {
            var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString);
            settings.Username = role ?? settings.Username;
            var connection = await new PostgresBackend()
                .ConnectAsync(new ConnectionSettings { ConnectionString = settings.ConnectionString }, null, null, Token);
            open.Add(connection);
            return connection;
        }

        // Every way to plan.
        public async Task<IReadOnlyList<Way>> WaysAsync()
        {
            var connection = await ConnectAsync();
            var ways = new List<Way> { new("Plans", statement => connection.Plans.ExplainAsync(statement, Token)) };
            await AddAsync("IndexHiding", connection.IndexHiding);
            await AddAsync("Built", connection.GetRealWhatIf(despiteOthers: true));
            if (await database.ScalarAsync<long>("select count(*) from pg_available_extensions where name = 'hypopg'") > 0)
            {
                await database.CreateHypoPgAsync();
                await AddAsync("HypoPG", connection.WhatIf);
            }

            return ways;

            async Task AddAsync(string name, IWhatIfRepository repository)
            {
                var session = await repository.OpenAsync(TimeSpan.FromSeconds(30), Token);
                open.Insert(0, session);
                ways.Add(
                    new Way(name, async statement =>
                        string.Join(
                        ' ', (await session.ExplainAsync(new WhatIfRequest(statement, []) { Verbose = true }, Token)).Plan.All()
                        .SelectMany(n => n.Conditions))));
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var one in open)
            {
                await one.DisposeAsync();
            }

            await database.DisposeAsync();
            await database.Cluster.ExecuteAsync(
                "postgres", Fill("drop role {monitor}; drop role {app}; drop role {bob}"), CancellationToken.None);
        }
    }
}
