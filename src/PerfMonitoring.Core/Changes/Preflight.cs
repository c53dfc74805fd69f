using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Judges the facts of the server before a build.</summary>
/// <param name="strategy">The strategy to build.</param>
/// <param name="options">The limits.</param>
internal sealed class Preflight(IndexStrategy strategy, IndexCreationOptions options)
{
    // One for the statement, one for the lock and the progress, and one for other queries.
    private const int NeededSessions = 3;

    private const string UnknownLag =
        "How far a standby is behind is unknown: it has replayed nothing since it was last up to date, or is not connected to "
            + "its slot.";

    /// <summary>All findings, one for each check.</summary>
    /// <param name="facts">The facts of the server.</param>
    /// <param name="indexes">The indexes of the table.</param>
    /// <param name="window">The decision by the maintenance window.</param>
    /// <param name="sizeBytes">Expected size; null where unknown.</param>
    /// <param name="grownBytes">Bytes that this run has added or will add to the database.</param>
    /// <param name="leaves">Number of partitions with rows; 0 for a table that is not partitioned.</param>
    /// <param name="ofLeaves">The indexes of the partitions.</param>
    /// <param name="entry">The entry limit of the index; null where it is not checked.</param>
    public IReadOnlyList<IndexPreflight> Judge(
        BuildFacts facts, IReadOnlyList<TableIndex> indexes, WindowDecision window, long? sizeBytes, long grownBytes,
        int leaves = 0,
        IReadOnlyList<TableIndex>? ofLeaves = null, EntryLimit? entry = null)
    {
        return
        [
            window.IsOpen
                ? Ok(PreflightCheck.MaintenanceWindow,
                    options.Force ? "Maintenance windows are not looked at (-Force)." : $"{strategy.MaintenanceWindow}: open.")
                : options.WaitForWindow && window.OpensAt is not null
                ? Warn(PreflightCheck.MaintenanceWindow, window.Reason!)
                : Block(PreflightCheck.MaintenanceWindow, window.Reason!),
            Privilege(facts),
            Definition(facts),
            Tablespace(facts),
            facts.SessionsLeft < NeededSessions
                ? Warn(PreflightCheck.Connection,
                    $"{Count(facts.SessionsLeft.Value, "session")} {(facts.SessionsLeft == 1 ? "is" : "are")} left for "
                        + $"{facts.RoleName}; a build needs {NeededSessions}: raise max_connections, or the CONNECTION LIMIT "
                        + $"of the database or the role.")
                : Ok(PreflightCheck.Connection, "Enough sessions are left."),
            facts.EventTriggers.Count > 0
                ? Warn(PreflightCheck.EventTrigger,
                    $"{Count(facts.EventTriggers.Count, "event trigger")} may refuse CREATE INDEX: "
                        + $"{string.Join(", ", facts.EventTriggers)}.")
                : Ok(PreflightCheck.EventTrigger, "None runs on CREATE INDEX."),
            Existing(indexes, facts, leaves, ofLeaves ?? []),
            Entries(entry),
            Growth(sizeBytes, grownBytes),
            Disk(sizeBytes, facts.FreeDiskBytes),
            Transactions(facts),
            facts.PreparedTransactions.Count == 0
                ? Ok(PreflightCheck.PreparedTransaction, "None has written to the table.")
                : Block(
                    PreflightCheck.PreparedTransaction,
                    $"The build would wait for {Count(facts.PreparedTransactions.Count, "prepared transaction")}, which end "
                        + $"only with COMMIT PREPARED or ROLLBACK PREPARED: {string.Join(", ", facts.PreparedTransactions)}."),
            Gate(PreflightCheck.Autovacuum, AutovacuumReason(facts), facts, "It does not work on the table."),
            facts.OtherBuilds.Count > 0
                ? Warn(PreflightCheck.OtherBuild, $"Others build in this database: {string.Join(", ", facts.OtherBuilds)}.")
                : facts.SeesOthers
                ? Ok(PreflightCheck.OtherBuild, "Nobody else builds in this database.") : Unseen(PreflightCheck.OtherBuild),
            facts is { SeesOthers: true, Standbys: > 0, ReplicationLag: null }
                ? Warn(PreflightCheck.ReplicationLag, LagReason(facts) ?? UnknownLag)
                : Gate(PreflightCheck.ReplicationLag, LagReason(facts), facts,
                    facts.Standbys == 0
                    ? "No standby is connected."
                    : $"{Count(facts.Standbys, "standby", "standbys")}, {facts.ReplicationLag} behind."),
            Gate(PreflightCheck.ActiveSession, SessionReason(facts), facts, $"{facts.ActiveSessions} active."),
        ];
    }

