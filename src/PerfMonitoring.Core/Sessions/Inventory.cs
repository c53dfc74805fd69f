using System.Collections;

namespace PerfMonitoring.Sessions;

/// <summary>
/// A server of an inventory, with what it inherits from its group and from all. It is one entry of any source of a fleet: a file,
/// a table of the pipeline, a registry.
/// </summary>
internal sealed record InventoryServer
{
    /// <summary>The server's name, with which the names of its sessions begin; null for a table without one.</summary>
    public string? Name { get; init; }

    /// <summary>Address and login, without the password of a credential.</summary>
    public required ConnectionSettings Settings { get; init; }

    /// <summary>Names of databases, or patterns; empty for the one that libpq would take.</summary>
    public IReadOnlyList<string> Databases { get; init; } = [];

    /// <summary>The credential; null if another source has the password.</summary>
    public InventoryCredential? Credential { get; init; }

    /// <summary>Address and login of the store; empty where it is in the monitored database.</summary>
    public ConnectionSettings Store { get; init; } = new();

    /// <summary>The credential of the store.</summary>
    public InventoryCredential? StoreCredential { get; init; }

    /// <summary>The acting user, or null.</summary>
    public string? ActingUser { get; init; }

    /// <summary>The group, or null.</summary>
    public string? Group { get; init; }

    /// <summary>The tags of all, of the group and of the server.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Parameters of Set-MaintenanceWindow.</summary>
    public IReadOnlyList<Hashtable> MaintenanceWindows { get; init; } = [];

    /// <summary>Parameters of New-PerformanceThreshold.</summary>
    public IReadOnlyList<Hashtable> Thresholds { get; init; } = [];

    /// <summary>The server in words, for an error: a name or an address.</summary>
    public string Label => Name ?? Settings.HostName ?? Settings.Service ?? "the server";
}

/// <summary>A credential: an object that the caller has, or a command that gives it.</summary>
/// <param name="Given">The credential; null if a command gives it.</param>
/// <param name="Command">The name of a command; null if the credential is given.</param>
/// <param name="Parameters">Parameters of the command: plain data.</param>
/// <param name="Origin">Where it stands, for an error.</param>
internal sealed record InventoryCredential(object? Given, string? Command, Hashtable Parameters, string Origin)
{
    /// <summary>Two credentials with the same key are the same one, so that a command runs once.</summary>
    public string Key => Command + "\n" + string.Join(
        '\n', Parameters.Cast<DictionaryEntry>().Select(p => $"{p.Key}={string.Join(',', Values(p.Value))}")
            .Order(StringComparer.Ordinal));

    private static object?[] Values(object? value) => value as object?[] ?? [value];
}

/// <summary>The servers of an inventory, in its order, and its groups.</summary>
/// <param name="Servers">The servers.</param>
/// <param name="Groups">The names of the groups that it defines.</param>
internal sealed record Inventory(IReadOnlyList<InventoryServer> Servers, IReadOnlyList<string> Groups);
