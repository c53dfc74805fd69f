using System.Management.Automation;
using PerfMonitoring.Configuration;

namespace PerfMonitoring.Messages;

/// <summary>Where messages are written to, as the configuration says.</summary>
internal sealed record LogFileSettings
{
    [ConfiguredPath("Log.Path")]
    public string? Path { get; set; }

    [Configured("Log.Level")]
    public MessageLevel Level { get; set; } = MessageLevel.Verbose;

    [Configured("Log.MaximumSize", IsSize = true)]
    [ValidateRange(4L * 1024, 1L << 40)]
    public long MaximumSize { get; set; } = 10L * 1024 * 1024;

    [Configured("Log.MaximumFiles")]
    [ValidateRange(1, 100)]
    public int MaximumFiles { get; set; } = 5;
}

/// <summary>A setting that names a file.</summary>
/// <param name="name">The setting.</param>
internal sealed class ConfiguredPathAttribute(string name) : ConfiguredAttribute(name)
{
    public override string Limits => "the full path of a file, whose folder exists";

    public override bool Allows(string text) =>
        Path.IsPathFullyQualified(text) && !Path.EndsInDirectorySeparator(text)
            && Directory.Exists(Path.GetDirectoryName(text)) && !Directory.Exists(text);
}
