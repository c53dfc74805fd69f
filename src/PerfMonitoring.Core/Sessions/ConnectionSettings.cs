namespace PerfMonitoring.Sessions;

/// <summary>
/// How to reach one database. What is null is taken from the connection string, a service, the PG* variables, then PostgreSQL's
/// defaults.
/// </summary>
public sealed record ConnectionSettings
{
    /// <summary>
    /// A whole connection string in libpq's or Npgsql's form, or a URI; the other properties win over what it says. Never shown.
    /// </summary>
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

    /// <summary>
    /// How long a connection attempt may take; null for the connection string's, PGCONNECT_TIMEOUT's, or
    /// <see cref="DefaultConnectTimeout"/>.
    /// </summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>
    /// How long one answer of the server may take; null for the connection string's, or <see cref="DefaultCommandTimeout"/>.
    /// </summary>
    public TimeSpan? CommandTimeout { get; init; }

    /// <summary>Limit of a connection attempt when nobody sets one; Npgsql's.</summary>
    public static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(15);

    /// <summary>The longest limit of a connection attempt; Npgsql takes no more than 1024 s.</summary>
    public static readonly TimeSpan MaximumConnectTimeout = TimeSpan.FromMinutes(15);

    /// <summary>Limit of one answer when nobody sets one; Npgsql's.</summary>
    public static readonly TimeSpan DefaultCommandTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The longest limit of one answer: every wait has an end.</summary>
    public static readonly TimeSpan MaximumCommandTimeout = TimeSpan.FromDays(1);

    /// <summary>Whether it is the store's database, so that errors name the parameters of the store.</summary>
    public bool IsStore { get; init; }

    /// <summary>A parameter as the user wrote it: -HostName or -StoreHostName.</summary>
    public string Parameter(string name) => (IsStore ? "-Store" : "-") + name;

    /// <summary>Whether anything is set.</summary>
    public bool IsEmpty => this == new ConnectionSettings();

    /// <inheritdoc/>
    public override string ToString() => $"{UserName}@{HostName}:{Port}/{Database}";
}
