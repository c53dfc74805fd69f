using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Audit;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>
/// The build of one index with CREATE INDEX CONCURRENTLY, which PostgreSQL does not support for a partitioned table: there each
/// partition gets its index.
/// </summary>
internal sealed class IndexBuild(
    ChangeContext context, IndexStrategy strategy, IndexChangeOptions options, IProgress<IndexChangeProgress> progress)
    : IndexChange(context, strategy, "Invoke-IndexCreation", options, progress)
{
    private readonly TableIndexBuilder tables = new(context);
    private TableInfo? table;

    // The index of a partition may exist without the whole index, so it gets no mark.
    private bool isPart;

    public IndexStrategy Strategy => strategy;
    public IndexDefinition Definition { get; set; } = strategy.Definition;
    public override string QualifiedName => Definition.QualifiedName.ToString();
    public string? IndexName { get; set; }
    public long? SizeBytes { get; set; }
    public TimeSpan? BuildTime { get; set; }

    /// <summary>Whether the clean-up found an invalid index; null before the clean-up.</summary>
    public bool? IsLeft { get; set; }

    private bool IsPartitioned => table?.Kind == RelationKind.PartitionedTable;

    /// <summary>The build of a partition's index. Its progress reports get a label.</summary>
    public IndexBuild PartOf(IndexDefinition definition, string label)
    {
        var part = new IndexBuild(
            Context, strategy with { Definition = definition }, Options, new LabelledProgress(Progress, label)) {
            isPart = true };
        part.Join(this);
        return part;
    }

    /// <summary>Runs the statement that builds the index.</summary>
    public Task RunAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var statement = Definition.ToCreateStatement(concurrently: true);
        return ActionId is { } id && !isPart
            ? connection.BuildMarkedAsync(statement, Definition.QualifiedName, id, cancellationToken)
            : connection.ExecuteDdlAsync(statement, isWatched: true, cancellationToken);
    }

    /// <summary>Adds the figures of the build of a partition's index.</summary>
    public void Add(IndexBuild part)
    {
        base.Add(part);
        BuildTime = BuildTime is { } sum ? sum + (part.BuildTime ?? TimeSpan.Zero) : part.BuildTime;
    }

    public IndexCreationResult ToResult() => new()
    {
        IndexStrategyId = strategy.Id,
        TableName = Definition.Table.ToString(),
        IndexName = IndexName ?? Definition.Name,
        IndexDefinition = Definition.ToCreateStatement(concurrently: true),
        State = End switch
        {
            ChangeEnd.Done => IndexCreationState.Created,
            ChangeEnd.NotNeeded => IndexCreationState.AlreadyExists,
            ChangeEnd.Deferred => IndexCreationState.Deferred,
            ChangeEnd.Cancelled => IndexCreationState.Cancelled,
            _ => IndexCreationState.Failed,
        },
        StartedAt = StartedAt,
        Duration = Duration,
        BuildTime = BuildTime,
        SizeBytes = SizeBytes,
        Retries = Retries,
        BlockedBy = BlockedBy.ToItemList(),
        Error = Error?.Message,
        LeftoverIndex = LeftoverIndex,
        Target = Context.Target.Target,
    };

    public override PerfMonitoringException Explain(PerfMonitoringException e) =>
        (e.InnerException as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.UniqueViolation => new PerfMonitoringException(
            ErrorIds.DuplicateValues, FailureKind.InvalidArgument,
            $"{QualifiedName}: {Innermost(e)}: the table holds duplicates.",
            "Remove the duplicates, or make the index without UNIQUE.", strategy, e),
        PostgresErrorCodes.DuplicateTable => NameTaken(e),
        PostgresErrorCodes.DiskFull => new PerfMonitoringException(
            ErrorIds.DiskFull, FailureKind.ServerError, $"{QualifiedName}: {Innermost(e)}.",
            "Make room, or build it in another tablespace; Invoke-IndexCreation -WhatIf says what it expects to need.", strategy,
            e),
        PostgresErrorCodes.ProgramLimitExceeded => new PerfMonitoringException(
            ErrorIds.IndexEntryTooLarge, FailureKind.InvalidArgument,
            $"{QualifiedName}: {Innermost(e)}: a row of the table does not fit into it.",
            EntryLimit.RemedyFor(Definition.Method), strategy, e),
        // The server's message contains the value.
        ['2', '2', ..] and not PostgresErrorCodes.InvalidParameterValue and var state => new PerfMonitoringException(
            ErrorIds.IndexExpressionFailed, FailureKind.InvalidArgument,
            $"{QualifiedName}: its expression or condition raises an error for a row of the table (SQLSTATE {state}).",
            "Write it so that it takes every row: a CASE around what can fail, or a condition that leaves such rows out.",
            strategy, e),
        _ => base.Explain(e),
    };

    /// <summary>The error for a name that another object has.</summary>
    public PerfMonitoringException NameTaken(Exception? cause) => new(
        ErrorIds.IndexNameTaken, FailureKind.AlreadyExists,
        $"{QualifiedName} is there already and is something else than {Definition.WithoutConstants}.",
        "Give the strategy another name.", strategy, cause);

    protected override async Task<uint> FindTableAsync(CancellationToken cancellationToken)
    {
        table = await Context.Catalog.GetTableAsync(Definition.Table, cancellationToken);
        Definition = Definition with { Table = table.Name };
        return table.Oid;
    }

    protected override async Task<bool> IsNeededAsync(CancellationToken cancellationToken)
    {
        await tables.WaitForOthersAsync(this, table!.Oid, Definition, cancellationToken);
        if (await FindEqualAsync(cancellationToken) is not { } equal)
        {
            return true;
        }

        IndexName = equal.Definition.Name;
        SizeBytes = IsPartitioned ? null : equal.SizeBytes;
        return false;
    }

    protected override IndexAction ToAction() => new()
    {
        Action = Options.Action,
        IndexStrategyId = strategy.Id,
        TableName = Definition.Table.ToString(),
        IndexName = Definition.Name,
        Statement = Definition.ToCreateStatement(concurrently: !IsPartitioned),
        UndoStatement = Definition.ToDropStatement(concurrently: !IsPartitioned),
        Reason = strategy.Reason.Length == 0 ? null : strategy.Reason,
    };

    protected override Task WorkAsync(BuilderGate gate, CancellationToken cancellationToken) => IsPartitioned
        ? new PartitionedIndexBuilder(Context, tables).BuildAsync(gate, this, table!, cancellationToken)
        : tables.BuildAsync(gate, this, table!, cancellationToken);

    protected override async Task<PerfMonitoringException?> MarkAsync()
    {
        if (strategy.IsStored)
        {
            return await IndexAudit.MarkAsync(
                () => Context.Strategies.UpdateAsync(
                    strategy.Id, new IndexStrategyChange { IsCreated = true, SizeBytes = SizeBytes, BuildTime = BuildTime },
                    CancellationToken.None),
                $"{QualifiedName} is there", "run Invoke-IndexCreation again: it finds the index and marks the strategy",
                strategy);
        }

        // Where the index was restored, the end in the audit has marked its strategy.
        return Options.Action == IndexActionKind.Restore && End == ChangeEnd.NotNeeded
            ? await StrategyMark.SetAsync(Context.Strategies, isThere: true, Definition)
            : null;
    }

    protected override (ChangeEnd End, PerfMonitoringException? Error) Judge(PerfMonitoringException e) =>
        base.Judge(ExplainDefinition(e));

    /// <summary>A valid index that is equivalent to the wanted one, or null.</summary>
    private async Task<TableIndex?> FindEqualAsync(CancellationToken cancellationToken)
    {
        var candidates = (await Context.Catalog.GetIndexesAsync([table!.Oid], cancellationToken))
            .Where(i =>
                i is { IsValid: true, IsReady: true, IsExclusion: false } && IndexEquality.CouldServe(i.Definition, Definition)
                && (Options.Action != IndexActionKind.Restore || i.Definition.Name == Definition.Name))
            .ToList();
        if (candidates.Find(i => IndexEquality.IsWrittenAlike(i.Definition, Definition)) is { } alike)
        {
            return alike;
        }

        foreach (var candidate in candidates)
        {
            if (await Context.Comparison.IsSameAsync(candidate, Definition, cancellationToken))
            {
                return candidate;
            }
        }

        return null;
    }

    // The server's error about a wrong definition, in a comparison or in a build.
    private PerfMonitoringException ExplainDefinition(PerfMonitoringException e) =>
        (e.InnerException as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.SyntaxError or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.UndefinedFunction
            or PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.DatatypeMismatch or PostgresErrorCodes.WrongObjectType
            or PostgresErrorCodes.InvalidObjectDefinition or PostgresErrorCodes.FeatureNotSupported
            or PostgresErrorCodes.InvalidParameterValue or PostgresErrorCodes.AmbiguousFunction => new PerfMonitoringException(
                ErrorIds.InvalidIndexDefinition, FailureKind.InvalidArgument,
                $"{QualifiedName}: {Innermost(e)}: {Definition.WithoutConstants}", "Correct the strategy.", strategy, e),
        _ => e,
    };

    private sealed class LabelledProgress(IProgress<IndexChangeProgress> inner, string label) : IProgress<IndexChangeProgress>
    {
        public void Report(IndexChangeProgress value) => inner.Report(value with { Phase = label + value.Phase });
    }
}
