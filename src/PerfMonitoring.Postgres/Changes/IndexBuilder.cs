using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Builds indexes, with the lock, the check of existing indexes and the audit.</summary>
internal sealed class IndexBuilder(
    Database target, ICatalogRepository catalog, IIndexStrategyRepository strategies, IIndexActionRepository actions)
        : IIndexBuilder
{
    private readonly IndexComparison comparison = new(target);

    public async Task<(IndexCreationResult Result, PerfMonitoringException? Error)> BuildAsync(
        IndexStrategy strategy, IndexChangeOptions options, IProgress<IndexChangeProgress> progress,
        CancellationToken cancellationToken)
    {
        var build = new IndexBuild(target, strategy, options, progress);
        using var closing = options.EndAt is { } end
            ? new CancellationTokenSource(Left(end, options.Clock), options.Clock) : new CancellationTokenSource();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token);

        try
        {
            await BuildAsync(build, ending.Token);
            return (build.ToResult(), build.Error);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            build.State = IndexCreationState.Deferred;
            return (build.ToResult(), null);
        }
        catch (PerfMonitoringException caught) when (!cancellationToken.IsCancellationRequested)
        {
            var e = build.ExplainDefinition(caught);
            build.State = e.ErrorId == build.CancelledId ? IndexCreationState.Cancelled : IndexCreationState.Failed;
            build.Error = e;
            return (build.ToResult(), e);
        }
    }

    // The result is at most the longest time of a timer, which is 24 days.
    private static TimeSpan Left(DateTimeOffset end, TimeProvider clock) =>
        TimeSpan.FromMilliseconds(Math.Clamp((end - clock.GetUtcNow()).TotalMilliseconds, 0, int.MaxValue));

    public async Task<BuildFacts> GetFactsAsync(TableInfo table, string? tablespace, CancellationToken cancellationToken)
    {
        long[] oids = table.Leaves.Count == 0
            ? [table.Oid]
            : [.. (await catalog.FindTablesAsync(table.Leaves, cancellationToken)).Select(l => (long)l.Oid), table.Oid];
        var parameters = new { TableOid = (long)table.Oid, TableOids = oids, Tablespace = tablespace };
        var facts = await target.QuerySingleOrDefaultAsync<FactsRow>(
            Sql.Get("GetBuildFacts"), parameters, cancellationToken)
            ?? throw new PerfMonitoringException(
                ErrorIds.TableNotFound, FailureKind.NotFound, $"There is no table {table.Name} in {target.Target} any more.",
                null, table.Name.ToString());
        var older = await target.QueryAsync<BlockerRow>(Sql.Get("GetOlderTransactions"), parameters, cancellationToken);
        return new BuildFacts
        {
            IsStandby = facts.IsStandby,
            IsOwner = facts.IsOwner,
            RoleName = facts.RoleName,
            CanCreateInSchema = facts.CanCreateInSchema,
            Tablespace = facts.Tablespace,
            HasTablespace = facts.HasTablespace,
            CanCreateInTablespace = facts.CanCreateInTablespace,
            MaximumColumns = facts.MaximumColumns,
            SessionsLeft = facts.SessionsLeft,
            EventTriggers = facts.EventTriggers,
            ForeignPartitions = facts.ForeignPartitions,
            SeesOthers = facts.SeesOthers,
            OlderTransactions = [.. older.Select(o => o.ToBlocker())],
            PreparedTransactions = facts.PreparedTransactions,
            HasAutovacuum = facts.HasAutovacuum,
            IsWraparound = facts.IsWraparound,
            OtherBuilds = facts.OtherBuilds,
            IndexesBeingBuilt = [.. facts.IndexesBeingBuilt.Select(o => (uint)o)],
            ActiveSessions = facts.SeesOthers ? facts.ActiveSessions : null,
            Standbys = facts.Standbys,
            ReplicationLag = facts is { SeesOthers: true, LagSeconds: { } lag } ? TimeSpan.FromSeconds(lag) : null,
            FreeDiskBytes = FreeDisk(facts.Directory),
        };
    }

    // PostgreSQL has no function for the free disk space. The directory is read if the server runs on this machine.
    private long? FreeDisk(string? directory)
    {
        var isLocal = target.Target.HostName.StartsWith('/') || target.Target.HostName is "localhost" or "127.0.0.1" or "::1";
        try
        {
            return isLocal && directory is not null && Directory.Exists(directory)
                ? new DriveInfo(directory).AvailableFreeSpace : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private async Task BuildAsync(IndexBuild build, CancellationToken cancellationToken)
    {
        var table = await catalog.GetTableAsync(build.Definition.Table, cancellationToken);
        build.IsPartitioned = table.Kind == RelationKind.PartitionedTable;
        build.Definition = build.Definition with { Table = table.Name };
        await using var gate = await BuilderGate.EnterAsync(target, actions, build, table.Oid, cancellationToken);

        // The wait may have changed the facts, so they are checked again.
        var tables = new TableIndexBuilder(target, catalog, comparison);
        await tables.WaitForOthersAsync(build, table.Oid, build.Definition, cancellationToken);
        if (await FindEqualAsync(table, build, cancellationToken) is { } equal)
        {
            build.State = IndexCreationState.AlreadyExists;
            build.IndexName = equal.Definition.Name;
            build.SizeBytes = build.IsPartitioned ? null : equal.SizeBytes;
            await MarkAsync(build);
            return;
        }

        build.Error = await build.RecordAsync(
            actions,
            ToAction(build),
            () => build.IsPartitioned
                ? new PartitionedIndexBuilder(target, catalog, tables, comparison)
                    .BuildAsync(gate, build, table, cancellationToken)
                : tables.BuildAsync(gate, build, table, cancellationToken),
            cancellationToken);
        build.State = IndexCreationState.Created;
        await MarkAsync(build);
    }

    // The index exists, whatever happens now. The lock of builders is still held, so that nobody drops it before it is marked.
    private async Task MarkAsync(IndexBuild build)
    {
        if (build.Strategy.IsStored)
        {
            build.Error = await IndexAudit.MarkAsync(
                () => strategies.UpdateAsync(
                    build.Strategy.Id,
                    new IndexStrategyChange { IsCreated = true, SizeBytes = build.SizeBytes, BuildTime = build.BuildTime },
                    CancellationToken.None),
                $"{build.QualifiedName} is there", "run Invoke-IndexCreation again: it finds the index and marks the strategy",
                build.Strategy) ?? build.Error;
        }
    }

    private static IndexAction ToAction(IndexBuild build) => new()
    {
        Action = build.Options.Action,
        IndexStrategyId = build.Strategy.Id,
        TableName = build.Definition.Table.ToString(),
        IndexName = build.Definition.Name,
        Statement = build.Definition.ToCreateStatement(concurrently: !build.IsPartitioned),
        UndoStatement = build.Definition.ToDropStatement(concurrently: !build.IsPartitioned),
        Reason = build.Strategy.Reason.Length == 0 ? null : build.Strategy.Reason,
    };

    /// <summary>A valid index that is equivalent to the wanted one, or null.</summary>
    private async Task<TableIndex?> FindEqualAsync(TableInfo table, IndexBuild build, CancellationToken cancellationToken)
    {
        var wanted = build.Definition;
        var candidates = (await catalog.GetIndexesAsync([table.Oid], cancellationToken))
            .Where(i =>
                i is { IsValid: true, IsReady: true, IsExclusion: false } && IndexEquality.CouldServe(i.Definition, wanted)
                && (build.Options.Action != IndexActionKind.Restore || i.Definition.Name == wanted.Name))
            .ToList();
        if (candidates.Find(i => IndexEquality.IsWrittenAlike(i.Definition, wanted)) is { } alike)
        {
            return alike;
        }

        foreach (var candidate in candidates)
        {
            if (await comparison.IsSameAsync(candidate, wanted, cancellationToken))
            {
                return candidate;
            }
        }

        return null;
    }

    private sealed class FactsRow
    {
        public bool IsStandby { get; init; }
        public bool IsOwner { get; init; }
        public string RoleName { get; init; } = "";
        public bool CanCreateInSchema { get; init; }
        public string? Tablespace { get; init; }
        public bool HasTablespace { get; init; }
        public bool CanCreateInTablespace { get; init; }
        public int MaximumColumns { get; init; }
        public int? SessionsLeft { get; init; }
        public string[] EventTriggers { get; init; } = [];
        public string[] ForeignPartitions { get; init; } = [];
        public bool SeesOthers { get; init; }
        public string? Directory { get; init; }
        public string[] PreparedTransactions { get; init; } = [];
        public bool HasAutovacuum { get; init; }
        public bool IsWraparound { get; init; }
        public string[] OtherBuilds { get; init; } = [];
        public long[] IndexesBeingBuilt { get; init; } = [];
        public int ActiveSessions { get; init; }
        public int Standbys { get; init; }
        public double? LagSeconds { get; init; }
    }
}
