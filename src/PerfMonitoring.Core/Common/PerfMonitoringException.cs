namespace PerfMonitoring.Common;

/// <summary>What kind of thing went wrong; the cmdlets turn it into PowerShell's error category.</summary>
public enum FailureKind
{
    /// <summary>An argument cannot be right, whatever the server says.</summary>
    InvalidArgument,
    /// <summary>A table, index, strategy, threshold or session does not exist.</summary>
    NotFound,
    /// <summary>Something of that name is there already.</summary>
    AlreadyExists,
    /// <summary>The role lacks a right, or the password is wrong.</summary>
    PermissionDenied,
    /// <summary>The server could not be reached, or went away.</summary>
    ConnectionFailed,
    /// <summary>An extension, a setting or the store is missing.</summary>
    NotInstalled,
    /// <summary>Somebody else holds what is needed.</summary>
    Busy,
    /// <summary>A time limit passed.</summary>
    Timeout,
    /// <summary>The server or this version of the product cannot do it.</summary>
    NotSupported,
    /// <summary>Going on could run the code of others with the user's rights.</summary>
    Security,
    /// <summary>The server refused the statement for a reason of its own.</summary>
    ServerError,
}

/// <summary>
/// An error that a user can act upon. The message never holds a password or a literal from a query, and names that it speaks of
/// are visible text.
/// </summary>
public sealed class PerfMonitoringException : Exception
{
    // An argument or a name may be of any length.
    private const int LongestMessage = 1500;

    /// <summary>Makes an error with a stable id.</summary>
    /// <param name="errorId">Stable id in PascalCase, for <c>FullyQualifiedErrorId</c>.</param>
    /// <param name="kind">What kind of thing went wrong.</param>
    /// <param name="message">What went wrong, naming the argument or object.</param>
    /// <param name="remedy">The way out, or null where none is known.</param>
    /// <param name="target">The object that the error speaks of, or null.</param>
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

    /// <summary>What kind of thing went wrong.</summary>
    public FailureKind Kind { get; }

    /// <summary>The way out, or null where none is known.</summary>
    public string? Remedy { get; }

    /// <summary>The object that the error speaks of, or null.</summary>
    public object? Subject { get; }

    /// <summary>The same error with another way out.</summary>
    public PerfMonitoringException WithRemedy(string remedy) => new(ErrorId, Kind, Message, remedy, Subject, InnerException);
}
