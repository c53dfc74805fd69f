using System.Diagnostics;
using Dapper;
using Npgsql;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>CREATE INDEX CONCURRENTLY on a table that has no partitions.</summary>
internal sealed class TableIndexBuilder(Database target, ICatalogRepository catalog, IndexComparison comparison)
{
    private static readonly TimeSpan CleanUpLockTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Builds the index; whatever goes wrong, the invalid one is taken away again.</summary>
    public async Task BuildAsync(BuilderGate gate, IndexBuild build, TableInfo table, CancellationToken cancellationToken)
    {
        await ClearNameAsync(build, table, cancellationToken);
        await build.RetryAsync(token => AttemptAsync(gate, build, token), cancellationToken);
    }

    /// <summary>Sees to it that the name is free: an invalid index of the same kind that nobody builds is the rest of a build that failed.</summary>
    private async Task ClearNameAsync(IndexBuild build, TableInfo table, CancellationToken cancellationToken)
    {
        if (await FindRelationAsync(build, cancellationToken) is not { } holder)
        {
            return;
        }

        if (holder.IsBeingBuilt)
        {
            throw new PerfMonitoringException(
                "IndexBeingBuilt", FailureKind.Busy, $"{build.QualifiedName} is being built by another session.",
                "Wait until it is done and run Invoke-IndexCreation again.", build.Strategy);
        }

        var same = holder is { TableOid: { } tableOid, IsValid: false } && tableOid == table.Oid
            ? (await catalog.GetIndexesAsync([table.Oid], cancellationToken)).FirstOrDefault(i => i.Oid == holder.Oid)
            : null;
        if (same is null || !await comparison.IsSameAsync(same, build.Definition, cancellationToken))
        {
            throw build.NameTaken(null);
        }

        build.Report("dropping the invalid index of an earlier build", []);
        if (!await DropLeftoverAsync(build, null))
        {
            throw LeftInvalid(build, null);
        }
    }

    private async Task<bool> AttemptAsync(BuilderGate gate, IndexBuild build, CancellationToken cancellationToken)
    {
        build.Session = null;
        var watch = new BuildWatch(build);
        try
        {
            var elapsed = await build.ExecuteAsync(
                gate, build.Definition.ToCreateStatement(concurrently: true), ServerLimit(build.Options), watch.Look, cancellationToken);
            build.BuildTime = elapsed - watch.Waited;
            build.SizeBytes = (await FindRelationAsync(build, cancellationToken))?.SizeBytes;
        }
        catch (PerfMonitoringException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.DuplicateTable })
        {
            // It is somebody else's, who came first.
            throw build.NameTaken(e);
        }
        catch (Exception e) when (build.Session is not null && e is OperationCanceledException or PerfMonitoringException)
        {
            build.Report("dropping the invalid index", []);
            if (!await DropLeftoverAsync(build, build.Session))
            {
                throw LeftInvalid(build, e);
            }

            // The answer can get lost after the work was done.
            if (await FindRelationAsync(build, CancellationToken.None) is { IsValid: true } built)
            {
                build.SizeBytes = built.SizeBytes;
                return true;
            }

            if (e is PerfMonitoringException failure)
            {
                throw build.Explain(failure);
            }

            if (watch.GivenUp is { } wait && !cancellationToken.IsCancellationRequested)
            {
                throw WaitedTooLong(build, wait, e);
            }

            throw;
        }

