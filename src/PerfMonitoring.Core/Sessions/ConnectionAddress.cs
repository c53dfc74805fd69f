namespace PerfMonitoring.Sessions;

/// <summary>Where connection settings lead, after the connection string, the service and the PG* variables were read.</summary>
public sealed record ConnectionAddress
{
    /// <summary>The servers that may answer, with their ports: <c>db1:5432</c> or <c>db1:5432,db2:5432</c>.</summary>
    public required string Servers { get; init; }

    /// <summary>The host names, without ports.</summary>
    public required string HostName { get; init; }

    /// <summary>The TCP port of the first server.</summary>
    public required int Port { get; init; }

    /// <summary>The database.</summary>
    public required string Database { get; init; }

    /// <summary>The role.</summary>
    public required string UserName { get; init; }

    /// <summary>Whether a connection string holds a password.</summary>
    public bool HoldsPassword { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Servers}/{Database}";
}
