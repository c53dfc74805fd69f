using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>An open session as the user sees it. It never shows a password.</summary>
public sealed class PerfMonitoringSession
{
    internal PerfMonitoringSession(string name, IMonitoringConnection connection)
    {
        Name = name;
        Connection = connection;
        ConnectedAt = DateTimeOffset.Now;
    }

    /// <summary>The session's name, unique in the runspace.</summary>
    public string Name { get; }

    /// <summary>The monitored database.</summary>
    public ServerTarget Target => Connection.Target;

    /// <summary>The host of the monitored database.</summary>
    public string HostName => Target.HostName;

    /// <summary>The TCP port of the monitored database.</summary>
    public int Port => Target.Port;

    /// <summary>The name of the monitored database.</summary>
    public string Database => Target.Database;

    /// <summary>The role of the session.</summary>
    public string UserName => Connection.UserName;

    /// <summary>The server's version, for example 15.18.</summary>
    public Version ServerVersion => new(Target.MajorVersion, Target.ServerVersionNumber % 10000);

    /// <summary>The database of the store.</summary>
    public ServerTarget Store => Connection.StoreTarget;

    /// <summary>When the session was opened.</summary>
    public DateTimeOffset ConnectedAt { get; }

    /// <summary>Whether cmdlets without <c>-Session</c> use it.</summary>
    public bool IsDefault { get; internal set; }

    /// <summary>False after it was disconnected.</summary>
    public bool IsOpen { get; internal set; } = true;

    internal IMonitoringConnection Connection { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
