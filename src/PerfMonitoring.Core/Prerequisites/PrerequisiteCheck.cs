using System.Globalization;
using System.Runtime.CompilerServices;
using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>
/// Checks the prerequisites on a server. A fact that cannot be read is Unknown or Denied and never ends the other checks.
/// </summary>
internal static class PrerequisiteCheck
{
    internal const string StatementStatistics = "pg_stat_statements";
    internal const string HypotheticalIndexes = "hypopg";

    private static readonly string[] Settings =
    [
        "shared_preload_libraries", "track_io_timing", "compute_query_id", "track_activity_query_size",
        "pg_stat_statements.track", "pg_stat_statements.max", "auto_explain.log_min_duration",
    ];

    /// <summary>Runs every check, in an order for working through the results.</summary>
    /// <exception cref="PerfMonitoringException">ConnectionFailed: the connection broke, so no check is possible.</exception>
    public static async IAsyncEnumerable<PrerequisiteResult> RunAsync(
        IMonitoringConnection connection, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var repository = connection.Prerequisites;
        var server = await Fact.OfAsync(repository.GetServerAsync, cancellationToken);
        var extensions = await Fact.OfAsync(
            t => repository.GetExtensionsAsync([StatementStatistics, HypotheticalIndexes], t), cancellationToken);
        var settings = await Fact.OfAsync(t => repository.GetSettingsAsync(Settings, t), cancellationToken);
        foreach (var result in Judge(connection.Target, server, extensions, settings))
        {
            yield return result;
        }

        foreach (var result in await AccessCheck.RunAsync(connection, cancellationToken))
        {
            yield return result;
        }

        yield return JudgePowers(connection.Target, await Fact.OfAsync(repository.GetPowersAsync, cancellationToken));
        foreach (var result in JudgeStatistics(
            connection.Target, await Fact.OfAsync(repository.GetStatisticsAsync, cancellationToken)))
        {
            yield return result;
        }
    }

