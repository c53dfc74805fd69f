using System.Management.Automation;
using System.Text.Json;
using System.Text.Json.Nodes;
using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>Sets or resets settings of the module, for the user or for the machine.</summary>
[Cmdlet(
    VerbsCommon.Set, "PerfMonitoringConfiguration",
    SupportsShouldProcess = true,
    DefaultParameterSetName = ValueSet,
    HelpUri = OnlineHelp.Folder + "Set-PerfMonitoringConfiguration.md")]
[OutputType(typeof(PerfMonitoringSetting))]
public sealed class SetPerfMonitoringConfigurationCommand : PerfCmdlet
{
    private const string ValueSet = "Value";
    private const string ResetSet = "Reset";

    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SettingNameCompleter))]
    public string[] Name { get; set; } = [];

    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = ValueSet)]
    [ArgumentCompleter(typeof(SettingValueCompleter))]
    public object Value { get; set; } = null!;

    [Parameter(Mandatory = true, ParameterSetName = ResetSet)]
    public SwitchParameter Reset { get; set; }

    [Parameter]
    [Word(typeof(ConfigurationScope))]
    [KnownWord]
    public ConfigurationScope Scope { get; set; }

    [Parameter]
    public SwitchParameter PassThru { get; set; }

    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            ForItem(name, () => Change(name));
        }
    }

    private void Change(string name)
    {
        var file = ConfigurationFile.Of(Scope) ?? throw new PerfMonitoringException(
            ErrorIds.ConfigurationNotWritten, FailureKind.PermissionDenied,
            "There is no home folder for a configuration file of this user.",
            $"Name a file in {ConfigurationFile.UserVariable}, or set it for the machine with -Scope Machine.", name);
        if (ParameterSetName == ResetSet && !Reset)
        {
            throw new PerfMonitoringException(
                ErrorIds.NothingToChange, FailureKind.InvalidArgument, "-Reset:$false changes nothing.",
                "Leave it out and pass -Value.", name);
        }

        var pattern = new NamePattern(name);
        var known = Settings.All.Select(s => s.Setting).Where(s => pattern.Matches(s.Name)).ToList();
        if (Reset)
        {
            Remove(file, pattern, known);
            return;
        }

        var setting = known.Count switch
        {
            1 => known[0],
            0 => throw Settings.NotFound(pattern.Name),
            _ => throw new PerfMonitoringException(
                ErrorIds.InvalidArgument, FailureKind.InvalidArgument, $"-Name {name} is {known.Count} settings.",
                "A value is for one setting; only -Reset takes wildcards.", name),
        };
        var value = setting.Read(Value) ?? throw new PerfMonitoringException(
            ErrorIds.InvalidArgument, FailureKind.InvalidArgument,
            $"-Value is no value for {setting.Name}, which must be {setting.Limits}.",
            "Write such a value, or -Reset for none.", name);
        Write(file, new() { [setting.Name] = setting.ToJson(value) }, $"Set {setting.Name} to {setting.Text(value)}", [setting]);
    }

    private void Remove(ConfigurationFile file, NamePattern pattern, List<Setting> known)
    {
        IReadOnlyDictionary<string, JsonElement> values;
        try
        {
            values = file.Read(path => EffectiveConfiguration.WhyForeign(path, this));
        }
        catch (PerfMonitoringException) when (pattern.Text == "*")
        {
            // Who resets all needs nothing of what the file says.
            if (ShouldProcess(file.Path, "Put the file that cannot be used aside"))
            {
                WriteWarning($"The file is now {file.PutAside()}.");
            }

            return;
        }

        var found = values.Keys.Where(pattern.Matches).ToList();
        if (found.Count > 0)
        {
            Write(file, found.ToDictionary(n => n, _ => (JsonNode?)null), $"Reset {string.Join(", ", found)}", known);
        }
        else if (known.Count == 0 && !pattern.IsPattern)
        {
            throw Settings.NotFound(pattern.Name);
        }
        else
        {
            WriteVerbose($"{file.Path} sets nothing of {pattern.Text}.");
        }
    }

    private void Write(
        ConfigurationFile file, Dictionary<string, JsonNode?> changes, string action, IEnumerable<Setting> settings)
    {
        if (!ShouldProcess(file.Path, action))
        {
            return;
        }

        file.Change(changes, path => EffectiveConfiguration.WhyForeign(path, this));
        if (!PassThru)
        {
            return;
        }

        var files = EffectiveConfiguration.Files.Select(f => (f, EffectiveConfiguration.ValuesOf(f, this))).ToList();
        foreach (var (setting, description, parameters) in Settings.All.Where(s => settings.Contains(s.Setting)))
        {
            WriteObject(GetPerfMonitoringConfigurationCommand.Describe(setting, description, parameters, files));
        }
    }
}
