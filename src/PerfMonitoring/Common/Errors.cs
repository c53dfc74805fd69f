using System.Collections;
using System.Management.Automation;

namespace PerfMonitoring.Common;

/// <summary>Creates all error records: a stable id, a category, a target and a remedy.</summary>
internal static class Errors
{
    public static ErrorRecord Record(PerfMonitoringException e, object? item = null)
    {
        var subject = e.Subject ?? item;
        var record = new ErrorRecord(e, e.ErrorId, Category(e.Kind), subject);
        if (subject is not null)
        {
            // Without a name PowerShell shows the target's text beside the category.
            record.CategoryInfo.TargetName = VisibleText.Line(NameOf(PSObject.AsPSObject(subject)));
        }

        if (e.Remedy is not null)
        {
            record.ErrorDetails = new ErrorDetails(e.Message) { RecommendedAction = e.Remedy };
        }

        return record;
    }

    public static PerfMonitoringException NotConnected() => new(
        ErrorIds.NotConnected, FailureKind.NotFound, "There is no session in this runspace.",
        "Run Connect-PerfMonitoring first, or pass -Session.");

    public static PerfMonitoringException NoDefaultSession(int sessions) => new(
        ErrorIds.NoDefaultSession, FailureKind.NotFound,
        $"There are {sessions} sessions in this runspace, and none of them is the default one.",
        "Pass -Session with a name, or with wildcards: -Session *. Get-PerfMonitoringSession lists them.");

    public static PerfMonitoringException SessionNotFound(string name) => new(
        ErrorIds.SessionNotFound, FailureKind.NotFound, $"There is no session named '{name}' in this runspace.",
        "Get-PerfMonitoringSession lists the open ones.", name);

    public static PerfMonitoringException SessionClosed(string name) => new(
        ErrorIds.SessionClosed, FailureKind.NotFound, $"Session '{name}' was disconnected.", "Run Connect-PerfMonitoring again.",
        name);

    public static PerfMonitoringException SessionNotLive(object given) => new(
        ErrorIds.SessionNotLive, FailureKind.InvalidArgument,
        "A session cannot come out of a file, a job or Select-Object: its connections stay where it was opened.",
        "Run Connect-PerfMonitoring in this runspace, or pass the name of one of Get-PerfMonitoringSession.", given);

    public static PerfMonitoringException OtherDatabase(string what, object theirs, ServerTarget ours, object item) => new(
        ErrorIds.OtherDatabase, FailureKind.InvalidArgument,
        $"{what} is of "
            + $"{theirs}{(theirs.ToString() == ours.ToString() ? ", on another server or before it was made again" : "")}; "
            + $"this session is connected to {ours}.",
        "Run Connect-PerfMonitoring for that database, or pass -Session with a session of it.", item);

    public static PerfMonitoringException OtherDatabase(
        string what, string theirs, IReadOnlyList<string> sessions, object item) => new(
        ErrorIds.OtherDatabase, FailureKind.InvalidArgument,
        $"{what} is of {theirs}; no session of that database is among {Listed(sessions)}.",
        "Run Connect-PerfMonitoring for that database, or pass -Session with a session of it.", item);

    public static PerfMonitoringException ObjectIncomplete(string message, string remedy, object item) => new(
        ErrorIds.ObjectIncomplete, FailureKind.InvalidArgument, message, remedy, item);

    public static PerfMonitoringException StrategyNotStored(string? indexName, object strategy) => new(
        ErrorIds.StrategyNotStored, FailureKind.NotFound,
        $"Strategy {indexName} is not stored: there is nothing to change, and a file does not hold all of it.",
        "Run Initialize-PerfMonitoringStore, and New-IndexStrategy again.", strategy);

    public static PerfMonitoringException IndexNotCreated(object name, object item) => new(
        ErrorIds.IndexNotCreated, FailureKind.NotFound,
        $"{name}: the history of this database has no build of such an index by PerfMonitoring that succeeded and was not "
            + $"undone since.",
        "Get-IndexStrategyHistory shows what was done; what was built without a store is not known.", item);

    public static PerfMonitoringException NoAdvice(string session) => new(
        ErrorIds.NoAdvice, FailureKind.NotFound, $"No advice was made in session '{session}' yet.",
        "Run New-IndexStrategy with slow queries or SQL texts first: Get-SlowQuery | New-IndexStrategy.", session);

    // The text of a whole object could contain statements with their constants.
    private static string? NameOf(PSObject subject) =>
        (subject.Properties["IndexName"] ?? subject.Properties["QueryHash"])?.Value?.ToString()
        ?? (subject.BaseObject is PSCustomObject or IDictionary ? "object" : subject.ToString());

    private static string Listed(IReadOnlyList<string> sessions) => sessions.Count <= 5
        ? string.Join(", ", sessions) : $"{string.Join(", ", sessions.Take(5))} and {sessions.Count - 5} more";

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
        FailureKind.Security => ErrorCategory.SecurityError,
        _ => ErrorCategory.InvalidResult,
    };
}
