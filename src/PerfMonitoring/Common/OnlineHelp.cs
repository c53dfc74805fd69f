namespace PerfMonitoring.Common;

/// <summary>The address for Get-Help -Online.</summary>
internal static class OnlineHelp
{
    public const string Folder = "https://github.com/PerfMonitoring/PerfMonitoring/blob/main/docs/en-US/";
}