    internal static IEnumerable<PrerequisiteResult> Judge(
        ServerTarget target, Fact<ServerFacts> server, Fact<IReadOnlyList<ExtensionFacts>> extensions,
        Fact<IReadOnlyList<SettingFacts>> settings)
    {
        var check = new PrerequisiteMaker(target);
        yield return check.From(
            "PostgreSQL version", PrerequisiteCategory.Server,
            "Everything; 16 or later plans normalised statements without guessing.", server,
            s => (PrerequisiteState.Ok, s.Version, null), required: true);
        yield return check.From(
            "Primary server", PrerequisiteCategory.Server, "Creating and dropping indexes; a store in this database.", server,
            s => s.IsStandby
                ? (PrerequisiteState.Missing, "standby",
                    "Connect to the primary for changes, and keep the store there or elsewhere (Connect-PerfMonitoring "
                        + "-StoreHostName).")
                : (PrerequisiteState.Ok, "primary", null));

        yield return check.From(
            "pg_stat_statements loaded", PrerequisiteCategory.Extension,
            "Get-SlowQuery, Update-QueryPerformanceLog, thresholds on QueryTime.", settings,
            s => Loaded(s, "pg_stat_statements.max", StatementStatistics), required: true);
        yield return check.From(
            "pg_stat_statements created", PrerequisiteCategory.Extension,
            "Get-SlowQuery, Update-QueryPerformanceLog, thresholds on QueryTime.", extensions,
            e => Created(e, StatementStatistics, new Version(1, 8)), required: true);
        yield return check.From(
            "hypopg created", PrerequisiteCategory.Extension,
            "Proposals weighed by the planner itself, with hypothetical indexes, instead of an estimate.", extensions,
            e => Created(e, HypotheticalIndexes, new Version(1, 0)));
        yield return check.From(
            "auto_explain loaded", PrerequisiteCategory.Extension, "Plans of slow statements in the server's log.", settings,
            s => Find(s, "auto_explain.log_min_duration") is { Value: "-1" }
                ? (PrerequisiteState.Missing, "loaded, but logs nothing",
                    "alter system set auto_explain.log_min_duration = '1s'; select pg_reload_conf();")
                : Loaded(s, "auto_explain.log_min_duration", "auto_explain"));
        if (settings.IsKnown && Find(settings.Value, "auto_explain.log_min_duration") is not null)
        {
            // With 0 auto_explain logs EXPLAIN too, and fails where the plan has indexes that are not in the catalog.
            yield return check.From(
                "auto_explain.log_min_duration", PrerequisiteCategory.Setting,
                "New-IndexStrategy with hypothetical indexes, unless the role may switch it off (superusers).", settings,
                s => Switched(
                    s, "auto_explain.log_min_duration", "0",
                    "alter system set auto_explain.log_min_duration = '1ms'; select pg_reload_conf();"));
        }

        yield return check.From(
            "track_io_timing", PrerequisiteCategory.Setting, "Time spent reading and writing, query by query.", settings,
            s => Switched(s, "track_io_timing", "off", "alter system set track_io_timing = on; select pg_reload_conf();"));
        if (target.MajorVersion >= 14)
        {
            yield return check.From(
                "compute_query_id", PrerequisiteCategory.Setting, "Identifiers of statements in activity, log and plans.",
                settings,
                s => Switched(
                    s, "compute_query_id", "off", "alter system set compute_query_id = auto; select pg_reload_conf();"));
        }

        yield return check.From(
            "track_activity_query_size", PrerequisiteCategory.Setting, "Running statements shown in full length.", settings,
            s => AtLeast(
                s, "track_activity_query_size", 1024, "bytes",
                "alter system set track_activity_query_size = '4kB'; -- then restart PostgreSQL"));
        if (settings.IsKnown && Find(settings.Value, "pg_stat_statements.max") is not null)
        {
            yield return check.From(
                "pg_stat_statements.track", PrerequisiteCategory.Setting,
                "Statements are counted at all; 'all' counts those inside functions too.", settings,
                s => Switched(
                    s, "pg_stat_statements.track", "none",
                    "alter system set pg_stat_statements.track = top; select pg_reload_conf();"));
            yield return check.From(
                "pg_stat_statements.max", PrerequisiteCategory.Setting, "Statements are kept rather than evicted by others.",
                settings,
                s => AtLeast(
                    s, "pg_stat_statements.max", 5000, "statements",
                    "alter system set pg_stat_statements.max = 5000; -- then restart PostgreSQL"));
        }
    }

    internal static PrerequisiteResult JudgePowers(ServerTarget target, Fact<IReadOnlyList<string>> powers) =>
        new PrerequisiteMaker(target).From(
            "No rights over the server", PrerequisiteCategory.Right,
            "Planning statements that call functions of other roles: the planner runs them, with all rights of the session.",
            powers,
            p => p.Count == 0
                ? (PrerequisiteState.Ok, "none", null)
                : (PrerequisiteState.Missing, string.Join(", ", p),
                    "create role perf_monitoring login; grant pg_monitor to perf_monitoring; -- then set its password and "
                        + "connect with it"));

    internal static IEnumerable<PrerequisiteResult> JudgeStatistics(ServerTarget target, Fact<StatisticsFacts> statistics)
    {
        var check = new PrerequisiteMaker(target);
        yield return check.From(
            $"Counters at least {StatisticsAge.Minimum.Days} days old", PrerequisiteCategory.Statistics,
            "Recommendations to drop unused indexes.",
            statistics,
            s => s.ResetAt is not { } reset ? (PrerequisiteState.Unknown, "not told by the server", null)
                : s.Now - reset >= StatisticsAge.Minimum ? (PrerequisiteState.Ok, Age(s.Now - reset), null)
                : (PrerequisiteState.Missing, Age(s.Now - reset),
                    $"Wait until {(reset + StatisticsAge.Minimum).UtcDateTime:yyyy-MM-dd HH:mm} UTC, and do not run "
                        + $"pg_stat_reset()."));
        yield return check.From(
            "Tables analysed", PrerequisiteCategory.Statistics,
            "Proposals from row counts and value distributions that are true.", statistics,
            s => s.NeverAnalyzed == 0
                ? (PrerequisiteState.Ok, "all", null)
                : (PrerequisiteState.Missing, string.Create(CultureInfo.InvariantCulture, $"{s.NeverAnalyzed} never"),
                    "analyze;"));
    }

