namespace PerfMonitoring.Configuration;

/// <summary>
/// Takes the default of a parameter from the configuration, where somebody has set it. The parameter's own attributes say which
/// values the setting takes, and its initial value is the built-in default. Several parameters may share a setting.
/// </summary>
/// <param name="name">The setting. <see cref="Settings"/> says what it is for.</param>
[AttributeUsage(AttributeTargets.Property)]
internal class ConfiguredAttribute(string name) : Attribute
{
    public string Name => name;

    /// <summary>Whether the number is a size in bytes.</summary>
    public bool IsSize { get; init; }

    /// <summary>The parameters of the same cmdlet beside which the setting does not count: they say the same in another way.
    /// </summary>
    public string[] Unless { get; init; } = [];

    /// <summary>What a text must be, in words; null if it takes every text.</summary>
    public virtual string? Limits => null;

    /// <summary>Whether the setting takes a text.</summary>
    public virtual bool Allows(string text) => true;
}
