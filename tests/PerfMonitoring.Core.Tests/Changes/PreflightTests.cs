using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

public sealed class PreflightTests
{
    private const long Megabyte = 1048576;

    private static readonly BuildFacts Quiet = new() { ActiveSessions = 3, FreeDiskBytes = 1000 * Megabyte };

    private static readonly IndexStrategy Strategy = new() { Definition = Index("i", "a") };

    private static readonly IndexCreationOptions NoLimits = new();

    public static TheoryData<string, BuildFacts, object, PreflightCheck, PreflightState, string> Facts => new()
    {
        { "standby", Quiet with { IsStandby = true }, NoLimits, PreflightCheck.Privilege, PreflightState.Block, "standby" },
        { "not owner", Quiet with { IsOwner = false }, NoLimits, PreflightCheck.Privilege, PreflightState.Block,
            "does not own public.t" },
        { "no right on the schema", Quiet with { RoleName = "Ann", CanCreateInSchema = false }, NoLimits,
            PreflightCheck.Privilege,
            PreflightState.Block, "GRANT CREATE ON SCHEMA public TO \"Ann\";" },
        { "no such tablespace", Quiet with { Tablespace = "fast", HasTablespace = false, CanCreateInTablespace = false },
            NoLimits,
            PreflightCheck.Tablespace, PreflightState.Block, "no tablespace fast" },
        { "no right on the tablespace", Quiet with { RoleName = "ann", Tablespace = "Fast", CanCreateInTablespace = false },
            NoLimits, PreflightCheck.Tablespace, PreflightState.Block, "GRANT CREATE ON TABLESPACE \"Fast\" TO ann;" },
        { "the server's own tablespace", Quiet with { Tablespace = "pg_global", CanCreateInTablespace = false }, NoLimits,
            PreflightCheck.Tablespace, PreflightState.Block, "pg_global" },
        { "another tablespace", Quiet with { Tablespace = "fast" }, NoLimits, PreflightCheck.Tablespace, PreflightState.Ok,
            "fast" },
        { "too many columns", Quiet with { MaximumColumns = 0 }, NoLimits, PreflightCheck.Definition, PreflightState.Block,
            "PostgreSQL allows 0" },
        { "a foreign partition", Quiet with { ForeignPartitions = ["p1"] }, NoLimits, PreflightCheck.Definition,
            PreflightState.Block, "p1 is a foreign table" },
        { "few sessions", Quiet with { RoleName = "ann", SessionsLeft = 2 }, NoLimits, PreflightCheck.Connection,
            PreflightState.Warn, "2 sessions are left for ann" },
        { "enough sessions", Quiet with { SessionsLeft = 3 }, NoLimits, PreflightCheck.Connection, PreflightState.Ok, "" },
        { "an event trigger", Quiet with { EventTriggers = ["guard"] }, NoLimits, PreflightCheck.EventTrigger,
            PreflightState.Warn,
            "guard" },
        { "a budget that fits", Quiet, new IndexCreationOptions { MaximumDatabaseGrowth = 15 * Megabyte },
            PreflightCheck.DatabaseGrowth,
            PreflightState.Ok, "of 15 MB" },
        { "a budget that does not", Quiet, new IndexCreationOptions { MaximumDatabaseGrowth = 15 * Megabyte - 1 },
            PreflightCheck.DatabaseGrowth,
            PreflightState.Block, "5 MB of this run" },
        { "room", Quiet, NoLimits, PreflightCheck.DiskSpace, PreflightState.Ok, "free 1,000 MB" },
        { "little room", Quiet with { FreeDiskBytes = 19 * Megabyte }, NoLimits, PreflightCheck.DiskSpace, PreflightState.Warn,
            "as much again" },
        { "no room", Quiet with { FreeDiskBytes = 9 * Megabyte }, NoLimits, PreflightCheck.DiskSpace, PreflightState.Block,
            "free 9 MB" },
        { "unknown room", Quiet with { FreeDiskBytes = null }, NoLimits, PreflightCheck.DiskSpace, PreflightState.Warn,
            "cannot be seen" },
        { "an old snapshot", Quiet with { OlderTransactions = [new(42, "app", "job", "idle in transaction", null)] }, NoLimits,
            PreflightCheck.OlderTransaction, PreflightState.Warn, "1 session: 42 (app, job, idle in transaction)" },
        { "blind", Quiet with { SeesOthers = false, ActiveSessions = null }, NoLimits, PreflightCheck.OlderTransaction,
            PreflightState.Warn, "pg_read_all_stats" },
        { "blind to load", Quiet with { SeesOthers = false, ActiveSessions = null }, NoLimits, PreflightCheck.ActiveSession,
            PreflightState.Warn, "pg_read_all_stats" },
        { "a prepared transaction", Quiet with { PreparedTransactions = ["tx1"] }, NoLimits, PreflightCheck.PreparedTransaction,
            PreflightState.Block, "tx1" },
        { "autovacuum", Quiet with { HasAutovacuum = true }, NoLimits, PreflightCheck.Autovacuum, PreflightState.Warn,
            "-CancelAutovacuum" },
        { "autovacuum that may be cancelled", Quiet with { HasAutovacuum = true },
            new IndexCreationOptions { CancelAutovacuum = true },
            PreflightCheck.Autovacuum, PreflightState.Ok, "" },
        { "autovacuum that may never", Quiet with { HasAutovacuum = true, IsWraparound = true },
            new IndexCreationOptions { CancelAutovacuum = true }, PreflightCheck.Autovacuum, PreflightState.Warn, "wraparound" },
        { "another build", Quiet with { OtherBuilds = ["public.x by 7"] }, NoLimits, PreflightCheck.OtherBuild,
            PreflightState.Warn,
            "public.x by 7" },
        { "no standby", Quiet, new IndexCreationOptions { MaximumReplicationLag = TimeSpan.Zero }, PreflightCheck.ReplicationLag,
            PreflightState.Ok,
            "No standby" },
        { "a standby at the limit", Lagging(10), new IndexCreationOptions { MaximumReplicationLag = TimeSpan.FromSeconds(10) },
            PreflightCheck.ReplicationLag, PreflightState.Ok, "1 standby" },
        { "a standby behind", Lagging(11), new IndexCreationOptions { MaximumReplicationLag = TimeSpan.FromSeconds(10) },
            PreflightCheck.ReplicationLag, PreflightState.Warn, "00:00:11 behind" },
        { "a standby of unknown lag", Lagging(null),
            new IndexCreationOptions { MaximumReplicationLag = TimeSpan.FromSeconds(10) },
            PreflightCheck.ReplicationLag, PreflightState.Warn, "is unknown" },
        { "a standby of unknown lag without a limit", Lagging(null), NoLimits, PreflightCheck.ReplicationLag, PreflightState.Warn,
            "is unknown" },
        { "blind to lag", Lagging(null) with { SeesOthers = false },
            new IndexCreationOptions { MaximumReplicationLag = TimeSpan.FromSeconds(10) },
            PreflightCheck.ReplicationLag, PreflightState.Warn, "pg_read_all_stats" },
        { "sessions at the limit", Quiet, new IndexCreationOptions { MaximumActiveSession = 3 }, PreflightCheck.ActiveSession,
            PreflightState.Ok,
            "3 active" },
        { "more sessions", Quiet, new IndexCreationOptions { MaximumActiveSession = 2 }, PreflightCheck.ActiveSession,
            PreflightState.Warn,
            "3 sessions are active" },
    };

