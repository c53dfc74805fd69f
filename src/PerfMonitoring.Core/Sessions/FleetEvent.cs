using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>What happens while a fleet is connected.</summary>
internal abstract record FleetEvent
{
    /// <summary>A database is connected.</summary>
    /// <param name="Request">The wish.</param>
    /// <param name="Name">The name for its session.</param>
    /// <param name="Connection">The connection. Whoever takes it disposes it.</param>
    internal sealed record Connected(ConnectionRequest Request, string Name, IMonitoringConnection Connection) : FleetEvent;

    /// <summary>A server, or one of its databases, is not connected.</summary>
    /// <param name="Target">The server and the databases.</param>
    /// <param name="Failure">The reason.</param>
    internal sealed record Failed(ConnectionTarget Target, PerfMonitoringException Failure) : FleetEvent;

    /// <summary>Nothing is connected, and that may be right: a pattern that no database matches.</summary>
    /// <param name="Text">The reason, for a warning.</param>
    internal sealed record Noted(string Text) : FleetEvent;

    /// <summary>A server is done.</summary>
    internal sealed record Done : FleetEvent;
}