        return true;
    }

    // Where nobody watches any more the server ends each wait, a little later.
    private static TimeSpan ServerLimit(IndexBuildOptions options) =>
        options.LockTimeout == TimeSpan.Zero || options.SnapshotTimeout == TimeSpan.Zero
            ? TimeSpan.Zero
            : (options.LockTimeout > options.SnapshotTimeout ? options.LockTimeout : options.SnapshotTimeout) + TimeSpan.FromSeconds(5);

    private static PerfMonitoringException WaitedTooLong(IndexBuild build, BuildWait wait, Exception cause) => wait == BuildWait.Lock
        ? new PerfMonitoringException(
            "LockTimeout", FailureKind.Busy,
            $"{build.QualifiedName}: the lock on the table was not to be had within {build.Options.LockTimeout}.{build.WaitedFor}",
            "End the sessions that it waited for, raise -LockTimeout, or try again later.", build.Strategy, cause)
        : new PerfMonitoringException(
            "SnapshotTimeout", FailureKind.Busy,
            $"{build.QualifiedName}: older transactions were not over within {build.Options.SnapshotTimeout}.{build.WaitedFor}",
            "End the sessions that it waited for, raise -SnapshotTimeout above the time of the longest transaction, or try again later.", build.Strategy, cause);

    /// <summary>Takes the invalid index of this name away. False where it is still there, or the server does not answer.</summary>
    private async Task<bool> DropLeftoverAsync(IndexBuild build, StatementSession? session)
    {
        try
        {
            return await build.CleanUpAsync((connection, token) => TryDropAsync(connection, build, session, token));
        }
        catch (OperationCanceledException)
        {
            build.LeftoverIndex = build.QualifiedName;
            return false;
        }
    }

    private async Task<bool?> TryDropAsync(NpgsqlConnection connection, IndexBuild build, StatementSession? session, CancellationToken cancellationToken)
    {
        if (session is not null)
        {
            await connection.ExecuteAsync(IndexSql.Command("TerminateBuild", session, cancellationToken));
        }

        var relation = await FindRelationAsync(build, cancellationToken);
        build.IsLeft = relation is { IsValid: false, TableOid: not null };
        if (build.IsLeft == false)
        {
            return true;
        }

        if (relation!.IsBeingBuilt)
        {
            return null;
        }

        await connection.SetLimitsAsync(CleanUpLockTimeout, null, cancellationToken);
        await connection.ExecuteDdlAsync(build.Definition.ToDropStatement(concurrently: true), cancellationToken);
        return true;
    }

    private Task<RelationRow?> FindRelationAsync(IndexBuild build, CancellationToken cancellationToken) =>
        target.QuerySingleOrDefaultAsync<RelationRow>(
            IndexSql.Text("GetRelation"), new { SchemaName = build.Definition.Table.Schema, build.Definition.Name }, cancellationToken);

    private static PerfMonitoringException LeftInvalid(IndexBuild build, Exception? cause) => new(
        "InvalidIndexLeft", FailureKind.Busy,
        (build.IsLeft is null
            ? $"The server was not to be reached for {build.Options.CleanUpLimit.TotalSeconds:0} s: an invalid index {build.QualifiedName} may be left."
            : $"The invalid index {build.QualifiedName} could not be dropped within {build.Options.CleanUpLimit.TotalSeconds:0} s and is left.")
            + (cause is PerfMonitoringException ? $" It was left by a build that failed: {cause.Message}" : ""),
        $"Run \"{build.Definition.ToDropStatement(concurrently: true)}\" when the table is free, or Invoke-IndexCreation again.", build.Strategy, cause);

    /// <summary>What a build can wait for.</summary>
    private enum BuildWait
    {
        Lock,
        Snapshot,
    }

    /// <summary>Reports where one try stands, and ends waits that are too long: lock_timeout alone cannot tell a wait for the table from one for older snapshots.</summary>
    private sealed class BuildWatch(IndexBuild build)
    {
        private string phase = "";
        private long since = Stopwatch.GetTimestamp();

        /// <summary>What the try waited so far, as it was seen: right to half a second for each wait.</summary>
        public TimeSpan Waited { get; private set; }

        /// <summary>The wait that was too long, so that the try was given up.</summary>
        public BuildWait? GivenUp { get; private set; }

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
                (phase, since) = (now, Stopwatch.GetTimestamp() - (IndexChange.PollInterval.Ticks * Stopwatch.Frequency / TimeSpan.TicksPerSecond));
            }

            var elapsed = Stopwatch.GetElapsedTime(since);
            // While it waits, the server's counters are those of the phase before.
            double? percent = isForOthers || blockers.Length > 0
                ? null
                : IndexCreationProgress.PercentOf(rows[0].TuplesDone, rows[0].TuplesTotal, rows[0].BlocksDone, rows[0].BlocksTotal);
            build.Report(phase, blockers, percent, IndexCreationProgress.RemainingOf(elapsed, percent));
            if (blockers.Length == 0)
            {
                return true;
            }

            Waited += IndexChange.PollInterval;
            var limit = isForOthers ? build.Options.SnapshotTimeout : build.Options.LockTimeout;
            if (limit > TimeSpan.Zero && elapsed >= limit)
            {
                GivenUp = isForOthers ? BuildWait.Snapshot : BuildWait.Lock;
                return false;
            }

            return true;
        }
    }
}

/// <summary>What has a name.</summary>
internal sealed class RelationRow
{
    public uint Oid { get; init; }
    public uint? TableOid { get; init; }
    public bool? IsValid { get; init; }
    public bool IsBeingBuilt { get; init; }
    public long? SizeBytes { get; init; }
}
