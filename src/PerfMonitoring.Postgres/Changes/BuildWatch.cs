using System.Diagnostics;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The kinds of waits of a build.</summary>
internal enum BuildWait
{
    Lock,
    Snapshot,
}

/// <summary>
/// Reports the progress of one attempt, and ends waits that are too long. lock_timeout alone cannot tell a wait for the table
/// from a wait for older snapshots.
/// </summary>
internal sealed class BuildWatch(IndexChange change)
{
    private string phase = "";
    private long since = Stopwatch.GetTimestamp();

    /// <summary>The observed waiting time of the attempt, exact to half a second for each wait.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The wait that was too long and ended the attempt.</summary>
    public BuildWait? GivenUp { get; private set; }

    /// <summary>lock_timeout of the statement. If the watch is lost, the server itself ends each wait, a little later.</summary>
    public static TimeSpan ServerLimit(IndexChangeOptions options) =>
        options.LockTimeout == TimeSpan.Zero || options.SnapshotTimeout == TimeSpan.Zero
            ? TimeSpan.Zero
            : (options.LockTimeout > options.SnapshotTimeout ? options.LockTimeout : options.SnapshotTimeout)
            + TimeSpan.FromSeconds(5);

    /// <summary>The reason why an attempt failed; null if it was cancelled from outside.</summary>
    public PerfMonitoringException? Explain(Exception e, object subject, CancellationToken cancellationToken) =>
        e is PerfMonitoringException failure ? change.Explain(failure)
        : GivenUp is not null && !cancellationToken.IsCancellationRequested ? WaitedTooLong(subject, e)
        : null;

    private PerfMonitoringException WaitedTooLong(object subject, Exception cause) => GivenUp == BuildWait.Lock
        ? new PerfMonitoringException(
            ErrorIds.LockTimeout, FailureKind.Busy,
            $"{change.QualifiedName}: the lock on the table was not to be had within "
                + $"{change.Options.LockTimeout}.{change.WaitedFor}",
            "End the sessions that it waited for, raise -LockTimeout, or try again later.", subject, cause)
        : new PerfMonitoringException(
            ErrorIds.SnapshotTimeout, FailureKind.Busy,
            $"{change.QualifiedName}: older transactions were not over within {change.Options.SnapshotTimeout}."
                + change.WaitedFor,
            "End the sessions that it waited for, raise -SnapshotTimeout above the time of the longest transaction, or try "
                + "again later.", subject, cause);

    public bool Look(IReadOnlyList<ProgressRow> rows)
    {
        if (rows.Count == 0)
        {
            return true;
        }

        var blockers = rows.Where(r => r.ProcessId is not null).Select(r => r.ToBlocker()).ToArray();
        var isForOthers = rows[0].Phase?.StartsWith("waiting", StringComparison.Ordinal) == true;
        var now = isForOthers || blockers.Length == 0 ? rows[0].Phase : "waiting for the lock on the table";
        if (now is null)
        {
            return true;
        }

        if (now != phase)
        {
            (phase, since) = (
                now, Stopwatch.GetTimestamp() - (IndexChange.PollInterval.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond));
        }

        var elapsed = Stopwatch.GetElapsedTime(since);
        // During a wait the server's counters are those of the previous phase.
        double? percent = isForOthers || blockers.Length > 0
            ? null
            : IndexChangeProgress.PercentOf(rows[0].TuplesDone, rows[0].TuplesTotal, rows[0].BlocksDone, rows[0].BlocksTotal);
        change.Report(phase, blockers, percent, IndexChangeProgress.RemainingOf(elapsed, percent));
        if (blockers.Length == 0)
        {
            return true;
        }

        Waited += IndexChange.PollInterval;
        var limit = isForOthers ? change.Options.SnapshotTimeout : change.Options.LockTimeout;
        if (limit > TimeSpan.Zero && elapsed >= limit)
        {
            GivenUp = isForOthers ? BuildWait.Snapshot : BuildWait.Lock;
            return false;
        }

        return true;
    }
}
