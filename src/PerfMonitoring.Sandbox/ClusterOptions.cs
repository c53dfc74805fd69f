namespace PerfMonitoring.Sandbox;

/// <summary>What a throwaway cluster should be like.</summary>
public sealed record ClusterOptions
{
    /// <summary>
    /// The programs to use; the newest installation that <see cref="PostgresInstallation.Find"/> knows when null.
    /// </summary>
    public PostgresInstallation? Installation { get; init; }

    /// <summary>
    /// Whether logging in takes a password (scram-sha-256, made up at random, see <see cref="PostgresCluster.Password"/>).
    /// Otherwise loopback is trusted.
    /// </summary>
    public bool RequirePassword { get; init; }

    /// <summary>Whether pg_stat_statements and auto_explain are preloaded where the installation has them.</summary>
    public bool PreloadExtensions { get; init; } = true;

    /// <summary>Settings for postgresql.conf, stronger than the sandbox's own. Values are plain text; quotes are added.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
