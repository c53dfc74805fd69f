namespace PerfMonitoring.Changes;

/// <summary>What the server says of a table and of its own state before a build; null where it does not know or tell.</summary>
public sealed record BuildFacts
{
    /// <summary>Whether the server is a standby.</summary>
    public bool IsStandby { get; init; }

    /// <summary>Whether the role owns the table, or is a member of the role that does.</summary>
    public bool IsOwner { get; init; } = true;

    /// <summary>The role that builds, as the server calls it.</summary>
    public string RoleName { get; init; } = "";

    /// <summary>
    /// Whether the role may make something in the table's schema; owning the table does not include that (CREATE, by default
    /// missing from PostgreSQL 15 on in public).
    /// </summary>
    public bool CanCreateInSchema { get; init; } = true;

    /// <summary>The tablespace that the index goes to; null where that is the database's own.</summary>
    public string? Tablespace { get; init; }

    /// <summary>Whether there is that tablespace.</summary>
    public bool HasTablespace { get; init; } = true;

    /// <summary>Whether the role may make something in it.</summary>
    public bool CanCreateInTablespace { get; init; } = true;

    /// <summary>The most columns that an index may have, keys and INCLUDE together.</summary>
    public int MaximumColumns { get; init; } = 32;

    /// <summary>
    /// How many sessions the server, the database and the role have left for this role, the least of the three; null where
    /// nothing limits them.
    /// </summary>
    public int? SessionsLeft { get; init; }

    /// <summary>Event triggers that run on CREATE INDEX and may refuse it.</summary>
    public IReadOnlyList<string> EventTriggers { get; init; } = [];

    /// <summary>Partitions that are foreign tables, which take no index.</summary>
    public IReadOnlyList<string> ForeignPartitions { get; init; } = [];

    /// <summary>
    /// Whether the role may see what other sessions do (pg_read_all_stats); where not, what is said of them is incomplete.
    /// </summary>
    public bool SeesOthers { get; init; } = true;

    /// <summary>
    /// Sessions that hold a snapshot in the database, or have written to the table, for more than a second, oldest first.
    /// </summary>
    public IReadOnlyList<IndexCreationBlocker> OlderTransactions { get; init; } = [];

    /// <summary>Names of the prepared transactions that have written to the table.</summary>
    public IReadOnlyList<string> PreparedTransactions { get; init; } = [];

    /// <summary>Whether autovacuum works on the table.</summary>
    public bool HasAutovacuum { get; init; }

    /// <summary>Whether it does so to prevent wraparound of transaction ids, which nobody may cancel.</summary>
    public bool IsWraparound { get; init; }

    /// <summary>Builds of other sessions in the database, in words.</summary>
    public IReadOnlyList<string> OtherBuilds { get; init; } = [];

    /// <summary>The indexes that are being built.</summary>
    public IReadOnlyList<uint> IndexesBeingBuilt { get; init; } = [];

    /// <summary>Client sessions that run a statement at this moment, this one left out.</summary>
    public int? ActiveSessions { get; init; }

    /// <summary>How many standbys receive the server's log, or have a slot that waits for them.</summary>
    public int Standbys { get; init; }

    /// <summary>
    /// How far the last of them is behind in replaying (pg_stat_replication.replay_lag); null where one does not tell.
    /// </summary>
    public TimeSpan? ReplicationLag { get; init; }

    /// <summary>
    /// Free space in bytes where the index would be; known only where the server runs on this machine and tells its directory.
    /// </summary>
    public long? FreeDiskBytes { get; init; }
}
