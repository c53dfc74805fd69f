using System.Text;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>
/// The settings that our statements rely on. A server, a database, a role, a service or whoever used a pooler's connection before
/// may have set others: another search path gives operators and functions of strangers to our statements, a short timeout ends
/// them.
/// </summary>
internal static class SessionSettings
{
    /// <summary>
    /// The search path of our statements: the system's names only. Temporary objects come last, so they hide nothing.
    /// </summary>
    public const string SearchPath = "pg_catalog, pg_temp";

    // Each setting may be set by any role; it takes effect from the given server_version_num on.
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
        ("client_encoding", "UTF8", 0),
        // The order of day and month in what a user writes stays the user's.
        ("DateStyle", "ISO", 0),
        ("IntervalStyle", "postgres", 0),
        ("bytea_output", "hex", 0),
        ("extra_float_digits", "1", 0),
        ("default_transaction_isolation", "read committed", 0),
        ("default_transaction_read_only", "off", 0),
        ("default_transaction_deferrable", "off", 0),
        ("statement_timeout", "0", 0),
        ("lock_timeout", "0", 0),
        // The end of what a client left open whose network went away: its locks would stay. It is far above the longest pause
        // between two statements.
        ("idle_in_transaction_session_timeout", "1h", 0),
        ("idle_session_timeout", "0", 140000),
        ("transaction_timeout", "0", 170000),
    ];

    // How a server notices that a client is gone, instead of after two hours; it is a matter of the connection and not of a
    // transaction.
    private static readonly (string Name, string Value, int Since)[] OfConnection =
    [
        ("tcp_keepalives_idle", "30", 0),
        ("tcp_keepalives_interval", "10", 0),
        ("tcp_keepalives_count", "3", 0),
    ];

    /// <summary>
    /// The startup parameter <c>options</c>. What it sets outranks the database's and the role's settings and is what a reset of
    /// the session goes back to.
    /// </summary>
    /// <param name="own">The user's own options: only the role that they choose outlasts ours.</param>
    /// <param name="serverVersionNumber">server_version_num.</param>
    public static string ToOptions(string? own, int serverVersionNumber)
    {
        var settings = For(serverVersionNumber).Concat(OfConnection).Select(s => $"-c {s.Name}={Escape(s.Value)}").ToList();
        return string.Join(' ', own is null ? settings : [settings[0], own, .. settings.Skip(1)]);
    }

    /// <summary>
    /// One statement that sets all of them until the end of the transaction, for a connection that is not ours alone.
    /// </summary>
    public static string ToStatement(int serverVersionNumber)
    {
        var settings = For(serverVersionNumber).Select(s => $"pg_catalog.set_config('{s.Name}', '{s.Value}', true)");
        return $"select {Sql.Marker} {string.Join(", ", settings)}";
    }

    private static IEnumerable<(string Name, string Value, int Since)> For(int serverVersionNumber) =>
        All.Where(s => s.Since <= serverVersionNumber);

    // postgres.c, pg_split_opts: white space ends an argument unless a backslash stands before it.
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
