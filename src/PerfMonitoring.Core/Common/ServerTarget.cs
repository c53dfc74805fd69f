using System.Globalization;

namespace PerfMonitoring.Common;

/// <summary>Which database on which server an object was seen on.</summary>
public sealed record ServerTarget
{
    /// <summary>Host name, address or socket directory, as it was connected to.</summary>
    public required string HostName { get; init; }

    /// <summary>TCP port.</summary>
    public required int Port { get; init; }

    /// <summary>Database name.</summary>
    public required string Database { get; init; }

    /// <summary>Object identifier of the database.</summary>
    public uint DatabaseOid { get; init; }

    /// <summary>The cluster's system identifier (pg_control_system), or null where the role may not read it.</summary>
    public long? SystemIdentifier { get; init; }

    /// <summary>The server's version number as server_version_num gives it, for example 150018.</summary>
    public int ServerVersionNumber { get; init; }

    /// <summary>The major version, for example 15.</summary>
    public int MajorVersion => ServerVersionNumber / 10000;

    /// <summary>
    /// The database wherever it is reached from: system identifier and object identifier. An object in a file proves by it what
    /// it is of. Null where the role may not read the system identifier.
    /// </summary>
    public string? Identity => SystemIdentifier is { } cluster && DatabaseOid != 0
        ? string.Create(CultureInfo.InvariantCulture, $"{cluster}/{DatabaseOid}")
        : null;

    /// <summary>
    /// Whether both name the same database of the same cluster: by system identifier and database where both are known (a cluster
    /// has several addresses), else by address. A database that was dropped and made again under its name is another one.
    /// </summary>
    public bool IsSameDatabaseAs(ServerTarget other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (Database != other.Database || (DatabaseOid != 0 && other.DatabaseOid != 0 && DatabaseOid != other.DatabaseOid))
        {
            return false;
        }

        if (SystemIdentifier is { } mine && other.SystemIdentifier is { } theirs)
        {
            return mine == theirs;
        }

        return Port == other.Port && string.Equals(HostName, other.HostName, StringComparison.OrdinalIgnoreCase);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{HostName}:{Port}/{Database}";
}
