namespace PerfMonitoring.Sessions;

/// <summary>
/// The address and login of one database. For null, the connection string, a service, the PG* variables and PostgreSQL's defaults
/// are used, in this order.
/// </summary>
public sealed record ConnectionSettings
{
    /// <summary>
    /// A complete connection string in libpq's or Npgsql's form, or a URI; the other properties override it. Never shown.
    /// </summary>
    public string? ConnectionString { get; init; }

    /// <summary>A section of libpq's connection service files.</summary>
    public string? Service { get; init; }

    /// <summary>Host name, address or socket directory; or a connection string, which then stands for all of it.</summary>
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
    /// Limit of a connection attempt; null for the value of the connection string, of PGCONNECT_TIMEOUT, or
    /// <see cref="DefaultConnectTimeout"/>.
    /// </summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary>
    /// Limit of one answer of the server; null for the value of the connection string, or <see cref="DefaultCommandTimeout"/>.
    /// </summary>
    public TimeSpan? CommandTimeout { get; init; }

    /// <summary>The values of <see cref="SslMode"/>, from the weakest to the strongest.</summary>
    internal static IReadOnlyList<string> SslModes { get; } =
        ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    /// <summary>Default limit of a connection attempt; it is Npgsql's default.</summary>
    public static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(15);

    /// <summary>The longest limit of a connection attempt; Npgsql allows at most 1024 s.</summary>
    public static readonly TimeSpan MaximumConnectTimeout = TimeSpan.FromMinutes(15);

    /// <summary>Default limit of one answer; it is Npgsql's default.</summary>
    public static readonly TimeSpan DefaultCommandTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The longest limit of one answer, so that every wait ends.</summary>
    public static readonly TimeSpan MaximumCommandTimeout = TimeSpan.FromDays(1);

    /// <summary>Whether these are settings of the store's database, so that errors name the parameters of the store.</summary>
    public bool IsStore { get; init; }

    /// <summary>The name of a parameter as the user writes it: -HostName or -StoreHostName.</summary>
    public string Parameter(string name) => (IsStore ? "-Store" : "-") + name;

    /// <summary>Whether nothing is set.</summary>
    public bool IsEmpty => this == new ConnectionSettings();

    /// <summary>
    /// Completes settings of a store with those of the monitored database: a store on the same server needs only a database name.
    /// A store on another server inherits no login, because a password must not reach a server that it is not for.
    /// </summary>
    /// <param name="monitored">The settings of the monitored database.</param>
    /// <returns>Complete settings; null where nothing is set, so that the store is in the monitored database.</returns>
    public ConnectionSettings? AsStoreOf(ConnectionSettings monitored)
    {
        ArgumentNullException.ThrowIfNull(monitored);
        return IsEmpty ? null
            : ConnectionString is not null || HostName is not null || Service is not null
            ? this with
            {
                IsStore = true,
                ConnectTimeout = monitored.ConnectTimeout,
                CommandTimeout = monitored.CommandTimeout,
            }
            : monitored with
            {
                IsStore = true,
                Port = Port ?? monitored.Port,
                Database = Database ?? monitored.Database,
                UserName = UserName ?? monitored.UserName,
                Password = UserName is null ? monitored.Password : Password,
                SslMode = SslMode ?? monitored.SslMode,
            };
    }

    /// <inheritdoc/>
    public override string ToString() => $"{UserName}@{HostName}:{Port}/{Database}";
}
