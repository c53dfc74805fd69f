using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>What the parameters -Replica and -Window ask for.</summary>
internal static class UsageScopes
{
    /// <summary>Where -Replica and -Window ask how indexes are used.</summary>
    public static UsageScope Of(PSObject[] replicas, TimeSpan window) =>
        window >= DropVerdict.MinimumAge && window.TotalDays <= 3650
            ? new() { Replicas = [.. replicas.Select(r => ConnectedCmdlet.Resolve(r).Connection)], Window = window }
            : throw new PerfMonitoringException(
                ErrorIds.InvalidWindow, FailureKind.InvalidArgument, $"-Window is {window}; it must be from 7 days to 10 years.",
                "Write 35d: weekly and monthly work must have had its turn.", window);
}