    private static (PrerequisiteState, string?, string?) Loaded(
        IReadOnlyList<SettingFacts> settings, string parameter, string library)
    {
        // The parameters of a library exist once it is loaded, and every role can see them; not every role can see
        // shared_preload_libraries.
        if (Find(settings, parameter) is not null)
        {
            return (PrerequisiteState.Ok, "loaded", null);
        }

        var preload = Find(settings, "shared_preload_libraries");
        if (preload is { PendingRestart: true })
        {
            return (PrerequisiteState.Missing, "not loaded; shared_preload_libraries waits for a restart", "Restart PostgreSQL.");
        }

        // Each library is a separate item: one quoted string with commas would be the name of one library, and the server would
        // not start.
        var others = preload is null ? "<the present libraries>, " : string.Concat(Items(preload.Value).Select(i => $"'{i}', "));
        return (PrerequisiteState.Missing, "not loaded",
            $"alter system set shared_preload_libraries = {others}'{library}'; -- then restart PostgreSQL");
    }

    private static (PrerequisiteState, string?, string?) Created(
        IReadOnlyList<ExtensionFacts> extensions, string name, Version minimum) =>
        extensions.FirstOrDefault(e => e.Name == name) switch
        {
            null => (
                PrerequisiteState.Missing, "not on the server",
                $"Install the operating system's package of {name} on the server, then: create extension {name};"),
            { InstalledVersion: null } e =>
                (PrerequisiteState.Missing, $"available: {e.AvailableVersion}", $"create extension {name};"),
            { InstalledVersion: { } v } when !Version.TryParse(v, out var version) => (PrerequisiteState.Unknown, v, null),
            { InstalledVersion: { } v } when Version.Parse(v) < minimum =>
                (PrerequisiteState.Missing, $"{v} is too old", $"alter extension {name} update;"),
            var e => (PrerequisiteState.Ok, e.InstalledVersion, null),
        };

    private static (PrerequisiteState, string?, string?) Switched(
        IReadOnlyList<SettingFacts> settings, string name, string bad, string remedy) =>
        Find(settings, name) switch
        {
            null => (PrerequisiteState.Unknown, "the server does not show it to this role", null),
            { Value: var v } when v == bad => (PrerequisiteState.Missing, v, remedy),
            { Value: var v } => (PrerequisiteState.Ok, v, null),
        };

    private static (PrerequisiteState, string?, string?) AtLeast(
        IReadOnlyList<SettingFacts> settings, string name, long minimum, string unit, string remedy)
    {
        if (Find(settings, name) is not { } setting
            || !long.TryParse(setting.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return (PrerequisiteState.Unknown, "the server does not show it to this role", null);
        }

        return value >= minimum
            ? (PrerequisiteState.Ok, $"{setting.Value} {unit}", null)
            : (PrerequisiteState.Missing, $"{setting.Value} {unit}", remedy);
    }

    private static SettingFacts? Find(IReadOnlyList<SettingFacts> settings, string name) =>
        settings.FirstOrDefault(s => s.Name == name);

    private static IEnumerable<string> Items(string list) =>
        list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(i => i.Trim('"').Replace("'", "''", StringComparison.Ordinal));

    private static string Age(TimeSpan age) => age.TotalDays >= 2
        ? string.Create(CultureInfo.InvariantCulture, $"{age.TotalDays:0} days")
        : string.Create(CultureInfo.InvariantCulture, $"{age.TotalHours:0.0} hours");
}