    /// <summary>
    /// The reason why the load does not allow the build to start, or null. An unknown load prevents a build only where a limit is
    /// set.
    /// </summary>
    public string? LoadReason(BuildFacts facts) =>
        AutovacuumReason(facts) ?? LagReason(facts) ?? SessionReason(facts);

    // A build that waits for the lock on the table makes the server cancel autovacuum (deadlock_timeout), so it does not even
    // start to wait.
    private string? AutovacuumReason(BuildFacts facts) =>
        facts.HasAutovacuum && (facts.IsWraparound || !options.CancelAutovacuum)
            ? facts.IsWraparound
                ? "Autovacuum works on the table to prevent wraparound; nobody may cancel that."
                : "Autovacuum works on the table, and the build would cancel it; -CancelAutovacuum allows that."
            : null;

    private string? LagReason(BuildFacts facts) =>
        options.MaximumReplicationLag is not { } limit || facts is { Standbys: 0, SeesOthers: true }
        ? null
        : facts.ReplicationLag is not { } lag
            ? (facts.SeesOthers ? UnknownLag : "How far standbys are behind cannot be seen: the role needs pg_read_all_stats.")
                + $" -MaximumReplicationLag is {limit}."
            : lag > limit ? $"A standby is {lag} behind; -MaximumReplicationLag is {limit}." : null;

    private string? SessionReason(BuildFacts facts) => options.MaximumActiveSession is not { } limit
        ? null
        : !facts.SeesOthers || facts.ActiveSessions is not { } active
            ? $"How many sessions are active cannot be seen: the role needs pg_read_all_stats. -MaximumActiveSession is {limit}."
            : active > limit ? $"{active} sessions are active; -MaximumActiveSession is {limit}." : null;

    private IndexPreflight Gate(PreflightCheck check, string? reason, BuildFacts facts, string ok) =>
        reason is not null ? Warn(check, reason) : facts.SeesOthers ? Ok(check, ok) : Unseen(check);

    private IndexPreflight Privilege(BuildFacts facts) =>
        facts.IsStandby ? Block(PreflightCheck.Privilege, "The server is a standby: connect to the primary.")
        : !facts.IsOwner
        ? Block(PreflightCheck.Privilege,
        $"The role does not own {strategy.TableName}: connect as its owner, or as a member of that role.")
        : !facts.CanCreateInSchema ? Block(
            PreflightCheck.Privilege,
            $"{facts.RoleName} owns {strategy.TableName} and may make nothing in its schema: GRANT CREATE ON SCHEMA "
                + $"{Identifier.Quote(strategy.Definition.Table.Schema!)} TO {Identifier.Quote(facts.RoleName)};")
        : Ok(PreflightCheck.Privilege, "The role may make it.");

    private IndexPreflight Definition(BuildFacts facts)
    {
        var columns = strategy.Definition.Keys.Count + strategy.Definition.Include.Count;
        return columns > facts.MaximumColumns
                ? Block(PreflightCheck.Definition,
                    $"It has {columns} columns; PostgreSQL allows {facts.MaximumColumns}: leave some out.")
            : facts.ForeignPartitions.Count > 0
                ? Block(PreflightCheck.Definition,
                    $"{string.Join(", ", facts.ForeignPartitions)} "
                        + $"{(facts.ForeignPartitions.Count == 1 ? "is a foreign table" : "are foreign tables")}, which take "
                        + $"no index: make a strategy for each of the other partitions.")
            : Ok(PreflightCheck.Definition, "The table takes such an index.");
    }

