namespace PerfMonitoring.Sandbox;

/// <summary>The properties of a throwaway cluster.</summary>
public sealed record ClusterOptions
{
    /// <summary>
    /// The programs to use; null for the newest installation that <see cref="PostgresInstallation.Find"/> finds.
    /// </summary>
    public PostgresInstallation? Installation { get; init; }

    /// <summary>
    /// Whether a login needs a password (scram-sha-256; random, see <see cref="PostgresCluster.Password"/>). Otherwise loopback
    /// is trusted.
    /// </summary>
    public bool RequirePassword { get; init; }

    /// <summary>Whether pg_stat_statements and auto_explain are preloaded if the installation has them.</summary>
    public bool PreloadExtensions { get; init; } = true;

    /// <summary>
    /// Settings for postgresql.conf, which override the sandbox's own. Values are plain text; quotes are added.
    /// </summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
