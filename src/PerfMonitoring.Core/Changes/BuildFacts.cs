namespace PerfMonitoring.Changes;

/// <summary>Facts about a table and the server before a build; null where the server does not know or tell.</summary>
public sealed record BuildFacts
{
    /// <summary>Whether the server is a standby.</summary>
    public bool IsStandby { get; init; }

    /// <summary>Whether the role owns the table, or is a member of the role that does.</summary>
    public bool IsOwner { get; init; } = true;

    /// <summary>The role that builds, by its name on the server.</summary>
    public string RoleName { get; init; } = "";

    /// <summary>
    /// Whether the role may create objects in the table's schema. Ownership of the table does not include that right (CREATE,
    /// missing by default in public from PostgreSQL 15 on).
    /// </summary>
    public bool CanCreateInSchema { get; init; } = true;

    /// <summary>The tablespace of the index; null for the default of the database.</summary>
    public string? Tablespace { get; init; }

    /// <summary>Whether the tablespace exists.</summary>
    public bool HasTablespace { get; init; } = true;

    /// <summary>Whether the role may create objects in the tablespace.</summary>
    public bool CanCreateInTablespace { get; init; } = true;

    /// <summary>The most columns of an index, keys and INCLUDE columns together.</summary>
    public int MaximumColumns { get; init; } = 32;

    /// <summary>
    /// Number of free sessions for the role: the least of the limits of the server, the database and the role; null where nothing
    /// limits them.
    /// </summary>
    public int? SessionsLeft { get; init; }

    /// <summary>Event triggers that run on CREATE INDEX and may refuse it.</summary>
    public IReadOnlyList<string> EventTriggers { get; init; } = [];

    /// <summary>Partitions that are foreign tables, which cannot have an index.</summary>
    public IReadOnlyList<string> ForeignPartitions { get; init; } = [];

    /// <summary>
    /// Whether the role may see the activity of other sessions (pg_read_all_stats); if not, the facts about them are incomplete.
    /// </summary>
    public bool SeesOthers { get; init; } = true;

    /// <summary>
    /// Sessions that have held a snapshot in the database, or have written to the table, for more than a second; the oldest
    /// first.
    /// </summary>
    public IReadOnlyList<BlockingSession> OlderTransactions { get; init; } = [];

    /// <summary>Names of the prepared transactions that have written to the table.</summary>
    public IReadOnlyList<string> PreparedTransactions { get; init; } = [];

    /// <summary>Whether autovacuum is working on the table.</summary>
    public bool HasAutovacuum { get; init; }

    /// <summary>Whether that autovacuum prevents wraparound of transaction ids, so nobody may cancel it.</summary>
    public bool IsWraparound { get; init; }

    /// <summary>Builds of other sessions in the database, as text.</summary>
    public IReadOnlyList<string> OtherBuilds { get; init; } = [];

    /// <summary>The indexes that are being built, by object identifier.</summary>
    public IReadOnlyList<uint> IndexesBeingBuilt { get; init; } = [];

    /// <summary>Number of client sessions that are running a statement, without this session.</summary>
    public int? ActiveSessions { get; init; }

    /// <summary>Number of standbys that receive the server's WAL or have a replication slot.</summary>
    public int Standbys { get; init; }

    /// <summary>Largest replay lag of a standby (pg_stat_replication.replay_lag); null where a standby does not tell.</summary>
    public TimeSpan? ReplicationLag { get; init; }

    /// <summary>
    /// Free space on the disk of the index, in bytes; known only where the server runs on this machine and tells its directory.
    /// </summary>
    public long? FreeDiskBytes { get; init; }
}
