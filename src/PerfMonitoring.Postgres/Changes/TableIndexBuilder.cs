using System.Diagnostics;
using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Runs CREATE INDEX CONCURRENTLY on a table without partitions.</summary>
internal sealed class TableIndexBuilder(ChangeContext context)
{
    /// <summary>Builds the index. After any failure the invalid index is dropped.</summary>
    public async Task BuildAsync(BuilderGate gate, IndexBuild build, TableInfo table, CancellationToken cancellationToken)
    {
        await ClearNameAsync(build, table, cancellationToken);
        await build.RetryAsync(token => AttemptAsync(gate, build, token), cancellationToken);
    }

    /// <summary>
    /// Waits until nobody else builds an index on the table that has the text of the wanted one. If another run or a person
    /// builds it first, that is not a failure.
    /// </summary>
    public async Task WaitForOthersAsync(
        IndexBuild build, uint tableOid, IndexDefinition wanted, CancellationToken cancellationToken)
    {
        var since = Stopwatch.GetTimestamp();
        while (await FindBuildingAsync(tableOid, wanted, cancellationToken) is { } other)
        {
            if (build.Options.SnapshotTimeout > TimeSpan.Zero && Stopwatch.GetElapsedTime(since) > build.Options.SnapshotTimeout)
            {
                throw BeingBuilt(build, other.Definition.QualifiedName);
            }

            build.Report($"waiting until another session has built {other.Definition.QualifiedName}", []);
            await Task.Delay(IndexChange.PollInterval, cancellationToken);
        }
    }

    private async Task<TableIndex?> FindBuildingAsync(uint tableOid, IndexDefinition wanted, CancellationToken cancellationToken)
    {
        foreach (var index in (await context.Catalog.GetIndexesAsync([tableOid], cancellationToken))
            .Where(i => !i.IsValid && IndexEquality.IsWrittenAlike(i.Definition, wanted)))
        {
            if (await context.FindStateAsync(index.Oid, cancellationToken) is { IsBeingBuilt: true })
            {
                return index;
            }
        }

        return null;
    }

    private static PerfMonitoringException BeingBuilt(IndexBuild build, RelationName index) => new(
        ErrorIds.IndexBeingBuilt, FailureKind.Busy, $"{index} is being built by another session.",
        "Wait until it is done and run Invoke-IndexCreation again.", build.Strategy);

    /// <summary>
    /// Makes the name free. An invalid index of the same kind that nobody builds is left over from a failed build, and is
    /// dropped.
    /// </summary>
    private async Task ClearNameAsync(IndexBuild build, TableInfo table, CancellationToken cancellationToken)
    {
        if (await FindRelationAsync(build, cancellationToken) is not { } holder)
        {
            return;
        }

        if (holder.IsBeingBuilt)
        {
            throw BeingBuilt(build, build.Definition.QualifiedName);
        }

        var same = holder is { TableOid: { } tableOid, IsValid: false } && tableOid == table.Oid
            ? (await context.Catalog.GetIndexesAsync([table.Oid], cancellationToken)).FirstOrDefault(i => i.Oid == holder.Oid)
            : null;
        if (same is null || !await context.Comparison.IsSameAsync(same, build.Definition, cancellationToken))
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
                gate, build.RunAsync, BuildWatch.ServerLimit(build.Options), watch.Look, cancellationToken);
            build.BuildTime = elapsed - watch.Waited;
            build.SizeBytes = (await FindRelationAsync(build, cancellationToken))?.SizeBytes;
        }
        catch (PerfMonitoringException e)
            when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.DuplicateTable })
        {
            // Somebody else took the name first.
            throw build.NameTaken(e);
        }
        catch (Exception e) when (build.Session is not null && e is OperationCanceledException or PerfMonitoringException)
        {
            build.Report("dropping the invalid index", []);
            if (!await DropLeftoverAsync(build, build.Session))
            {
                throw LeftInvalid(build, e);
            }

            // The answer can be lost after the work was done.
            if (await FindRelationAsync(build, CancellationToken.None) is { IsValid: true } built)
            {
                build.SizeBytes = built.SizeBytes;
                return true;
            }

            if (watch.Explain(e, build.Strategy, cancellationToken) is { } failure)
            {
                throw failure;
            }

            throw;
        }

        return true;
    }

    /// <summary>
    /// Drops the invalid index with this name. Returns false if it still exists, or the server does not answer.
    /// </summary>
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

    private async Task<bool?> TryDropAsync(
        NpgsqlConnection connection, IndexBuild build, StatementSession? session, CancellationToken cancellationToken)
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

        await connection.SetLimitsAsync(IndexChange.CleanUpLockTimeout, null, cancellationToken);
        await connection.ExecuteDdlAsync(
            build.Definition.ToDropStatement(concurrently: true), isWatched: false, cancellationToken);
        return true;
    }

    private Task<RelationRow?> FindRelationAsync(IndexBuild build, CancellationToken cancellationToken) =>
        context.Target.QuerySingleOrDefaultAsync<RelationRow>(
            Sql.Get("GetRelation"), new { SchemaName = build.Definition.Table.Schema, build.Definition.Name },
            cancellationToken);

    private static PerfMonitoringException LeftInvalid(IndexBuild build, Exception? cause) => new(
        ErrorIds.InvalidIndexLeft, FailureKind.Busy,
        (build.IsLeft is null
            ? $"The server was not to be reached for {build.Options.CleanUpLimit.TotalSeconds:0} s: an invalid index "
                + $"{build.QualifiedName} may be left."
            : $"The invalid index {build.QualifiedName} could not be dropped within "
                + $"{build.Options.CleanUpLimit.TotalSeconds:0} s and is left.")
            + (cause is PerfMonitoringException ? $" It was left by a build that failed: {cause.Message}" : ""),
        $"Run \"{build.Definition.ToDropStatement(concurrently: true)}\" when the table is free, or Invoke-IndexCreation again.",
        build.Strategy, cause);
}

/// <summary>The relation that has a name.</summary>
internal sealed class RelationRow
{
    public uint Oid { get; init; }
    public uint? TableOid { get; init; }
    public bool? IsValid { get; init; }
    public bool IsBeingBuilt { get; init; }
    public long? SizeBytes { get; init; }
}
