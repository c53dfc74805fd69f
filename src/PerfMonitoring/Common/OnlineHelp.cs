namespace PerfMonitoring.Common;

/// <summary>Where Get-Help -Online goes.</summary>
internal static class OnlineHelp
{
    public const string Folder = "https://github.com/PerfMonitoring/PerfMonitoring/blob/main/docs/en-US/";
}
