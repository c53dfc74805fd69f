namespace PerfMonitoring.Model;

/// <summary>How to reach one database. What is null is taken from the PG* variables, then from PostgreSQL's defaults.</summary>
public sealed record ConnectionSettings
{
    /// <summary>A whole Npgsql connection string; the other properties win over what it says.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>Host name, address or socket directory.</summary>
    public string? HostName { get; init; }

    /// <summary>TCP port.</summary>
    public int? Port { get; init; }

    /// <summary>Database name.</summary>
    public string? Database { get; init; }

    /// <summary>Role.</summary>
    public string? UserName { get; init; }

    /// <summary>Password; never shown.</summary>
    public string? Password { get; init; }

    /// <summary>disable, allow, prefer, require, verify-ca, verify-full.</summary>
    public string? SslMode { get; init; }

    /// <summary>Whether anything is set.</summary>
    public bool IsEmpty => this == new ConnectionSettings();

    /// <inheritdoc/>
    public override string ToString() => $"{UserName}@{HostName}:{Port}/{Database}";
}
