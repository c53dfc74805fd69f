using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>The category of a prerequisite.</summary>
public enum PrerequisiteCategory : long
{
    /// <summary>The server itself.</summary>
    Server = 1,
    /// <summary>An extension or a loadable library.</summary>
    Extension,
    /// <summary>The rights of the role.</summary>
    Right,
    /// <summary>A configuration parameter.</summary>
    Setting,
    /// <summary>The server's counters.</summary>
    Statistics,
    /// <summary>The schema perf_monitoring.</summary>
    Store,
}

/// <summary>The state of a prerequisite.</summary>
public enum PrerequisiteState : long
{
    /// <summary>Could not be determined; <see cref="PrerequisiteResult.Value"/> gives the reason.</summary>
    Unknown,
    /// <summary>Met.</summary>
    Ok,
    /// <summary>Missing, or set to a value that limits the module.</summary>
    Missing,
    /// <summary>The role lacks the right.</summary>
    Denied,
}

/// <summary>One thing that the module uses, and its state.</summary>
public sealed record PrerequisiteResult
{
    /// <summary>The name and the state.</summary>
    public override string ToString() => ShortText.Of($"{Name}: {State}");

    /// <summary>The name of the prerequisite.</summary>
    public required string Name { get; init; }

    /// <summary>The category.</summary>
    public required PrerequisiteCategory Category { get; init; }

    /// <summary>The state.</summary>
    public required PrerequisiteState State { get; init; }

    /// <summary>Whether the main purpose of the module, finding slow queries, depends on it.</summary>
    public bool Required { get; init; }

    /// <summary>The value found, or the reason why there is none; null where there is nothing to show.</summary>
    public string? Value { get; init; }

    /// <summary>What the prerequisite makes possible.</summary>
    public required string Enables { get; init; }

    /// <summary>The exact statement or action that meets the prerequisite; null where it is met or no remedy is known.</summary>
    public string? Remedy { get; init; }

    /// <summary>The database of the check: the monitored database or the store's.</summary>
    public required ServerTarget Target { get; init; }
}
