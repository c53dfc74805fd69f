using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Changes;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>The build of one index.</summary>
internal sealed class IndexBuild(
    Database target, IndexStrategy strategy, IndexChangeOptions options, IProgress<IndexChangeProgress> progress)
    : IndexChange(target, strategy, "Invoke-IndexCreation", options, progress)
{
    // The index of a partition may exist without the whole index, so it gets no mark.
    private bool isPart;

    public IndexStrategy Strategy => strategy;
    public IndexDefinition Definition { get; set; } = strategy.Definition;
    public override string QualifiedName => Definition.QualifiedName.ToString();
    public bool IsPartitioned { get; set; }
    public string? IndexName { get; set; }
    public IndexCreationState State { get; set; }
    public long? SizeBytes { get; set; }
    public TimeSpan? BuildTime { get; set; }
    public PerfMonitoringException? Error { get; set; }

    /// <summary>Whether the clean-up found an invalid index; null before the clean-up.</summary>
    public bool? IsLeft { get; set; }

    /// <summary>The build of a partition's index. Its progress reports get a label.</summary>
    public IndexBuild PartOf(IndexDefinition definition, string label)
    {
        var part = new IndexBuild(
            Database, strategy with { Definition = definition }, Options, new LabelledProgress(Progress, label)) {
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
        State = State,
        StartedAt = StartedAt,
        Duration = Duration,
        BuildTime = BuildTime,
        SizeBytes = SizeBytes,
        Retries = Retries,
        BlockedBy = BlockedBy,
        Error = Error?.Message,
        LeftoverIndex = LeftoverIndex,
        Target = Database.Target,
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

    /// <summary>Explains the server's error about a wrong definition, in a comparison or in a build.</summary>
    public PerfMonitoringException ExplainDefinition(PerfMonitoringException e) =>
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
