namespace PerfMonitoring.Postgres.Changes;

/// <summary>Where a build is held while something goes wrong.</summary>
public enum BuildPhase
{
    /// <summary>Another session has the lock on the table.</summary>
    Lock,

    /// <summary>A transaction that uses the table is there before the index is known to all.</summary>
    WritersBefore,

    /// <summary>The table is scanned.</summary>
    Building,

    /// <summary>A transaction began to use the table while it was scanned.</summary>
    WritersAfter,

    /// <summary>Rows that came meanwhile are put into the index.</summary>
    Validating,

    /// <summary>A transaction with an older snapshot is there.</summary>
    Snapshots,
}

/// <summary>What goes wrong.</summary>
public enum Fault
{
    /// <summary>Nothing: the build is held for a moment.</summary>
    None,

    /// <summary>The session that builds is terminated.</summary>
    BuilderKilled,

    /// <summary>The statement is cancelled on the server.</summary>
    BuilderCancelled,

    /// <summary>The session that watches, and has the builders' lock, is terminated.</summary>
    WatcherKilled,

    /// <summary>All idle sessions are terminated, those to the store too.</summary>
    IdleKilled,

    /// <summary>The server ends sessions that are idle for a second, before the build and while it runs.</summary>
    IdleTimeout,

    /// <summary>Whoever started it gives up (Ctrl+C).</summary>
    TokenCancelled,

    /// <summary>The maintenance window closes.</summary>
    WindowClosed,

    /// <summary>What it waits for lasts longer than allowed.</summary>
    WaitTooLong,

    /// <summary>The same, with retries, and what it waits for ends at the first.</summary>
    WaitTooLongOnce,

    /// <summary>What it waits for waits for it.</summary>
    Deadlock,

    /// <summary>The role has a statement_timeout that is shorter than the build.</summary>
    StatementTimeout,

    /// <summary>A unique index finds duplicates.</summary>
    Duplicate,

    /// <summary>The tablespace has no room for the index.</summary>
    DiskFull,

    /// <summary>A second runbook wants the same index.</summary>
    SecondBuilder,

    /// <summary>The same, and the first one's session is terminated.</summary>
    SecondTakesOver,

    /// <summary>The server crashes and is started again at once.</summary>
    ServerCrashed,

    /// <summary>The server crashes and stays away for longer than the clean-up waits.</summary>
    ServerAway,
}

/// <summary>One build of the mix.</summary>
internal sealed record FaultCase(int Number, Fault Fault, BuildPhase Phase, bool IsPartitioned, TimeSpan Pause)
{
    private static readonly BuildPhase[] Waits = [
        BuildPhase.Lock, BuildPhase.WritersBefore, BuildPhase.WritersAfter, BuildPhase.Snapshots];

    /// <summary>The phases that a fault can come in.</summary>
    public static IReadOnlyList<BuildPhase> PhasesOf(Fault fault) => fault switch
    {
        Fault.WaitTooLong or Fault.WaitTooLongOnce => Waits,
        Fault.Deadlock => [BuildPhase.WritersBefore, BuildPhase.WritersAfter],
        Fault.Duplicate or Fault.DiskFull => [BuildPhase.Building, BuildPhase.Validating],
        _ => Enum.GetValues<BuildPhase>(),
    };

    /// <summary>
    /// Cases without an end, not numbered yet: each combination of those faults once, in random order, then anew.
    /// </summary>
    public static IEnumerable<FaultCase> Deal(Random random, params Fault[] faults)
    {
        while (true)
        {
            var deck = faults.SelectMany(f => PhasesOf(f).Select(p => (Fault: f, Phase: p))).ToArray();
            random.Shuffle(deck);
            foreach (var (fault, phase) in deck)
            {
                // A unique index of a partitioned table has the partition key, and so no duplicates here.
                var isPartitioned = random.Next(4) == 0 && fault != Fault.Duplicate;
                yield return new FaultCase(0, fault, phase, isPartitioned, TimeSpan.FromMilliseconds(random.Next(200)));
            }
        }
    }

    public override string ToString() => $"{Number}: {Fault} at {Phase}{(IsPartitioned ? ", partitioned" : "")}";
}
