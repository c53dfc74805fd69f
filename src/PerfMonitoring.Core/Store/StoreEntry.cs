using System.Globalization;
using PerfMonitoring.Common;

namespace PerfMonitoring.Store;

/// <summary>A monitored database in the list of a store for many.</summary>
public sealed record StoreEntry
{
    /// <summary>The schema that holds its rows.</summary>
    public required string SchemaName { get; init; }

    /// <summary>The name of the monitored database.</summary>
    public required string Database { get; init; }

    /// <summary>The host under which it was seen last; null if it was never seen.</summary>
    public string? HostName { get; init; }

    /// <summary>The TCP port under which it was seen last.</summary>
    public int? Port { get; init; }

    /// <summary>Its group in the fleet; null if it has none.</summary>
    public string? Group { get; init; }

    /// <summary>Its tags.</summary>
    public IReadOnlyList<string> Tags { get; init => field = value.ToArray(); } = [];

    /// <summary>The system identifier of the cluster; null where it is not known.</summary>
    public long? SystemIdentifier { get; init; }

    /// <summary>The object identifier of the database; null where it is not known.</summary>
    public uint? DatabaseOid { get; init; }

    /// <summary>0 for the first database of an identity; a physical copy of it has the next number.</summary>
    public int Copy { get; init; }

    /// <summary>When it was registered.</summary>
    public DateTimeOffset RegisteredAt { get; init; }

    /// <summary>When it was seen last; null if never.</summary>
    public DateTimeOffset? SeenAt { get; init; }

    /// <summary>The database that holds the store.</summary>
    public ServerTarget? Store { get; init; }

    /// <summary>Every <c>host:port</c> under which it was seen.</summary>
    internal IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>When its server was started, as it was seen last.</summary>
    internal DateTimeOffset? ServerStartedAt { get; init; }

    /// <summary>The timeline of its write-ahead log, as it was seen last.</summary>
    internal int? Timeline { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        HostName is null ? Database : string.Create(CultureInfo.InvariantCulture, $"{HostName}:{Port}/{Database}");
}
