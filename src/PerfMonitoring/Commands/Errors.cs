using System.Management.Automation;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands;

/// <summary>All error records: a stable id, a category, a target and the way out.</summary>
internal static class Errors
{
    public static ErrorRecord Record(PerfMonitoringException e, object? item = null)
    {
        var record = new ErrorRecord(e, e.ErrorId, Category(e.Kind), e.Subject ?? item);
        if (e.Remedy is not null)
        {
            record.ErrorDetails = new ErrorDetails(e.Message) { RecommendedAction = e.Remedy };
        }

        return record;
    }

    public static PerfMonitoringException NotConnected() => new(
        "NotConnected", FailureKind.NotFound, "There is no session in this runspace.", "Run Connect-PerfMonitoring first, or pass -Session.");

    public static PerfMonitoringException SessionNotFound(string name) => new(
        "SessionNotFound", FailureKind.NotFound, $"There is no session named '{name}' in this runspace.",
        "Get-PerfMonitoringSession lists the open ones.", name);

    public static PerfMonitoringException SessionClosed(string name) => new(
        "SessionClosed", FailureKind.NotFound, $"Session '{name}' was disconnected.", "Run Connect-PerfMonitoring again.", name);

    private static ErrorCategory Category(FailureKind kind) => kind switch
    {
        FailureKind.InvalidArgument => ErrorCategory.InvalidArgument,
        FailureKind.NotFound => ErrorCategory.ObjectNotFound,
        FailureKind.AlreadyExists => ErrorCategory.ResourceExists,
        FailureKind.PermissionDenied => ErrorCategory.PermissionDenied,
        FailureKind.ConnectionFailed => ErrorCategory.ConnectionError,
        FailureKind.NotInstalled => ErrorCategory.NotInstalled,
        FailureKind.Busy => ErrorCategory.ResourceBusy,
        FailureKind.Timeout => ErrorCategory.OperationTimeout,
        FailureKind.NotSupported => ErrorCategory.NotImplemented,
        _ => ErrorCategory.InvalidResult,
    };
}
