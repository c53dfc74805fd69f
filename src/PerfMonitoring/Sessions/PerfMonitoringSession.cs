using System.Collections;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>An open session as the user sees it. It never shows a password.</summary>
public sealed class PerfMonitoringSession
{
    /// <summary>A session without a connection, for tests of scripts. No cmdlet works on it.</summary>
    public PerfMonitoringSession()
    {
    }

    internal PerfMonitoringSession(string name, IMonitoringConnection connection, ConnectionRequest? request = null)
    {
        Name = name;
        Connection = connection;
        Group = request?.Group;
        Tags = (request?.Tags ?? []).ToItemList();
        MaintenanceWindows = (request?.MaintenanceWindows ?? []).ToItemList();
        Thresholds = (request?.Thresholds ?? []).ToItemList();
        ConnectedAt = DateTimeOffset.Now;
        IsOpen = true;
    }

    /// <summary>The session's name, unique in the runspace.</summary>
    public string Name { get; init; } = "";

    /// <summary>The group of its server, from an inventory or -Group; null without one.</summary>
    public string? Group { get; init; }

    /// <summary>The tags of its server, from an inventory or -Tag.</summary>
    public ItemList<string> Tags { get; init; } = [];

    /// <summary>
    /// The maintenance windows that the inventory gives it: a table of parameters of Set-MaintenanceWindow for each. They count
    /// once they are set in the store.
    /// </summary>
    public ItemList<Hashtable> MaintenanceWindows { get; init; } = [];

    /// <summary>
    /// The thresholds that the inventory gives it: a table of parameters of New-PerformanceThreshold for each. They count once
    /// they are in the store.
    /// </summary>
    public ItemList<Hashtable> Thresholds { get; init; } = [];

    /// <summary>The monitored database.</summary>
    public ServerTarget Target { get => Connection?.Target ?? field; init; } = Nowhere;

    /// <summary>The host of the monitored database.</summary>
    public string HostName { get => Target.HostName; init => Target = Target with { HostName = value }; }

    /// <summary>The TCP port of the monitored database.</summary>
    public int Port { get => Target.Port; init => Target = Target with { Port = value }; }

    /// <summary>The name of the monitored database.</summary>
    public string Database { get => Target.Database; init => Target = Target with { Database = value }; }

    /// <summary>The role of the session.</summary>
    public string UserName { get => Connection?.UserName ?? field; init; } = "";

    /// <summary>The server's version, for example 15.18.</summary>
    public Version ServerVersion => new(Target.MajorVersion, Target.ServerVersionNumber % 10000);

    /// <summary>The database of the store.</summary>
    public ServerTarget Store { get => Connection?.StoreTarget ?? field; init; } = Nowhere;

    /// <summary>When the session was opened.</summary>
    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>Whether cmdlets without <c>-Session</c> use it.</summary>
    public bool IsDefault { get; internal set; }

    /// <summary>False after it was disconnected.</summary>
    public bool IsOpen { get; internal set; }

    private static ServerTarget Nowhere { get; } = new() { HostName = "", Port = 0, Database = "" };

    /// <summary>Whether sessions on other databases are open beside it.</summary>
    internal bool IsOneOfMany { get; set; }

    internal IMonitoringConnection Connection { get; } = null!;

    /// <inheritdoc/>
    public override string ToString() => VisibleText.Line(Name);
}
