using System.Collections;

namespace PerfMonitoring.Sessions;

/// <summary>A wish for sessions: one server, and one or several of its databases.</summary>
public sealed record ConnectionRequest
{
    /// <summary>The name of the session, or its beginning where there are several databases; null for one made of the
    /// database.</summary>
    public string? Name { get; init; }

    /// <summary>Address and login. Its database is null where <see cref="Databases"/> says which.</summary>
    public required ConnectionSettings Settings { get; init; }

    /// <summary>Names of databases, and patterns with wildcards; empty for the one of the settings.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>Address and login of the store; empty where it is in the monitored database.</summary>
    public ConnectionSettings Store { get; init; } = new();

    /// <summary>The acting user; null for the role of the store's connection.</summary>
    public string? ActingUser { get; init; }

    /// <summary>The group of the sessions, or null.</summary>
    public string? Group { get; init; }

    /// <summary>The tags of the sessions.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The maintenance windows that an inventory gives them: parameters of Set-MaintenanceWindow.</summary>
    public IReadOnlyList<Hashtable> MaintenanceWindows { get; init; } = [];

    /// <summary>The thresholds that an inventory gives them: parameters of New-PerformanceThreshold.</summary>
    public IReadOnlyList<Hashtable> Thresholds { get; init; } = [];
}

/// <summary>
/// What could not be connected: the target of an error. Its properties are parameters of Connect-PerfMonitoring, so that it can
/// be piped there again.
/// </summary>
public sealed record ConnectionTarget
{
    /// <summary>The name that the session would have had, or the server's where several databases are affected; null if
    /// unknown.</summary>
    public string? Name { get; init; }

    /// <summary>Host name, address or socket directory.</summary>
    public required string HostName { get; init; }

    /// <summary>TCP port.</summary>
    public required int Port { get; init; }

    /// <summary>The databases that are not connected: names, or the patterns that were given.</summary>
    public required IReadOnlyList<string> Database { get; init => field = value.ToArray(); }

    /// <summary>The role.</summary>
    public required string UserName { get; init; }

    /// <summary>The group, or null.</summary>
    public string? Group { get; init; }

    /// <summary>The tags.</summary>
    public IReadOnlyList<string> Tag { get; init => field = value.ToArray(); } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{HostName}:{Port}{(Database.Count == 1 ? "/" + Database[0] : "")}";
}
