using System.Text;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// The settings that our statements rely on. A server, a database, a role, a service or the previous client of a pooler's
/// connection may have set others. A foreign search path makes our statements call operators and functions of strangers; a short
/// timeout ends our statements.
/// </summary>
internal static class SessionSettings
{
    /// <summary>
    /// The search path of our statements: only the system's names. Temporary objects come last, so they hide nothing.
    /// </summary>
    public const string SearchPath = "pg_catalog, pg_temp";

    // Any role may set each of these settings. A setting applies from the given server_version_num on.
    private static readonly (string Name, string Value, int Since)[] All =
    [
        ("role", "none", 0),
        ("search_path", SearchPath, 0),
        ("row_security", "on", 0),
        ("standard_conforming_strings", "on", 0),
        ("backslash_quote", "safe_encoding", 0),
        ("array_nulls", "on", 0),
        ("transform_null_equals", "off", 0),
        ("quote_all_identifiers", "off", 0),
        // The order of day and month in the user's input stays as the user set it.
        ("DateStyle", "ISO", 0),
        ("IntervalStyle", "postgres", 0),
        ("bytea_output", "hex", 0),
        ("extra_float_digits", "1", 0),
        ("default_transaction_isolation", "read committed", 0),
        ("default_transaction_read_only", "off", 0),
        ("default_transaction_deferrable", "off", 0),
        // The server's refusal is an answer that the module reads, so it must not end the session.
        ("exit_on_error", "off", 0),
        ("statement_timeout", "0", 0),
        ("lock_timeout", "0", 0),
        // Ends a transaction that a client left open when its network failed; its locks would stay. The value is far above the
        // longest pause between two statements.
        ("idle_in_transaction_session_timeout", "1h", 0),
        ("idle_session_timeout", "0", 140000),
        ("transaction_timeout", "0", 170000),
    ];

    // The server detects a lost client by these, instead of after two hours. They belong to a connection and not to a
    // transaction.
    private static readonly (string Name, string Value, int Since)[] OfConnection =
    [
        ("tcp_keepalives_idle", "30", 0),
        ("tcp_keepalives_interval", "10", 0),
        ("tcp_keepalives_count", "3", 0),
    ];

    /// <summary>
    /// The startup parameter <c>options</c>. Its values outrank the settings of the database and the role, and a reset of the
    /// session returns to them.
    /// </summary>
    /// <param name="own">The user's own options. If both contain the same setting, ours wins, except for the role.</param>
    /// <param name="serverVersionNumber">server_version_num.</param>
    public static string ToOptions(string? own, int serverVersionNumber)
    {
        var settings = For(serverVersionNumber).Concat(OfConnection).Select(s => $"-c {s.Name}={Escape(s.Value)}").ToList();
        return string.Join(' ', own is null ? settings : [settings[0], own, .. settings.Skip(1)]);
    }

    /// <summary>
    /// The statements that set all of them until the end of the transaction, for a connection that other clients use too.
    /// </summary>
    /// <param name="serverVersionNumber">server_version_num.</param>
    /// <param name="clientEncoding">The encoding of the connection, see <see cref="ClientEncoding"/>.</param>
    /// <param name="isStandby">Whether the server is a standby, which refuses to begin what may write.</param>
    public static IReadOnlyList<string> ToStatements(int serverVersionNumber, string clientEncoding, bool isStandby)
    {
        var settings = For(serverVersionNumber).Select(s => (s.Name, s.Value)).Append(("client_encoding", clientEncoding))
            .Select(s => $"pg_catalog.set_config('{s.Item1}', '{s.Item2}', true)");
        var all = $"select {Sql.Marker} {string.Join(", ", settings)}";
        // default_transaction_read_only is too late for a transaction that has begun.
        return isStandby ? [all] : ["set transaction read write", all];
    }

    /// <summary>
    /// The encoding in which the server sends texts. An SQL_ASCII database holds bytes of any encoding, and the server refuses to
    /// send those that are not UTF-8 as UTF-8; it sends them unchanged to a client of the same encoding. The driver asks for the
    /// encoding when it connects, so it is not among the options.
    /// </summary>
    /// <param name="serverEncoding">The encoding of the database.</param>
    public static string ClientEncoding(string serverEncoding) => serverEncoding == "SQL_ASCII" ? serverEncoding : "UTF8";

    private static IEnumerable<(string Name, string Value, int Since)> For(int serverVersionNumber) =>
        All.Where(s => s.Since <= serverVersionNumber);

    // postgres.c, pg_split_opts: white space ends an argument unless a backslash precedes it.
    private static string Escape(string value)
    {
        var result = new StringBuilder(value.Length + 4);
        foreach (var character in value)
        {
            result.Append(character is ' ' or '\\' ? "\\" : "").Append(character);
        }

        return result.ToString();
    }
}
