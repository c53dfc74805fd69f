using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

public sealed class PrerequisiteCheckTests
{
    private static readonly ServerTarget Target = new() {
        HostName = "db", Port = 5432, Database = "App", ServerVersionNumber = 150000 };

    private static readonly ServerFacts Server = new() { Version = "15.0" };

    [Theory]
    [InlineData(
        "auto_explain",
        "alter system set shared_preload_libraries = 'auto_explain', 'pg_stat_statements'; -- then restart PostgreSQL")]
    [InlineData("", "alter system set shared_preload_libraries = 'pg_stat_statements'; -- then restart PostgreSQL")]
    [InlineData("a, \"odd,'name\"", null)]
    [InlineData(
        null, "alter system set shared_preload_libraries = <the present libraries>, 'pg_stat_statements'; -- then restart "
            + "PostgreSQL")]
    public void The_remedy_for_a_library_keeps_the_others(string? preload, string? remedy)
    {
        var settings = preload is null ? [] : new[] { new SettingFacts { Name = "shared_preload_libraries", Value = preload } };

        var result = Judge(settings: settings).Single(r => r.Name == "pg_stat_statements loaded");

        Assert.Equal(PrerequisiteState.Missing, result.State);
        if (remedy is not null)
        {
            Assert.Equal(remedy, result.Remedy);
        }
    }

    [Theory]
    [InlineData("0", PrerequisiteState.Missing)]
    [InlineData("1", PrerequisiteState.Ok)]
    [InlineData("-1", PrerequisiteState.Ok)]
    [InlineData(null, null)]
    public void Plans_that_are_all_logged_are_told(string? milliseconds, PrerequisiteState? state)
    {
        var settings = milliseconds is null
            ? [] : new[] { new SettingFacts { Name = "auto_explain.log_min_duration", Value = milliseconds } };

        var result = Judge(settings: settings).SingleOrDefault(r => r.Name == "auto_explain.log_min_duration");

        Assert.Equal(state, result?.State);
    }

    [Theory]
    [InlineData("1.10", PrerequisiteState.Ok, null)]
    [InlineData("1.7", PrerequisiteState.Missing, "alter extension pg_stat_statements update;")]
    [InlineData(null, PrerequisiteState.Missing, "create extension pg_stat_statements;")]
    [InlineData("next", PrerequisiteState.Unknown, null)]
    public void An_extension_is_judged_by_its_version(string? installed, PrerequisiteState state, string? remedy)
    {
        var result = Judge([Extension(installed)]).Single(r => r.Name == "pg_stat_statements created");

        Assert.Equal((state, remedy), (result.State, result.Remedy));
    }

    [Fact]
    public async Task A_check_that_fails_does_not_end_the_others()
    {
        var denied = await Fact.OfAsync<IReadOnlyList<ExtensionFacts>>(
            _ => throw new PerfMonitoringException("PermissionDenied", FailureKind.PermissionDenied, "no"),
            TestContext.Current.CancellationToken);
        var broken = await Fact.OfAsync<IReadOnlyList<SettingFacts>>(
            _ => throw new PerfMonitoringException("ServerError", FailureKind.ServerError, "why"),
            TestContext.Current.CancellationToken);

        var results = PrerequisiteCheck.Judge(Target, Fact.Known(Server), denied, broken).ToList();

        Assert.Equal(PrerequisiteState.Ok, results.Single(r => r.Name == "PostgreSQL version").State);
        Assert.Equal(PrerequisiteState.Denied, results.Single(r => r.Name == "hypopg created").State);
        var unknown = results.Single(r => r.Name == "track_io_timing");
        Assert.Equal((PrerequisiteState.Unknown, "why"), (unknown.State, unknown.Value));
    }

    [Theory]
    [InlineData("", PrerequisiteState.Ok)]
    [InlineData("superuser", PrerequisiteState.Missing)]
    [InlineData("createrole, pg_execute_server_program", PrerequisiteState.Missing)]
    public void Rights_over_the_server_are_told(string powers, PrerequisiteState state)
    {
        var result = PrerequisiteCheck.JudgePowers(
            Target, Fact.Known<IReadOnlyList<string>>(powers.Split(", ", StringSplitOptions.RemoveEmptyEntries)));

        Assert.Equal((state, state == PrerequisiteState.Ok ? "none" : powers), (result.State, result.Value));
        Assert.Equal(state != PrerequisiteState.Ok, result.Remedy?.Contains("create role", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task A_lost_connection_ends_them() => await Assert.ThrowsAsync<PerfMonitoringException>(
        () => Fact.OfAsync<RightFacts>(
            _ => throw new PerfMonitoringException("ConnectionFailed", FailureKind.ConnectionFailed, "gone"),
            TestContext.Current.CancellationToken));

    [Theory]
    [InlineData(6, PrerequisiteState.Missing)]
    [InlineData(7, PrerequisiteState.Ok)]
    public void Counters_must_be_a_week_old(int days, PrerequisiteState expected)
    {
        var now = new DateTimeOffset(2026, 1, 10, 0, 0, 0, TimeSpan.Zero);

        var result = PrerequisiteCheck.JudgeStatistics(
            Target, Fact.Known(new StatisticsFacts { Now = now, ResetAt = now.AddDays(-days) })).First();

        Assert.Equal(expected, result.State);
    }

    private static List<PrerequisiteResult> Judge(
        IReadOnlyList<ExtensionFacts>? extensions = null, IReadOnlyList<SettingFacts>? settings = null) =>
        [.. PrerequisiteCheck.Judge(Target, Fact.Known(Server), Fact.Known(extensions ?? []), Fact.Known(settings ?? []))];

    private static ExtensionFacts Extension(string? installed) =>
        new() { Name = "pg_stat_statements", InstalledVersion = installed, AvailableVersion = "1.10",
            Schema = installed is null ? null : "ext" };
}
