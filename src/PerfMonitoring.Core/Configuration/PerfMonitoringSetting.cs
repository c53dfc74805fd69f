using PerfMonitoring.Common;

namespace PerfMonitoring.Configuration;

/// <summary>A setting: the default of a parameter, or of the log.</summary>
public sealed record PerfMonitoringSetting
{
    /// <summary>Its name, such as Advice.StorageBudget.</summary>
    public string Name { get; init; } = "";

    /// <summary>The value that is in force: a number, a size in bytes, a time span, a word or a text; null for none.</summary>
    public object? Value { get; init; }

    /// <summary>The value as Set-PerfMonitoringConfiguration takes it, such as 500MB; null for none.</summary>
    public string? Text { get; init; }

    /// <summary>What it takes: Size, Duration, Integer, Number, Text, or the name of an enumeration.</summary>
    public string Type { get; init; } = "";

    /// <summary>What it takes, in words.</summary>
    public string Limits { get; init; } = "";

    /// <summary>The value that is in force where nobody has set one, as Set-PerfMonitoringConfiguration takes it; null for
    /// none.</summary>
    public string? Default { get; init; }

    /// <summary>Where the value comes from.</summary>
    public SettingSource Source { get; init; }

    /// <summary>The file that the value comes from; null if it is built in.</summary>
    public string? Path { get; init; }

    /// <summary>The parameters whose default it is, such as New-IndexStrategy -StorageBudget.</summary>
    public ItemList<string> Parameter { get; init; } = [];

    /// <summary>What it is for.</summary>
    public string Description { get; init; } = "";

    /// <inheritdoc/>
    public override string ToString() => ShortText.Of($"{Name} = {Text ?? "none"} ({Source})");
}