    private IndexPreflight Tablespace(BuildFacts facts) => facts switch
    {
        { Tablespace: not { } } => Ok(PreflightCheck.Tablespace, "It goes to the database's own tablespace."),
        { HasTablespace: false } =>
            Block(PreflightCheck.Tablespace,
            $"There is no tablespace {facts.Tablespace}: make it, or give the strategy another."),
        { CanCreateInTablespace: false, Tablespace: "pg_global" } =>
            Block(PreflightCheck.Tablespace,
            "Only the server's own relations may be in pg_global: give the strategy another tablespace."),
        { CanCreateInTablespace: false } => Block(
            PreflightCheck.Tablespace,
            $"{facts.RoleName} may make nothing in tablespace {facts.Tablespace}: GRANT CREATE ON TABLESPACE "
                + $"{Identifier.Quote(facts.Tablespace)} TO {Identifier.Quote(facts.RoleName)};"),
        _ => Ok(PreflightCheck.Tablespace, $"It goes to tablespace {facts.Tablespace}."),
    };

    private IndexPreflight Existing(
        IReadOnlyList<TableIndex> indexes, BuildFacts facts, int leaves, IReadOnlyList<TableIndex> ofLeaves)
    {
        var wanted = strategy.Definition;
        var alike = indexes.Where(i => !i.IsExclusion && IndexEquality.IsWrittenAlike(i.Definition, wanted)).ToList();
        if (alike.Find(i => i is { IsValid: true, IsReady: true }) is { } equal)
        {
            return Warn(PreflightCheck.ExistingIndex, $"{equal.Definition.Name} does the same: nothing would be built.");
        }

        if (alike.Find(i => facts.IndexesBeingBuilt.Contains(i.Oid)) is { } building)
        {
            return Warn(
                PreflightCheck.ExistingIndex,
                $"{building.Definition.Name} does the same and is being built: that is waited for.");
        }

        if (alike.Find(i => !i.IsValid) is { } rest)
        {
            return rest.Definition.Name == wanted.Name
                ? Warn(PreflightCheck.ExistingIndex,
                    $"{rest.Definition.Name} is the invalid rest of an earlier build: it is dropped first.")
                : Warn(PreflightCheck.ExistingIndex,
                    $"{rest.Definition.Name} would do the same and is invalid: it stays beside the new one.");
        }

        if (ofLeaves.FirstOrDefault(
            i => facts.IndexesBeingBuilt.Contains(i.Oid) && IndexEquality.IsWrittenAlike(i.Definition, wanted)) is { } part)
        {
            return Warn(
                PreflightCheck.ExistingIndex,
                $"{part.Definition.Name} on {part.Definition.Table}, a partition, does the same and is being built: that is "
                    + $"waited for.");
        }

        if (FindServed(wanted, ofLeaves).Count is > 0 and var served)
        {
            return Warn(
                PreflightCheck.ExistingIndex,
                $"{served} of {Count(leaves, "partition")} {(served == 1 ? "has" : "have")} one that does the same: taken "
                    + $"over, and not built again.");
        }

        return indexes.FirstOrDefault(
            i => i is { IsValid: true, IsExclusion: false }
            && IndexCoverage.Covers(i.Definition, wanted with { Table = i.Definition.Table })) is { } wider
            ? Warn(PreflightCheck.ExistingIndex, $"{wider.Definition.Name} serves the same scans and may do as well.")
            : Ok(PreflightCheck.ExistingIndex, "No index does the same.");
    }

    /// <summary>The indexes of partitions that can be attached to a wanted index.</summary>
    /// <param name="wanted">The index of the partitioned table.</param>
    /// <param name="ofLeaves">The indexes of its partitions.</param>
    public static IReadOnlySet<uint> FindServed(IndexDefinition wanted, IEnumerable<TableIndex> ofLeaves) => ofLeaves
        .Where(i => i is { IsValid: true, IsReady: true, IsExclusion: false, IsAttached: false, ConstraintName: null }
            && i.Definition.IsUnique == wanted.IsUnique && IndexEquality.IsWrittenAlike(i.Definition, wanted))
        .Select(i => i.TableOid).ToHashSet();

