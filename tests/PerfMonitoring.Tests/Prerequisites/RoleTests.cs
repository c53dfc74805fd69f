using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Sandbox;
using PerfMonitoring.Testing;

namespace PerfMonitoring.Prerequisites;

/// <summary>
/// The roles of about_PerfMonitoring_Security, created by the scripts on that page. Each does all of its work without superuser.
/// A refusal of other work names the grants that allow it.
/// </summary>
public sealed partial class RoleTests(SandboxFixture sandbox) : IAsyncLifetime, IDisposable
{
    private const string Setup = """
        create schema ext; create extension pg_stat_statements schema ext;
        create schema "App data" authorization $owner;
        set role $owner;
        create table "App data".orders (id int primary key, customer int, note text);
        insert into "App data".orders select g, g % 100, 'n' || g from generate_series(1, 2000) g;
        create index spare on "App data".orders (note);
        reset role;
        analyze "App data".orders;
        """;

    private readonly ModuleRunspace session = new();
    private readonly List<string> roles = [];
    private TestDatabase database = null!;
    private string owner = "";

    public static TheoryData<int> Versions => [13, 15, 18];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (database is not null)
        {
            // Objects and rights of the roles are in the database and disappear with it.
            await database.DisposeAsync();
            await database.Cluster.ExecuteAsync(
                "postgres", string.Concat(roles.AsEnumerable().Reverse().Select(r => $"drop role {Quote(r)};")),
                CancellationToken.None);
        }
    }

    public void Dispose() => session.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Each_role_does_its_work_and_is_told_what_it_lacks_for_more(int majorVersion)
    {
        await PrepareAsync(majorVersion);
        var reader = await MakeAsync("reader");
        var collector = await MakeAsync("collector");
        var builder = await MakeAsync("builder");

        Connect(builder);
        session.Invoke("""
            New-IndexStrategy '"App data".orders' customer -IndexName by_customer | Invoke-IndexCreation -Confirm:$false
            New-IndexStrategy '"App data".orders' customer, id -IndexName pending | Set-IndexStrategy -MaintenanceWindow Weekend
            New-PerformanceThreshold TableSize 1 1TB
            New-PerformanceThreshold DeadlockCount 1 10
            Set-MaintenanceWindow Weekend -CronExpression '0 3 * * SAT' -Duration 02:00
            Get-IndexStrategy -IndexName by_customer | Test-IndexStrategy -WarningAction Ignore
            Get-IndexStrategy -IndexName by_customer | Undo-IndexCreation -Confirm:$false
            Get-IndexUsageStat -IndexName spare | Invoke-IndexRemoval -Force -Confirm:$false | Undo-IndexRemoval -Confirm:$false
            Get-IndexStrategyHistory
            """).MustSucceed();
        await AssertLacksNothingAsync(builder, "Write index usage", "Keep samples");

        Connect(collector);
        await database.ExecuteAsync("select perf_monitoring.add_query_log_partition('2020-01-01')");
        session.Invoke("""
            Update-QueryPerformanceLog -WarningAction Ignore
            Update-IndexUsageStat
            Test-PerformanceThreshold
            Clear-QueryPerformanceLog 2021-01-01 -Confirm:$false
            Update-QueryPerformanceLog -WarningAction Ignore
            """).MustSucceed();
        await AssertLacksNothingAsync(collector, "Create indexes", "Write the audit", "Write settings");
        Assert.Equal(
            "postgres",
            await database.ScalarAsync<string>(
                "select string_agg(distinct relowner::regrole::text, ',') from pg_class where relnamespace = "
                    + "'perf_monitoring'::regnamespace"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from perf_monitoring.query_performance_log_default"));
        Assert.Equal(0, await database.ScalarAsync<long>("select count(*) from pg_class where relname ~ '_2019'"));
        Assert.True(await database.ScalarAsync<long>("select count(*) from perf_monitoring.query_performance_log") > 0);

        Connect(reader);
        Assert.NotEmpty(session.Invoke("""
            Get-SlowQuery; Get-SlowQuery -FromLog; Get-QueryPerformanceLog; Get-IndexStrategy; Get-IndexStrategyHistory; Get-IndexUsageStat
            Get-IndexUsageStat -Since 2020-01-01; Get-PerformanceThreshold; Get-MaintenanceWindow; Test-PerformanceThreshold
            New-IndexStrategy '"App data".orders' note, id -WhatIf
            """).MustSucceed().Output);
        await AssertLacksNothingAsync(
            reader, "Create indexes", "Write the query log", "Write index usage", "Keep samples", "Write strategies",
            "Write the audit", "Write settings");

        foreach (var (role, script) in new[]
        {
            ("reader", "Update-QueryPerformanceLog -WarningAction Ignore"),
            ("reader", "Update-IndexUsageStat"),
            ("reader", "Clear-QueryPerformanceLog 2030-01-01 -Confirm:$false"),
            ("reader", "New-IndexStrategy '\"App data\".orders' id, note -IndexName other"),
            ("reader", "Set-IndexStrategy -Id (Get-IndexStrategy -IndexName pending).Id -MaintenanceWindow OffPeak"),
            ("collector", "New-PerformanceThreshold CacheHitRatio 0.9 0.8"),
            ("collector", "Set-MaintenanceWindow OffPeak -CronExpression '0 3 * * *' -Duration 02:00"),
            ("builder", "Update-IndexUsageStat"),
            ("nobody", "Get-IndexStrategy"),
            ("nobody", "Get-QueryPerformanceLog"),
            ("nobody", "Get-SlowQuery -FromLog"),
            ("nobody", "Test-PerformanceThreshold"),
        })
        {
            await AssertMendedAsync(role, script);
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task What_everybody_has_is_checked_too(int majorVersion)
    {
        await PrepareAsync(majorVersion);
        var reader = await MakeAsync("reader");
        await database.ExecuteAsync("""
            revoke execute on all functions in schema ext from public; revoke select on all tables in schema ext from public;
            revoke usage on type perf_monitoring.index_type from public; revoke execute on function perf_monitoring.uuid_v7_floor from public;
            """);

        Connect(reader);
        var error = session.Invoke("Get-SlowQuery").AllErrors[0];
        await MendAsync(error.ErrorDetails.RecommendedAction);
        session.Invoke("Get-SlowQuery").MustSucceed();
        foreach (var remedy in session.Invoke(
            "Test-PerfMonitoringPrerequisite | ? State -eq Denied | ? Name -in 'Read the store', 'pg_stat_statements "
                + "readable' | % Remedy").MustSucceed().Output)
        {
            await MendAsync((string)remedy.BaseObject);
        }

        Assert.Empty(
            session.Invoke(
            "Test-PerfMonitoringPrerequisite | ? State -eq Denied | ? Name -in 'Read the store', 'pg_stat_statements readable'")
            .MustSucceed().Output);
        session.Invoke("Get-QueryPerformanceLog -Since 2020-01-01").MustSucceed();
    }

    private static string Quote(string name) => '"' + name.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';

    private async Task PrepareAsync(int majorVersion)
    {
        database = await TestDatabase.OnAsync(await sandbox.ClusterAsync(majorVersion));
        owner = Named("Owner");
        await database.ExecuteAsync($"create role {Quote(owner)}; grant create on database {database.Name} to {Quote(owner)};");
        await database.ExecuteAsync(Setup.Replace("$owner", Quote(owner), StringComparison.Ordinal));
        session.Invoke(
            "Connect-PerfMonitoring -ConnectionString $args[0]; Initialize-PerfMonitoringStore", database.ConnectionString)
            .MustSucceed();
    }

    // Creates a role with the page's scripts; "nobody" may log in and do nothing else.
    private async Task<string> MakeAsync(string role)
    {
        var name = Named(role);
        await database.ExecuteAsync($"create role {Quote(name)} login");
        var page = await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "docs", "en-US", "about_PerfMonitoring_Security.md"),
            TestContext.Current.CancellationToken);
        foreach (Match script in Script().Matches(page.ReplaceLineEndings("\n")))
        {
            if (script.Groups["role"].Value == role)
            {
                await database.ExecuteAsync(Variable().Replace(script.Groups["sql"].Value, v => Quote(v.Groups[1].Value switch
                {
                    "role" => name,
                    "database" => database.Name,
                    "schema" => "App data",
                    "owner" => owner,
                    "store_owner" => "postgres",
                    _ => "ext",
                })));
            }
        }

        return name;
    }

    private string Named(string name)
    {
        var full = $"{name} \"'{Guid.NewGuid():N}";
        roles.Add(full);
        return full;
    }

    private async Task AssertLacksNothingAsync(string role, params string[] others)
    {
        Connect(role);
        var denied = session.Invoke("Test-PerfMonitoringPrerequisite | ? State -eq Denied | % Name")
            .MustSucceed().Output.Select(o => (string)o.BaseObject);
        Assert.Equal(others.Order(StringComparer.Ordinal), denied.Order(StringComparer.Ordinal));
        await Task.CompletedTask;
    }

    private async Task AssertMendedAsync(string role, string script)
    {
        Connect(await MakeAsync(role));
        var error = Assert.Single(session.Invoke(script).AllErrors);
        Assert.True(
            error.FullyQualifiedErrorId.StartsWith("PermissionDenied,", StringComparison.Ordinal),
            $"{script}: {error.FullyQualifiedErrorId} {error}");
        Assert.StartsWith("grant ", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);

        await MendAsync(error.ErrorDetails.RecommendedAction);

        session.Invoke(script).MustSucceed();
    }

    private Task MendAsync(string remedy) => database.ExecuteAsync(remedy);

    private void Connect(string role) => session.Invoke(
        "Connect-PerfMonitoring -ConnectionString $args[0]",
        new NpgsqlConnectionStringBuilder(database.ConnectionString) { Username = role }.ConnectionString).MustSucceed();

    [GeneratedRegex(
        @"^### (?<role>\w+), in the [^\n]+\n.*?```sql\n(?<sql>.*?)\n```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex(@":""(\w+)""")]
    private static partial Regex Variable();
}
