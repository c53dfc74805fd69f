using System.Text.RegularExpressions;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// libpq's connection parameters (manual, 34.1.2), the variable that provides each, and those that this module does not support.
/// </summary>
internal static partial class LibpqKeyword
{
    private static readonly Dictionary<string, string?> Variables = new(StringComparer.Ordinal)
    {
        ["service"] = "PGSERVICE",
        ["servicefile"] = "PGSERVICEFILE",
        ["user"] = "PGUSER",
        ["password"] = "PGPASSWORD",
        ["passfile"] = "PGPASSFILE",
        ["channel_binding"] = "PGCHANNELBINDING",
        ["connect_timeout"] = "PGCONNECT_TIMEOUT",
        ["dbname"] = "PGDATABASE",
        ["host"] = "PGHOST",
        ["hostaddr"] = "PGHOSTADDR",
        ["port"] = "PGPORT",
        ["client_encoding"] = "PGCLIENTENCODING",
        ["options"] = "PGOPTIONS",
        ["application_name"] = "PGAPPNAME",
        ["fallback_application_name"] = null,
        ["keepalives"] = null,
        ["keepalives_idle"] = null,
        ["keepalives_interval"] = null,
        ["keepalives_count"] = null,
        ["tcp_user_timeout"] = null,
        ["sslmode"] = "PGSSLMODE",
        ["sslnegotiation"] = "PGSSLNEGOTIATION",
        ["sslcompression"] = "PGSSLCOMPRESSION",
        ["sslcert"] = "PGSSLCERT",
        ["sslkey"] = "PGSSLKEY",
        ["sslcertmode"] = "PGSSLCERTMODE",
        ["sslpassword"] = null,
        ["sslrootcert"] = "PGSSLROOTCERT",
        ["sslcrl"] = "PGSSLCRL",
        ["sslcrldir"] = "PGSSLCRLDIR",
        ["sslsni"] = "PGSSLSNI",
        ["requiressl"] = "PGREQUIRESSL",
        ["requirepeer"] = "PGREQUIREPEER",
        ["require_auth"] = "PGREQUIREAUTH",
        ["ssl_min_protocol_version"] = "PGSSLMINPROTOCOLVERSION",
        ["ssl_max_protocol_version"] = "PGSSLMAXPROTOCOLVERSION",
        ["min_protocol_version"] = "PGMINPROTOCOLVERSION",
        ["max_protocol_version"] = "PGMAXPROTOCOLVERSION",
        ["gssencmode"] = "PGGSSENCMODE",
        ["krbsrvname"] = "PGKRBSRVNAME",
        ["gsslib"] = "PGGSSLIB",
        ["gssdelegation"] = "PGGSSDELEGATION",
        ["replication"] = null,
        ["target_session_attrs"] = "PGTARGETSESSIONATTRS",
        ["load_balance_hosts"] = "PGLOADBALANCEHOSTS",
        ["scram_client_key"] = null,
        ["scram_server_key"] = null,
        ["sslkeylogfile"] = null,
        ["oauth_issuer"] = null,
        ["oauth_client_id"] = null,
        ["oauth_client_secret"] = null,
        ["oauth_scope"] = null,
    };

    // A setting that the user relies on and that is not supported is refused. The value that switches it off is accepted.
    private static readonly Dictionary<string, (string[] Harmless, string Why)> Unsupported = new(StringComparer.Ordinal)
    {
        ["sslcertmode"] = (["allow", "disable"], "whether the server asked for a certificate is not known here"),
        ["sslcrl"] = (
            [], "lists of revoked certificates in files are not read; Npgsql's \"Check Certificate Revocation=true\" asks the "
                + "issuer"),
        ["sslcrldir"] = (
            [], "lists of revoked certificates in files are not read; Npgsql's \"Check Certificate Revocation=true\" asks the "
                + "issuer"),
        ["requirepeer"] = ([], "the owner of the server's process is not known here"),
        ["min_protocol_version"] = (["3.0"], "the protocol's version is 3.0"),
        ["max_protocol_version"] = (["3.0", "3.2", "latest"], "the protocol's version is 3.0"),
        ["gsslib"] = (["sspi", "gssapi"], "the library is that of the operating system"),
        ["gssdelegation"] = (["0"], "Kerberos credentials are not handed on"),
        ["replication"] = (["0", "false", "off", "no"], "a replication connection runs no queries"),
        ["load_balance_hosts"] = (["disable"], "a session stays with one server"),
        ["scram_client_key"] = ([], "only passwords are taken"),
        ["scram_server_key"] = ([], "only passwords are taken"),
        ["sslkeylogfile"] = ([], "TLS keys are written nowhere"),
        ["oauth_issuer"] = ([], "OAuth is not spoken"),
        ["oauth_client_id"] = ([], "OAuth is not spoken"),
        ["oauth_client_secret"] = ([], "OAuth is not spoken"),
        ["oauth_scope"] = ([], "OAuth is not spoken"),
    };

    /// <summary>Keywords that have a variable, with that variable.</summary>
    public static IEnumerable<(string Keyword, string Variable)> FromEnvironment =>
        Variables.Where(v => v.Value is not null).Select(v => (v.Key, v.Value!));

    public static bool IsKnown(string keyword) => Variables.ContainsKey(keyword);

    /// <summary>The reason why a keyword with this value is not supported, or null.</summary>
    public static string? WhyNot(string keyword, string value) =>
        value.Length > 0 && Unsupported.TryGetValue(keyword, out var refused)
            && !refused.Harmless.Contains(value, StringComparer.Ordinal) ? refused.Why : null;

    /// <summary>The error for a word that is not a keyword.</summary>
    /// <param name="keyword">The word.</param>
    /// <param name="before">The keyword before it. The word after a secret may be the rest of it, and is not repeated.</param>
    /// <param name="origin">The source of the word.</param>
    public static PerfMonitoringException Unknown(string keyword, string? before, string origin)
    {
        var isShown = Word().IsMatch(keyword) && !IsSecret(before);
        return new PerfMonitoringException(
            ErrorIds.InvalidConnectionString, FailureKind.InvalidArgument,
            isShown ? $"{origin} has the keyword '{keyword}', which neither libpq nor Npgsql has."
                : $"{origin} has a word where a keyword should be.",
            before is not null && IsSecret(before)
                ? $"Put the value of {before} in single quotes (keyword=value), write it with %XX (URI), or pass -Credential."
                : "The keywords are those of libpq (host, port, dbname, user, sslmode ...) or Npgsql's (Host, Port, Database, "
                    + "Username, SSL Mode ...).",
            origin);
    }

    private static bool IsSecret(string? keyword) => keyword is not null && Secret().IsMatch(keyword);

    [GeneratedRegex("^[A-Za-z][A-Za-z_ ]{0,40}$")]
    private static partial Regex Word();

    [GeneratedRegex("pass|pwd|psw|secret|key", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();
}
