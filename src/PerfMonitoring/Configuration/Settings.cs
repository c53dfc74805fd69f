using System.Collections.Concurrent;
using System.Management.Automation;
using System.Reflection;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>All settings. They are made of the parameters that take them, at first use.</summary>
internal static class Settings
{
    /// <summary>What each setting is for, in the order of Get-PerfMonitoringConfiguration.</summary>
    private static readonly (string Name, string Description)[] Texts =
    [
        ("Connection.ConnectTimeout", "The time limit of a connection attempt."),
        ("Connection.CommandTimeout", "The time limit of one answer of a server."),
        ("Connection.StoreHostName", "The host of the store, where it is not in the monitored database."),
        ("Connection.StorePort", "The port of the store."),
        ("Connection.StoreDatabase", "The database of the store."),
        ("Session.ThrottleLimit", "At how many sessions a cmdlet works at the same time."),
        ("SlowQuery.Top", "How many queries are listed; all where it is not set."),
        ("SlowQuery.MinimumMeanMs", "Queries with a shorter mean time are left out, in milliseconds."),
        ("SlowQuery.MinimumCalls", "Queries that ran less often are left out."),
        ("QueryLog.Retention", "How long the query log is kept; what is older is removed."),
        ("Advice.StorageBudget", "What the new indexes of one advice may take together."),
        ("Advice.MaximumCount", "How many indexes one advice may choose."),
        ("Advice.MinimumGain", "The share of the workload's cost that an index must save."),
        ("Advice.WriteWeight", "How much writes count against reads."),
        ("Advice.TimeLimit", "How long an advice may take."),
        ("Advice.ReproposeAfter", "How long an index that was reverted is not advised again."),
        ("Advice.MaintenanceWindow", "When new indexes may be built."),
        ("IndexChange.LockTimeout", "How long a change waits for a lock; 0 waits for ever."),
        ("IndexChange.MaximumRetry", "How many times a change that waited too long is tried again."),
        ("IndexChange.SnapshotTimeout", "How long a build waits for older transactions; 0 waits for ever."),
        ("IndexCreation.MaximumParallelBuild", "How many indexes are built at the same time, on different tables."),
        ("IndexCreation.MaintenanceWorkMem", "maintenance_work_mem of a build."),
        ("IndexCreation.MaximumDatabaseGrowth", "What the indexes of one run may take together."),
        ("IndexCreation.MaximumActiveSession", "A build does not begin while more sessions are active."),
        ("IndexCreation.MaximumReplicationLag", "A build does not begin while a standby is further behind."),
        ("IndexCreation.LoadTimeout", "How long a build waits for the load to go down."),
        ("IndexCreation.VerifyAfter", "How long the statements are observed after the builds."),
        ("Verification.Window", "The time before and after a build that is compared."),
        ("Verification.MinimumEffect", "The smallest change of time that counts, as a share."),
        ("Verification.Confidence", "The confidence level of a verdict."),
        ("IndexUsage.Window", "How long an index must not have been scanned to count as unused."),
        ("IndexRepair.MinimumBloat", "The share of an index that must be bloat for it to be rebuilt."),
        ("IndexRepair.MinimumWaste", "The bytes of an index that must be bloat for it to be rebuilt."),
        ("Log.Path", "A file that takes each message of the cmdlets as a line of JSON."),
        ("Log.Level", "The messages that the file takes: this level, and those that matter more."),
        ("Log.MaximumSize", "The size at which the file is full and another one begins."),
        ("Log.MaximumFiles", "How many of these files are kept."),
    ];

    private static readonly ConcurrentDictionary<Type, IReadOnlyList<(PropertyInfo Property, ConfiguredAttribute Configured)>>
        Known = new();

    private static readonly Lazy<IReadOnlyList<(Setting Setting, string Description, string[] Parameters)>> Made = new(Make);

    /// <summary>All settings, in their order.</summary>
    public static IReadOnlyList<(Setting Setting, string Description, string[] Parameters)> All => Made.Value;

    /// <summary>The setting of a name; null if there is none.</summary>
    public static Setting? Find(string name) =>
        All.FirstOrDefault(s => string.Equals(s.Setting.Name, name, StringComparison.OrdinalIgnoreCase)).Setting;

    /// <summary>The properties of a type that take a setting.</summary>
    public static IReadOnlyList<(PropertyInfo Property, ConfiguredAttribute Configured)> Of(Type type) => Known.GetOrAdd(
        type, static t => [.. t.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Select(p => (Property: p, Configured: p.GetCustomAttribute<ConfiguredAttribute>()!))
            .Where(p => p.Configured is not null)]);

    /// <summary>The error for a name that no setting has.</summary>
    public static PerfMonitoringException NotFound(string name) => new(
        ErrorIds.SettingNotFound, FailureKind.NotFound, $"There is no setting {name}.",
        Like(name) is { } like ? $"Did you mean {like}? Get-PerfMonitoringConfiguration lists all."
            : "Get-PerfMonitoringConfiguration lists all.", name);

    /// <summary>The setting whose name has most in common with a wrong one; null if none is near.</summary>
    public static string? Like(string name) => Texts.Select(t => t.Name)
        .Select(n => (Name: n, Distance: Distance(n.ToLowerInvariant(), name.ToLowerInvariant())))
        .Where(n => n.Distance <= 4 || n.Name.EndsWith("." + name, StringComparison.OrdinalIgnoreCase))
        .OrderBy(n => n.Distance).Select(n => n.Name).FirstOrDefault();

    private static List<(Setting Setting, string Description, string[] Parameters)> Make()
    {
        var uses = typeof(Settings).Assembly.GetTypes()
            .Where(t => !t.IsAbstract && Of(t).Count > 0)
            .SelectMany(Uses).ToLookup(u => u.Setting.Name);
        return [.. Texts.Select(t => (uses[t.Name].First().Setting, t.Description,
            uses[t.Name].Select(u => u.Parameter).OfType<string>().Order(StringComparer.Ordinal).ToArray()))];
    }

    private static IEnumerable<(Setting Setting, string? Parameter)> Uses(Type type)
    {
        var initial = Activator.CreateInstance(type)!;
        using var made = initial as IDisposable;
        var cmdlet = type.GetCustomAttribute<CmdletAttribute>();
        return [.. Of(type).Select(p => (
            new Setting(p.Property, p.Property.GetValue(initial)),
            cmdlet is null ? null : $"{cmdlet.VerbName}-{cmdlet.NounName} -"
                + (p.Property.IsDefined(typeof(ParameterAttribute)) ? p.Property.Name : p.Configured.Unless[0])))];
    }

    // Levenshtein's.
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            (var diagonal, row[0]) = (row[0], i);
            for (var j = 1; j <= other.Length; j++)
            {
                (diagonal, row[j]) = (row[j],
                    Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1)));
            }
        }

        return row[^1];
    }
}
