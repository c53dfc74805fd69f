using System.Management.Automation;

namespace PerfMonitoring.Usage;

/// <summary>Reads the parameters -Replica and -Window.</summary>
internal static class UsageScopes
{
    /// <summary>The servers and the period for which usage is read.</summary>
    public static UsageScope Of(ConnectedCmdlet cmdlet, PSObject[] replicas, TimeSpan window) =>
        new() { Replicas = cmdlet.FindReplicas(replicas), Window = window };
}
