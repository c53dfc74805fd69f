namespace PerfMonitoring.Common;

/// <summary>The kind of failure; the cmdlets map it to PowerShell's error category.</summary>
public enum FailureKind
{
    /// <summary>An argument is wrong regardless of the server.</summary>
    InvalidArgument,
    /// <summary>A table, index, strategy, threshold or session does not exist.</summary>
    NotFound,
    /// <summary>An object of that name already exists.</summary>
    AlreadyExists,
    /// <summary>The role lacks a right, or the password is wrong.</summary>
    PermissionDenied,
    /// <summary>The server could not be reached, or the connection broke.</summary>
    ConnectionFailed,
    /// <summary>An extension, a setting or the store is missing.</summary>
    NotInstalled,
    /// <summary>Somebody else holds a required resource.</summary>
    Busy,
    /// <summary>A time limit passed.</summary>
    Timeout,
    /// <summary>The server or this version of the module does not support it.</summary>
    NotSupported,
    /// <summary>Continuing could run the code of other users with the user's rights.</summary>
    Security,
    /// <summary>The server refused the statement for another reason.</summary>
    ServerError,
}

/// <summary>
/// An error that the user can act upon. The message never contains a password or a literal of a query. Names in the message are
/// visible text.
/// </summary>
public sealed class PerfMonitoringException : Exception
{
    // An argument or a name may be of any length.
    private const int LongestMessage = 1500;

    /// <summary>Creates an error with a stable id.</summary>
    /// <param name="errorId">Stable id in PascalCase, for <c>FullyQualifiedErrorId</c>.</param>
    /// <param name="kind">The kind of failure.</param>
    /// <param name="message">The failure, with the name of the argument or object.</param>
    /// <param name="remedy">The remedy, or null where none is known.</param>
    /// <param name="target">The object that the error is about, or null.</param>
    /// <param name="inner">The cause, or null.</param>
    public PerfMonitoringException(
        string errorId, FailureKind kind, string message, string? remedy = null, object? target = null, Exception? inner = null)
        : base(VisibleText.Line(message, LongestMessage), inner)
    {
        ErrorId = errorId;
        Kind = kind;
        Remedy = remedy is null ? null : VisibleText.Line(remedy);
        Subject = target;
    }

    /// <summary>Stable id in PascalCase.</summary>
    public string ErrorId { get; }

    /// <summary>The kind of failure.</summary>
    public FailureKind Kind { get; }

    /// <summary>The remedy, or null where none is known.</summary>
    public string? Remedy { get; }

    /// <summary>The object that the error is about, or null.</summary>
    public object? Subject { get; }

    /// <summary>Whether it is about the connection to the store's database, and not to the monitored one.</summary>
    public bool IsOfStore { get; private init; }

    /// <summary>The same error with another remedy.</summary>
    public PerfMonitoringException WithRemedy(string remedy) =>
        new(ErrorId, Kind, Message, remedy, Subject, InnerException) { IsOfStore = IsOfStore };

    /// <summary>The same error about another object.</summary>
    public PerfMonitoringException WithSubject(object subject) =>
        new(ErrorId, Kind, Message, Remedy, subject, InnerException) { IsOfStore = IsOfStore };

    /// <summary>The same error, about the connection to the store's database.</summary>
    public PerfMonitoringException OfStore() => new(ErrorId, Kind, Message, Remedy, Subject, InnerException) { IsOfStore = true };
}
