using System.Globalization;

namespace PerfMonitoring.Common;

/// <summary>The server and database that an object comes from.</summary>
public sealed record ServerTarget
{
    /// <summary>Host name, address or socket directory that the connection uses.</summary>
    public required string HostName { get; init; }

    /// <summary>TCP port.</summary>
    public required int Port { get; init; }

    /// <summary>Database name.</summary>
    public required string Database { get; init; }

    /// <summary>Object identifier of the database.</summary>
    public uint DatabaseOid { get; init; }

    /// <summary>The system identifier of the cluster (pg_control_system), or null where the role may not read it.</summary>
    public long? SystemIdentifier { get; init; }

    /// <summary>The version number of the server (server_version_num), for example 150018.</summary>
    public int ServerVersionNumber { get; init; }

    /// <summary>The major version, for example 15.</summary>
    public int MajorVersion => ServerVersionNumber / 10000;

    /// <summary>
    /// Identity of the database: system identifier and object identifier. It does not depend on the address, so an object from a
    /// file proves by it which database it belongs to. Null where the role may not read the system identifier.
    /// </summary>
    public string? Identity => SystemIdentifier is { } cluster && DatabaseOid != 0
        ? string.Create(CultureInfo.InvariantCulture, $"{cluster}/{DatabaseOid}")
        : null;

    /// <summary>
    /// Whether both name the same database of the same cluster. The system identifier and the database decide where both are
    /// known (a cluster has several addresses), else the address decides. A database that was dropped and created again under its
    /// name is a different one.
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