    [Theory]
    [MemberData(nameof(Facts), DisableDiscoveryEnumeration = true)]
    public void Each_fact_has_its_finding(
        string what, BuildFacts facts, object options, PreflightCheck check, PreflightState state, string reason)
    {
        var findings = Judge((IndexCreationOptions)options, facts, []);

        Assert.Equal(Enum.GetValues<PreflightCheck>().Order(), findings.Select(f => f.Check).Order());
        var finding = findings.Single(f => f.Check == check);
        Assert.True(state == finding.State, $"{what}: {finding}");
        Assert.Contains(reason, finding.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, PreflightState.Ok)]
    [InlineData(1_000_000_000L, PreflightState.Block)]
    public void A_size_that_is_not_known_fits_no_budget(long? budget, PreflightState expected)
    {
        var findings = new Preflight(Strategy, new() { MaximumDatabaseGrowth = budget })
            .Judge(Quiet, [], WindowDecision.Open, null, 0);

        Assert.Equal(expected, findings.Single(f => f.Check == PreflightCheck.DatabaseGrowth).State);
        Assert.Equal(PreflightState.Warn, findings.Single(f => f.Check == PreflightCheck.DiskSpace).State);
    }

    public static TheoryData<string, TableIndex, PreflightState, string> Existing => new()
    {
        { "equal", Exists(Index("other", "a")), PreflightState.Warn, "other does the same: nothing would be built." },
        { "another", Exists(Index("other", "b")), PreflightState.Ok, "No index does the same." },
        { "wider", Exists(Index("other", "a", "b")), PreflightState.Warn, "other serves the same scans" },
        { "wider the other way", Exists(Index("other", "b", "a")), PreflightState.Ok, "No index does the same." },
        { "wider, partial", Exists(Index("other", "a", "b") with { Where = "c" }), PreflightState.Ok, "No index does the same." },
        { "wider, hash", Exists(Index("other", "a", "b") with { Method = "gin" }), PreflightState.Ok, "No index does the same." },
        { "its invalid rest", Exists(Index("i", "a")) with { IsValid = false }, PreflightState.Warn, "dropped first" },
        { "another's invalid rest", Exists(Index("other", "a")) with { IsValid = false }, PreflightState.Warn, "stays beside" },
        { "being built", Exists(Index("other", "a")) with { Oid = 77, IsValid = false }, PreflightState.Warn, "being built" },
        { "invalid and wider", Exists(Index("other", "a", "b")) with { IsValid = false }, PreflightState.Ok,
            "No index does the same." },
    };

