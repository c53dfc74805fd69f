using System.Data;
using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>Translates every failure of the server or the network into an error that a user can act upon.</summary>
internal static class Failures
{
    /// <summary>SQLSTATE of a session that the server ended because it was idle for too long (PostgreSQL 14).</summary>
    public const string IdleSessionTimeout = "57P05";

    /// <summary>
    /// Returns the translation; null if the exception is not a failure of the server (a bug stays a bug, a cancellation a
    /// cancellation).
    /// </summary>
    public static Exception? TryTranslate(Exception exception, string address, CancellationToken cancellationToken) =>
        exception switch
    {
        PerfMonitoringException => null,
        OperationCanceledException => null,
        // Npgsql reports a cancelled statement as an error of the server.
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } when cancellationToken.IsCancellationRequested =>
            new OperationCanceledException(
                "The statement was cancelled.", ServerText.WithoutValues((PostgresException)exception), cancellationToken),
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName } server
            when server.MessageText.Contains("perf_monitoring", StringComparison.Ordinal) =>
                StoreMissing(address, ServerText.WithoutValues(server)),
        PostgresException server => FromServer(ServerText.WithoutValues(server), address),
        // Each of several hosts fails separately. The server's own error and our check of its certificate are the most specific.
        NpgsqlException or AggregateException when Cause(exception) is { } cause =>
            cause is PerfMonitoringException ? cause : TryTranslate(cause, address, cancellationToken),
        NpgsqlException { InnerException: TimeoutException }
            when exception.Message.Contains("connection pool has been exhausted", StringComparison.Ordinal) =>
                New(ErrorIds.TooManyConnections, FailureKind.Busy, $"All connections of this session to {address} are in use.",
                    "Wait for what runs in it, or raise Maximum Pool Size in -ConnectionString (at most 10 are used).", address,
                    exception),
        // The server is busy, gone or behind a network that drops every packet. A pipeline must not wait for it for every object.
        NpgsqlException { InnerException: TimeoutException } or TimeoutException => New(
            ErrorIds.NoAnswer, FailureKind.ConnectionFailed, $"{address} did not answer in time.",
            "Check that the server runs and the network lets its answers through; where it is only slow, raise "
                + "Connect-PerfMonitoring -CommandTimeout.",
            address, exception),
        // Dapper and the driver can meet the end of the connection in the middle of a value.
        DataException { InnerException: { } inner } => TryTranslate(inner, address, cancellationToken),
        NpgsqlException when exception.Message.Contains("No SSL enabled connection", StringComparison.Ordinal) => New(
            ErrorIds.TlsNotOffered, FailureKind.ConnectionFailed, $"{address} offers no TLS, and the SSL mode demands it.",
            "Switch it on at the server (ssl = on in postgresql.conf, with a certificate), or choose a weaker mode: -SslMode "
                + "prefer.", address, exception),
        NpgsqlException when exception.Message.StartsWith("No password has been provided", StringComparison.Ordinal) => New(
            ErrorIds.AuthenticationFailed, FailureKind.PermissionDenied, $"{address} asks for a password, and there is none.",
            "Pass -Credential, or set PGPASSWORD or a pgpass file (its first line that fits host, port, database and user "
                + "counts).", address, exception),
        NpgsqlException { InnerException: AuthenticationException } => New(
            ErrorIds.TlsFailed, FailureKind.ConnectionFailed, $"{address}: the TLS handshake failed: {Innermost(exception)}",
            "Check that both sides speak a common version (ssl_min_protocol_version) and that the server knows the issuer of "
                + "the client's certificate (sslcert, sslkey).",
            address, exception),
        NpgsqlException or SocketException or System.IO.IOException or ObjectDisposedException => new PerfMonitoringException(
            ErrorIds.ConnectionFailed, FailureKind.ConnectionFailed, $"{address} cannot be reached: {Innermost(exception)}",
            "Check host name, port, firewall and pg_hba.conf, and that the server runs; then run Connect-PerfMonitoring again.",
            address, exception),
        _ => null,
    };

    /// <summary>The error for a server that did not let a session begin within the limit.</summary>
    public static PerfMonitoringException NotConnectedInTime(string address, Exception inner) => New(
        ErrorIds.NoAnswer, FailureKind.ConnectionFailed, $"{address} did not answer in time.",
        "Check that the server runs and the network lets its answers through; where it is only slow, raise "
            + "Connect-PerfMonitoring -ConnectTimeout.", address, inner);

    private static PerfMonitoringException FromServer(PostgresException e, string address) => e.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => New(
            ErrorIds.AuthenticationFailed, FailureKind.PermissionDenied, $"{address} refused the login: {e.MessageText}.",
            "Pass -Credential, or set PGPASSWORD or a pgpass file; check pg_hba.conf.", address, e),
        PostgresErrorCodes.InvalidCatalogName => New(
            ErrorIds.DatabaseNotFound, FailureKind.NotFound, $"{address}: {e.MessageText}.",
            "Check -Database; for the store -StoreDatabase.", address, e),
        PostgresErrorCodes.InsufficientPrivilege => New(
            ErrorIds.PermissionDenied, FailureKind.PermissionDenied, $"{address}: {e.MessageText}.",
            "Test-PerfMonitoringPrerequisite lists the rights that are needed and the statements that grant them.", address, e),
        PostgresErrorCodes.QueryCanceled => New(
            ErrorIds.StatementTimeout, FailureKind.Timeout, $"{address}: {e.MessageText}.",
            "Raise statement_timeout for this role.", address, e),
        PostgresErrorCodes.LockNotAvailable => New(
            ErrorIds.LockTimeout, FailureKind.Busy, $"{address}: {e.MessageText}.",
            "Somebody else holds a lock; try again later.", address, e),
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
            or IdleSessionTimeout => New(
                ErrorIds.ConnectionFailed, FailureKind.ConnectionFailed, $"{address}: {e.MessageText}.",
                "Wait until the server is up again.", address, e),
        PostgresErrorCodes.ReadOnlySqlTransaction => New(
            ErrorIds.ReadOnly, FailureKind.NotSupported, $"{address}: {e.MessageText}.",
            "It is a standby or read-only: connect to the primary, or keep the store elsewhere (Connect-PerfMonitoring "
                + "-StoreHostName).", address, e),
        PostgresErrorCodes.ProtocolViolation
            when e.MessageText.StartsWith("unsupported startup parameter", StringComparison.Ordinal) => Pooled(address, e),
        // Wildcards are the only source of regular expressions that reach a server.
        PostgresErrorCodes.InvalidRegularExpression => New(
            ErrorIds.InvalidPattern, FailureKind.InvalidArgument,
            $"{address} cannot use a pattern with wildcards: {e.MessageText}.",
            "Check -Like, -ExcludeLike, -Database and -User: a range such as [a-z] goes upwards, and a backtick stands before "
                + "what is no wildcard.", address, e),
        PostgresErrorCodes.TooManyConnections => New(
            ErrorIds.TooManyConnections, FailureKind.Busy, $"{address}: {e.MessageText}.", "Wait, or raise max_connections.",
            address, e),
        _ => New(
            ErrorIds.ServerError, FailureKind.ServerError, $"{address}: {e.MessageText} (SQLSTATE {e.SqlState}).", null, address,
            e),
    };

    /// <summary>The error for a missing store.</summary>
    public static PerfMonitoringException StoreMissing(string address, Exception? inner) => New(
        ErrorIds.StoreMissing, FailureKind.NotInstalled,
        $"{address} has no PerfMonitoring store for this database, or an older one.", "Run Initialize-PerfMonitoringStore.",
        address, inner);

    /// <summary>The error for a missing store of a copy of a database.</summary>
    public static PerfMonitoringException StoreMissing(string address, string? note) => New(
        ErrorIds.StoreMissing, FailureKind.NotInstalled,
        $"{address} has no PerfMonitoring store for this database, or an older one.{(note is null ? "" : " " + note)}",
        "Run Initialize-PerfMonitoringStore.", address, null);

    /// <summary>The error for a failed statement on the store. A server without free disk space has a separate error.</summary>
    public static Exception OfStore(Exception failure, string address) => failure.InnerException switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull or PostgresErrorCodes.IoError } e => New(
            ErrorIds.StoreFull, FailureKind.ServerError, $"The store in {address} takes nothing more: {e.MessageText}.",
            "Free space on the server's disk, remove old rows (Clear-QueryPerformanceLog -Before), or keep the store "
                + "elsewhere (Connect-PerfMonitoring -StoreHostName).",
            address, failure.InnerException),
        PostgresException { SqlState: PostgresErrorCodes.OutOfMemory } e => New(
            ErrorIds.StoreFull, FailureKind.ServerError, $"The store in {address} has no memory left: {e.MessageText}.",
            "Try again when the server is less busy, give it more memory, or keep the store elsewhere (Connect-PerfMonitoring "
                + "-StoreHostName).",
            address, failure.InnerException),
        _ => failure,
    };

    /// <summary>The error for work that needs a dedicated session behind a pooler.</summary>
    public static PerfMonitoringException Pooled(string address, Exception? inner = null) => New(
        ErrorIds.PooledConnection, FailureKind.NotSupported,
        $"{address} is reached through a connection pooler, and this needs a session of its own (locks, hypothetical indexes, "
            + $"CREATE INDEX CONCURRENTLY).",
        "Connect to the server itself: give Connect-PerfMonitoring its own -HostName and -Port, not the pooler's.", address,
        inner);

    private static PerfMonitoringException New(
        string id, FailureKind kind, string message, string? remedy, string address, Exception? inner) =>
            new(id, kind, message, remedy, address, inner);

    private static Exception? Cause(Exception exception)
    {
        var causes = exception is AggregateException several
            ? several.Flatten().InnerExceptions : exception.InnerException is { } inner ? [inner] : (IReadOnlyList<Exception>)[];
        var all = causes.SelectMany(c => (Exception?[])[c, Cause(c)]).OfType<Exception>().ToList();
        return all.Find(c => c is PerfMonitoringException) ?? all.Find(c => c is PostgresException);
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }

        return e.Message;
    }
}
