using PerfMonitoring.Common;

namespace PerfMonitoring.Prerequisites;

/// <summary>What a prerequisite is about.</summary>
public enum PrerequisiteCategory
{
    /// <summary>The server itself.</summary>
    Server,
    /// <summary>An extension or a loadable library.</summary>
    Extension,
    /// <summary>What the role may do.</summary>
    Right,
    /// <summary>A configuration parameter.</summary>
    Setting,
    /// <summary>What the server has counted so far.</summary>
    Statistics,
    /// <summary>The schema perf_monitoring.</summary>
    Store,
}

/// <summary>How a prerequisite stands.</summary>
public enum PrerequisiteState
{
    /// <summary>As it should be.</summary>
    Ok,
    /// <summary>Not there, or set to a value that gives less.</summary>
    Missing,
    /// <summary>The role lacks the right.</summary>
    Denied,
    /// <summary>It could not be found out; <see cref="PrerequisiteResult.Value"/> says why.</summary>
    Unknown,
}

/// <summary>One thing that the product can make use of, and how it stands.</summary>
public sealed record PrerequisiteResult
{
    /// <summary>What was looked at.</summary>
    public required string Name { get; init; }

    /// <summary>What it is about.</summary>
    public required PrerequisiteCategory Category { get; init; }

    /// <summary>How it stands.</summary>
    public required PrerequisiteState State { get; init; }

    /// <summary>Whether the product's main purpose, finding slow queries, cannot do without it.</summary>
    public bool Required { get; init; }

    /// <summary>What was found, or why nothing was; null where there is nothing to show.</summary>
    public string? Value { get; init; }

    /// <summary>What it makes possible.</summary>
    public required string Enables { get; init; }

    /// <summary>The exact statement or act that mends it; null when it is as it should be or when no way is known.</summary>
    public string? Remedy { get; init; }

    /// <summary>The database that was looked at: the monitored one, or the store's.</summary>
    public required ServerTarget Target { get; init; }
}