    private IndexPreflight Entries(EntryLimit? entry) =>
        entry?.Risk is not { } risk ? Ok(PreflightCheck.EntrySize, "Every row that may be written fits into it.")
        : entry.IsExceeded ? Block(PreflightCheck.EntrySize, $"{risk} {entry.Evidence} The build would fail. {entry.Remedy}")
        : Warn(PreflightCheck.EntrySize, entry.AlwaysFits ? risk : $"{risk} {entry.Evidence} {entry.Remedy}");

    private IndexPreflight Growth(long? size, long grown) => options.MaximumDatabaseGrowth is not { } limit
        ? Ok(PreflightCheck.DatabaseGrowth,
            size is { } bytes
                ? $"Expected size: {ByteSize.InMegabytes(bytes)}." : "Its size cannot be estimated; no limit was asked for.")
        : size is not { } expected
            ? Block(PreflightCheck.DatabaseGrowth,
                $"Its size cannot be estimated, and -MaximumDatabaseGrowth is {ByteSize.InMegabytes(limit)}: run ANALYZE on "
                    + $"{strategy.TableName}.")
            : grown + expected > limit
                ? Block(PreflightCheck.DatabaseGrowth,
                    $"Expected size {ByteSize.InMegabytes(expected)} beside {ByteSize.InMegabytes(grown)} of this run; "
                        + $"-MaximumDatabaseGrowth is "
                        + $"{ByteSize.InMegabytes(limit)}.")
                : Ok(PreflightCheck.DatabaseGrowth,
                    $"Expected size {ByteSize.InMegabytes(expected)} beside {ByteSize.InMegabytes(grown)} of this run, of "
                        + $"{ByteSize.InMegabytes(limit)}.");

    // The sort of a build spills to disk beside the index, up to the same size.
    private IndexPreflight Disk(long? size, long? free) => (size, free) switch
    {
        ({ } expected, { } room) when expected > room =>
            Block(PreflightCheck.DiskSpace,
                $"Expected size {ByteSize.InMegabytes(expected)}, free {ByteSize.InMegabytes(room)}."),
        ({ } expected, { } room) when 2 * expected > room => Warn(
            PreflightCheck.DiskSpace,
            $"Expected size {ByteSize.InMegabytes(expected)}, and sorting may need as much again; free "
                + $"{ByteSize.InMegabytes(room)}."),
        ({ } expected, { } room) =>
            Ok(PreflightCheck.DiskSpace, $"Expected size {ByteSize.InMegabytes(expected)}, free {ByteSize.InMegabytes(room)}."),
        (null, { } room) => Warn(PreflightCheck.DiskSpace, $"Its size cannot be estimated; free {ByteSize.InMegabytes(room)}."),
        _ => Warn(PreflightCheck.DiskSpace, "The free space of the server's disk cannot be seen from here."),
    };

    private IndexPreflight Transactions(BuildFacts facts) =>
        facts.OlderTransactions.Count > 0
            ? Warn(PreflightCheck.OlderTransaction,
                $"The build would wait for {Count(facts.OlderTransactions.Count, "session")}: "
                    + $"{string.Join(", ", facts.OlderTransactions)}.")
            : facts.SeesOthers
            ? Ok(PreflightCheck.OlderTransaction, "There is nothing to wait for.") : Unseen(PreflightCheck.OlderTransaction);

    private IndexPreflight Unseen(PreflightCheck check) =>
        Warn(check, "The role may not see what other sessions do: it needs pg_read_all_stats.");

    private IndexPreflight Ok(PreflightCheck check, string reason) => Finding(check, PreflightState.Ok, reason);

    private IndexPreflight Warn(PreflightCheck check, string reason) => Finding(check, PreflightState.Warn, reason);

    private IndexPreflight Block(PreflightCheck check, string reason) => Finding(check, PreflightState.Block, reason);

    private IndexPreflight Finding(PreflightCheck check, PreflightState state, string reason) => new()
    {
        Target = strategy.Target,
        IndexStrategyId = strategy.Id, TableName = strategy.TableName, IndexName = strategy.IndexName, Check = check,
        State = state, Reason = reason,
    };

    private static string Count(int number, string one, string? many = null) =>
        $"{number} {(number == 1 ? one : many ?? one + "s")}";
}