    [Theory]
    [MemberData(nameof(Existing), DisableDiscoveryEnumeration = true)]
    public void An_index_that_is_there_is_told(string what, TableIndex existing, PreflightState state, string reason)
    {
        var finding = Judge(new(), Quiet with { IndexesBeingBuilt = [77] }, [existing])
            .Single(f => f.Check == PreflightCheck.ExistingIndex);

        Assert.True(state == finding.State, $"{what}: {finding}");
        Assert.Contains(reason, finding.Reason, StringComparison.Ordinal);
    }

    public static TheoryData<string, TableIndex, PreflightState, string> OfLeaves => new()
    {
        { "equal", OnLeaf("p_a", "a"), PreflightState.Warn, "1 of 3 partitions has one that does the same" },
        { "another", OnLeaf("p_b", "b"), PreflightState.Ok, "No index does the same." },
        { "attached elsewhere", OnLeaf("p_a", "a") with { ParentIndex = "parent" }, PreflightState.Ok,
            "No index does the same." },
        { "of a constraint", OnLeaf("p_a", "a") with { ConstraintName = "p_a" }, PreflightState.Ok, "No index does the same." },
        { "unique", OnLeaf("p_a", "a") is var i ? i with { Definition = i.Definition with { IsUnique = true } } : null!,
            PreflightState.Ok, "No index does the same." },
        { "invalid", OnLeaf("p_a", "a") with { IsValid = false }, PreflightState.Ok, "No index does the same." },
        { "being built", OnLeaf("p_a", "a") with { Oid = 77, IsValid = false }, PreflightState.Warn,
            "p_a on public.p, a partition, does the same and is being built" },
    };

    [Theory]
    [MemberData(nameof(OfLeaves), DisableDiscoveryEnumeration = true)]
    public void An_index_that_a_partition_has_is_told(string what, TableIndex existing, PreflightState state, string reason)
    {
        var finding = new Preflight(Strategy, new())
            .Judge(Quiet with { IndexesBeingBuilt = [77] }, [], WindowDecision.Open, 1, 0, leaves: 3, [existing])
            .Single(f => f.Check == PreflightCheck.ExistingIndex);

        Assert.True(state == finding.State, $"{what}: {finding}");
        Assert.Contains(reason, finding.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, true, PreflightState.Block)]
    [InlineData(true, true, PreflightState.Warn)]
    [InlineData(true, false, PreflightState.Block)]
    public void A_closed_window_blocks_unless_it_is_waited_for(bool wait, bool opens, PreflightState expected)
    {
        var window = new WindowDecision("closed", opens ? DateTimeOffset.UnixEpoch : null);

        var findings = new Preflight(Strategy, new() { WaitForWindow = wait }).Judge(Quiet, [], window, 1, 0);

        Assert.Equal(expected, findings.Single(f => f.Check == PreflightCheck.MaintenanceWindow).State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_cannot_be_seen_holds_up_only_where_a_limit_was_asked_for(bool limited)
    {
        var options = limited ? new IndexCreationOptions { MaximumActiveSession = 5 } : new IndexCreationOptions();

        Assert.Equal(
            limited,
            new Preflight(Strategy, options).LoadReason(Quiet with { SeesOthers = false, ActiveSessions = null }) is not null);
    }

    private static IReadOnlyList<IndexPreflight> Judge(
        IndexCreationOptions options, BuildFacts facts, IReadOnlyList<TableIndex> indexes) =>
        new Preflight(Strategy, options).Judge(facts, indexes, WindowDecision.Open, 10 * Megabyte, 5 * Megabyte);

    private static BuildFacts Lagging(int? seconds) =>
        Quiet with { Standbys = 1, ReplicationLag = seconds is { } s ? TimeSpan.FromSeconds(s) : null };

    private static TableIndex Exists(IndexDefinition definition) =>
        new() { Oid = 7, TableOid = 1, Definition = definition, ServerDefinition = "", IsValid = true, IsReady = true };

    private static TableIndex OnLeaf(string name, string column) =>
        Exists(Index(name, column) with { Table = new RelationName("public", "p") });

    private static IndexDefinition Index(string name, params string[] columns) =>
        new() { Table = new RelationName("public", "t"), Name = name, Keys = [.. columns.Select(IndexKey.OnColumn)] };
}
