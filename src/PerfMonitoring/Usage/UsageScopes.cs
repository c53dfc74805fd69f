using System.Management.Automation;

namespace PerfMonitoring.Usage;

/// <summary>What the parameters -Replica and -Window ask for.</summary>
internal static class UsageScopes
{
    /// <summary>Where -Replica and -Window ask how indexes are used.</summary>
    public static UsageScope Of(PSObject[] replicas, TimeSpan window) =>
        new() { Replicas = [.. replicas.Select(r => ConnectedCmdlet.Resolve(r).Connection)], Window = window };
}
