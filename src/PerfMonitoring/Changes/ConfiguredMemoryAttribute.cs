using PerfMonitoring.Configuration;

namespace PerfMonitoring.Changes;

/// <summary>A setting that is an amount of memory of the server.</summary>
/// <param name="name">The setting.</param>
internal sealed class ConfiguredMemoryAttribute(string name) : ConfiguredAttribute(name)
{
    public override string Limits => MemorySetting.Limits;

    public override bool Allows(string text) => MemorySetting.IsKnown(text);
}
