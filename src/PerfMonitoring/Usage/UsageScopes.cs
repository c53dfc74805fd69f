using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Usage;

/// <summary>Reads the parameters -Replica and -Window.</summary>
internal static class UsageScopes
{
    /// <summary>The servers and the period for which usage is read.</summary>
    public static UsageScope Of(PSObject[] replicas, TimeSpan window) =>
        window >= DropVerdict.MinimumAge && window.TotalDays <= 3650
            ? new() { Replicas = [.. replicas.Select(r => ConnectedCmdlet.Resolve(r).Connection)], Window = window }
            : throw new PerfMonitoringException(
                ErrorIds.InvalidWindow, FailureKind.InvalidArgument, $"-Window is {window}; it must be from 7 days to 10 years.",
                "Write 35d: weekly and monthly work must have had its turn.", window);
}
