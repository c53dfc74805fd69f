using System.Management.Automation;
using System.Text.Json;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>Shows the settings of the module, and where their values come from.</summary>
[Cmdlet(
    VerbsCommon.Get, "PerfMonitoringConfiguration",
    HelpUri = OnlineHelp.Folder + "Get-PerfMonitoringConfiguration.md")]
[OutputType(typeof(PerfMonitoringSetting))]
public sealed class GetPerfMonitoringConfigurationCommand : PerfCmdlet
{
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SettingNameCompleter))]
    public string[] Name { get; set; } = ["*"];

    protected override void ProcessRecord() => Run(() =>
    {
        var files = new List<(ConfigurationFile File, IReadOnlyDictionary<string, JsonElement> Values)>();
        foreach (var file in EffectiveConfiguration.Files)
        {
            ForItem(file.Path, () => files.Add((file, EffectiveConfiguration.ValuesOf(file, this))));
        }

        var shown = new HashSet<string>();
        foreach (var name in Name)
        {
            var pattern = new NamePattern(name);
            var found = Settings.All.Where(s => pattern.Matches(s.Setting.Name)).ToList();
            if (found.Count == 0 && !pattern.IsPattern)
            {
                WriteError(Errors.Record(Settings.NotFound(pattern.Name)));
            }

            foreach (var (setting, description, parameters) in found.Where(s => shown.Add(s.Setting.Name)))
            {
                ForItem(setting.Name, () => WriteObject(Describe(setting, description, parameters, files)));
            }
        }
    });

    internal static PerfMonitoringSetting Describe(
        Setting setting, string description, string[] parameters,
        IReadOnlyList<(ConfigurationFile File, IReadOnlyDictionary<string, JsonElement> Values)> files)
    {
        var (file, values) = files.FirstOrDefault(f => f.Values.ContainsKey(setting.Name));
        var value = file is null ? setting.Default : EffectiveConfiguration.Accept(setting, values[setting.Name], file);
        return new PerfMonitoringSetting
        {
            Name = setting.Name,
            Value = value,
            Text = setting.Text(value),
            Type = setting.Type,
            Limits = setting.Limits,
            Default = setting.Text(setting.Default),
            Source = file is null ? SettingSource.BuiltIn
                : file.Scope == ConfigurationScope.User ? SettingSource.User : SettingSource.Machine,
            Path = file?.Path,
            Parameter = parameters,
            Description = description,
        };
    }
}
