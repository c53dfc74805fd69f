using System.Management.Automation;
using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;
using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>
/// The values that are in force: the user's before the machine's. A file is read at its first use and again when it has changed.
/// </summary>
internal static class EffectiveConfiguration
{
    private static readonly object Gate = new();
    private static readonly Dictionary<string, Content> Read = [];

    /// <summary>The files that may hold a value, the one that goes first before the other.</summary>
    public static IEnumerable<ConfigurationFile> Files =>
        new[] { ConfigurationScope.User, ConfigurationScope.Machine }.Select(ConfigurationFile.Of).OfType<ConfigurationFile>();

    /// <summary>
    /// Gives the properties of an object that take a setting the values of the configuration.
    /// </summary>
    /// <param name="target">The object: a cmdlet, or what has settings of its own.</param>
    /// <param name="cmdlet">The running cmdlet.</param>
    /// <param name="isGiven">Whether a parameter was given, so that the configuration does not count.</param>
    /// <exception cref="PerfMonitoringException">As <see cref="ValuesOf"/>; ConfigurationInvalid: a value is wrong.</exception>
    public static void Apply(object target, PSCmdlet cmdlet, Func<string, bool> isGiven)
    {
        List<(ConfigurationFile File, IReadOnlyDictionary<string, JsonElement> Values)>? files = null;
        foreach (var (property, configured) in Settings.Of(target.GetType()))
        {
            if (isGiven(property.Name) || configured.Unless.Any(isGiven))
            {
                continue;
            }

            files ??= [.. Files.Select(f => (f, ValuesOf(f, cmdlet)))];
            var (file, values) = files.Find(f => f.Values.ContainsKey(configured.Name));
            if (file is null)
            {
                continue;
            }

            var setting = Settings.Find(configured.Name)!;
            var used = Accept(setting, values[setting.Name], file);
            property.SetValue(target, used);
            if (target is PerfCmdlet ours)
            {
                ours.Tell($"{setting.Name} is {setting.Text(used)}, from {file.Path}.");
            }
        }
    }

    /// <summary>The values of a file. The first time that a file has a name that is no setting, a warning tells of it.</summary>
    /// <exception cref="PerfMonitoringException">
    /// ConfigurationInvalid, ConfigurationUnreadable, ConfigurationUnsafe: the file cannot be used.
    /// </exception>
    public static IReadOnlyDictionary<string, JsonElement> ValuesOf(ConfigurationFile file, PSCmdlet cmdlet)
    {
        var stamp = file.Stamp();
        Content? content;
        lock (Gate)
        {
            Read.TryGetValue(file.Path, out content);
        }

        if (content is null || content.Stamp != stamp)
        {
            // The owner counts too, and its change is no change of the file: it is asked whenever the file is read.
            content = new Content(stamp, file.Read(path => WhyForeign(path, cmdlet)));
            lock (Gate)
            {
                Read[file.Path] = content;
            }

            foreach (var unknown in content.Values.Keys.Where(k => Settings.Find(k) is null))
            {
                var shown = VisibleText.Line(unknown, 60);
                var like = Settings.Like(unknown) is { } known ? $" Did you mean {known}?" : "";
                cmdlet.WriteWarning(VisibleText.Line(
                    $"The configuration file {file.Path} has {shown}, and there is no such setting.{like} "
                        + $"Set-PerfMonitoringConfiguration '{WildcardPattern.Escape(shown)}' -Reset -Scope {file.Scope} "
                        + "removes it."));
            }
        }

        return content.Values;
    }

    /// <summary>The value of a setting in a file.</summary>
    /// <exception cref="PerfMonitoringException">ConfigurationInvalid: the setting does not take it.</exception>
    public static object Accept(Setting setting, JsonElement value, ConfigurationFile file) =>
        setting.Read(value) ?? throw file.Invalid(
            $"has {VisibleText.Line(value.GetRawText(), 60)} for {setting.Name}, which must be {setting.Limits}",
            $"Set-PerfMonitoringConfiguration {setting.Name} <value> -Scope {file.Scope} sets another one; -Reset removes it.");

    /// <summary>The reason why the owner of a file is not to be trusted with what this process does, or null.</summary>
    public static string? WhyForeign(string path, PSCmdlet cmdlet)
    {
        if (OperatingSystem.IsWindows())
        {
            return WhyForeignOnWindows(path);
        }

        // .NET does not say whose a file is; PowerShell's provider does.
        var owner = cmdlet.InvokeProvider.Item.Get([path], force: true, literalPath: true)
            .FirstOrDefault()?.Properties["UnixStat"]?.Value;
        if (owner is null || PSObject.AsPSObject(owner) is not { } stat
            || stat.Properties["UserId"]?.Value is not int id || id == 0)
        {
            return null;
        }

        var name = stat.Methods["GetUserName"]?.Invoke() as string ?? $"user {id}";
        return Environment.IsPrivilegedProcess ? $"belongs to {name}, who would decide what root does"
            : name != Environment.UserName ? $"belongs to {name}" : null;
    }

    [SupportedOSPlatform("windows")]
    private static string? WhyForeignOnWindows(string path)
    {
        var owner = new FileInfo(path).GetAccessControl(AccessControlSections.Owner).GetOwner(typeof(SecurityIdentifier))
            as SecurityIdentifier;
        using var me = WindowsIdentity.GetCurrent();
        return owner is null || owner == me.User || owner.IsWellKnown(WellKnownSidType.BuiltinAdministratorsSid)
            || owner.IsWellKnown(WellKnownSidType.LocalSystemSid) ? null : $"belongs to {owner}";
    }

    private sealed record Content(
        (DateTime Time, long Length, UnixFileMode Mode)? Stamp, IReadOnlyDictionary<string, JsonElement> Values);
}
