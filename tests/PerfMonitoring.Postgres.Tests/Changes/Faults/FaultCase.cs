namespace PerfMonitoring.Postgres.Changes;

/// <summary>The phases at which a build is held while something goes wrong.</summary>
public enum BuildPhase
{
    /// <summary>Another session holds the lock on the table.</summary>
    Lock,

    /// <summary>A transaction used the table before the index became visible to all.</summary>
    WritersBefore,

    /// <summary>The table is scanned.</summary>
    Building,

    /// <summary>A transaction began to use the table during the scan.</summary>
    WritersAfter,

    /// <summary>Rows that were added meanwhile are put into the index.</summary>
    Validating,

    /// <summary>A transaction has an older snapshot.</summary>
    Snapshots,
}

/// <summary>The faults.</summary>
public enum Fault
{
    /// <summary>No fault: the build is only held for a moment.</summary>
    None,

    /// <summary>The session that builds is terminated.</summary>
    BuilderKilled,

    /// <summary>The statement is cancelled on the server.</summary>
    BuilderCancelled,

    /// <summary>The session that watches, and holds the builders' lock, is terminated.</summary>
    WatcherKilled,

    /// <summary>All idle sessions are terminated, including those of the store.</summary>
    IdleKilled,

    /// <summary>The server ends sessions that are idle for a second, before and during the build.</summary>
    IdleTimeout,

    /// <summary>The user cancels the command (Ctrl+C).</summary>
    TokenCancelled,

    /// <summary>The maintenance window closes.</summary>
    WindowClosed,

    /// <summary>A wait is longer than allowed.</summary>
    WaitTooLong,

    /// <summary>A wait is longer than allowed, but ends before the first retry.</summary>
    WaitTooLongOnce,

    /// <summary>The build and the session that it waits for wait for each other.</summary>
    Deadlock,

    /// <summary>The role has a statement_timeout that is shorter than the build.</summary>
    StatementTimeout,

    /// <summary>A unique index finds duplicates.</summary>
    Duplicate,

    /// <summary>The tablespace is too small for the index.</summary>
    DiskFull,

    /// <summary>A second runbook wants the same index.</summary>
    SecondBuilder,

    /// <summary>A second runbook wants the same index, and the first one's session is terminated.</summary>
    SecondTakesOver,

    /// <summary>The server crashes and is restarted at once.</summary>
    ServerCrashed,

    /// <summary>The server crashes and stays down for longer than the clean-up waits.</summary>
    ServerAway,
}

/// <summary>One build of the mix.</summary>
internal sealed record FaultCase(int Number, Fault Fault, BuildPhase Phase, bool IsPartitioned, TimeSpan Pause)
{
    private static readonly BuildPhase[] Waits = [
        BuildPhase.Lock, BuildPhase.WritersBefore, BuildPhase.WritersAfter, BuildPhase.Snapshots];

    /// <summary>The phases at which a fault can occur.</summary>
    public static IReadOnlyList<BuildPhase> PhasesOf(Fault fault) => fault switch
    {
        Fault.WaitTooLong or Fault.WaitTooLongOnce => Waits,
        Fault.Deadlock => [BuildPhase.WritersBefore, BuildPhase.WritersAfter],
        Fault.Duplicate or Fault.DiskFull => [BuildPhase.Building, BuildPhase.Validating],
        _ => Enum.GetValues<BuildPhase>(),
    };

    /// <summary>
    /// An endless sequence of cases without numbers: each combination of the faults once, in random order, then again.
    /// </summary>
    public static IEnumerable<FaultCase> Deal(Random random, params Fault[] faults)
    {
        while (true)
        {
            var deck = faults.SelectMany(f => PhasesOf(f).Select(p => (Fault: f, Phase: p))).ToArray();
            random.Shuffle(deck);
            foreach (var (fault, phase) in deck)
            {
                // A unique index of a partitioned table contains the partition key, so there are no duplicates here.
                var isPartitioned = random.Next(4) == 0 && fault != Fault.Duplicate;
                yield return new FaultCase(0, fault, phase, isPartitioned, TimeSpan.FromMilliseconds(random.Next(200)));
            }
        }
    }

    public override string ToString() => $"{Number}: {Fault} at {Phase}{(IsPartitioned ? ", partitioned" : "")}";
}
