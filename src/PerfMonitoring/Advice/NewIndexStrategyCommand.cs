using System.Globalization;
using System.Management.Automation;
using PerfMonitoring.Audit;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Indexes;
using PerfMonitoring.Statements;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Decides on indexes: one by hand, or a set for a whole workload.</summary>
// There is no default set, because it would accept every object of the pipeline.
[Cmdlet(
    VerbsCommon.New, "IndexStrategy",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.Low,
    HelpUri = OnlineHelp.Folder + "New-IndexStrategy.md")]
[OutputType(typeof(IndexStrategy))]
public sealed class NewIndexStrategyCommand : ConnectedCmdlet
{
    private const string ByHand = "ByHand";

    private const string Piped = "InputObject";
    private const string FromSlowQuery = "SlowQuery";
    private const string FromText = "Query";

    // Number of rejected candidates that -Verbose shows; Get-IndexCandidate lists all.
    private const int MaximumRejected = 20;

    // Number of statements that run longer than planned of which a warning tells.
    private const int MaximumMisjudged = 5;

    private readonly List<WorkloadStatement> workload = [];
    private readonly TypedQueries typed = new();
    private IndexNames names = null!;
    private bool hasStore;

    // Accepts every piped object of any type. A parameter that binds a property by its name would skip the check of the object's
    // target.
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = Piped)]
    public PSObject[] InputObject { get; set; } = [];

    [Parameter(Mandatory = true, Position = 0, ParameterSetName = ByHand)]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string TableName { get; set; } = "";

    [Parameter(Position = 1, ParameterSetName = ByHand)]
    [Alias("Columns")]
    public string[]? Column { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    public string[]? Expression { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    public string[]? Include { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    [Word(typeof(IndexType))]
    [KnownWord]
    public IndexType? IndexType { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    [Alias("WhereClause")]
    public string? Where { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    public string? IndexName { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    public SwitchParameter Unique { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    [Word(typeof(UsagePattern))]
    [KnownWord]
    public UsagePattern? UsagePattern { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = FromSlowQuery)]
    public PSObject SlowQuery { get; set; } = null!;

    [Parameter(Mandatory = true, ParameterSetName = FromText)]
    [ValidateNotNullOrEmpty]
    public string[] Query { get; set; } = [];

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromText)]
    [Alias("Calls")]
    [ValidateRange(0.0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(1, long.MaxValue)]
    [Configured("Advice.StorageBudget", IsSize = true)]
    public long? StorageBudget { get; set; }

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(1, int.MaxValue)]
    [Configured("Advice.MaximumCount")]
    public int? MaximumCount { get; set; }

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(0.0, 1.0)]
    [Configured("Advice.MinimumGain")]
    public double MinimumGain { get; set; } = new AdvisorOptions().MinimumGain;

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(0.0, double.MaxValue)]
    [Configured("Advice.WriteWeight")]
    public double WriteWeight { get; set; } = new AdvisorOptions().WriteWeight;

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [Word(typeof(WhatIfMethod))]
    [KnownWord]
    public WhatIfMethod WhatIfMethod { get; set; }

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    public SwitchParameter Force { get; set; }

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(0.0, double.MaxValue)]
    public double MaximumRegression { get; set; }

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [Duration("1ms", "24d")]
    [Configured("Advice.TimeLimit")]
    public TimeSpan? TimeLimit { get; set; }

    [Parameter(ParameterSetName = Piped)]
    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [Duration("0s", "3650d")]
    [Configured("Advice.ReproposeAfter")]
    public TimeSpan ReproposeAfter { get; set; } = TimeSpan.FromDays(90);

    [Parameter]
    [Word(typeof(MaintenanceWindow))]
    [KnownWord]
    [Configured("Advice.MaintenanceWindow")]
    public MaintenanceWindow? MaintenanceWindow { get; set; }

    // Real indexes are tried on a copy, with the slow queries of the original.
    internal override Routing Routing => WhatIfMethod == WhatIfMethod.Transaction ? Routing.Each : Routing.Own;

    internal override void BeginWork()
    {
        base.BeginWork();
        Run(() =>
        {
            hasStore = Await(Connection.Store.IsReadyAsync);
            if (!hasStore)
            {
                WriteWarning(
                    $"{Connection.StoreTarget} has no PerfMonitoring store: the strategies are not stored. "
                        + $"Initialize-PerfMonitoringStore makes one.");
            }

            names = new IndexNames(Connection.Catalog, hasStore ? Connection.Strategies : null);
        });
    }

    internal override void ProcessItem()
    {
        switch (ParameterSetName)
        {
            case Piped:
                Array.ForEach(InputObject, item => ForItem(item, () => Take(item)));
                break;
            case FromSlowQuery:
                ForItem(SlowQuery, () => Take(SlowQuery));
                break;
            case FromText:
                workload.AddRange(typed.Read(Query, Weight, failure => WriteError(Errors.Record(failure))));
                break;
            default:
                ForItem(TableName, Propose);
                break;
        }
    }

    internal override void EndWork()
    {
        if (workload.Count > 0)
        {
            Run(Advise);
        }
    }

    private void Take(PSObject item)
    {
        if (item.BaseObject is SlowQuery query)
        {
            Collect(query);
            return;
        }

        if (item.BaseObject is string text)
        {
            Collect(text, Weight);
            return;
        }

        var read = new PipelineObject(
            item, "a slow query, a text, or a row that describes an index",
            "Pipe what Get-SlowQuery gives, texts, or rows with Query and Calls, or with TableName and Column.");
        if (read.HasTarget)
        {
            read.MustBeOf(Connection.Target);
        }

        if (read.Has("TableName") && !read.Has("Query"))
        {
            Propose(read);
        }
        else
        {
            Collect(read, item);
        }
    }

    private void Collect(string texts, double weight)
    {
        foreach (var statement in QueryText.Split(texts))
        {
            var normalized = QueryText.Normalize(statement);
            workload.Add(
                new WorkloadStatement(statement, QueryText.Hash(normalized), QueryText.Shorten(normalized), weight, null));
        }
    }

    // Rows with a text and a weight count as typed statements. An object with a source or a fingerprint is a slow query.
    private void Collect(PipelineObject read, PSObject item)
    {
        var text = read.NeedText("Query");
        var calls = read.Get<double>("Weight") ?? read.Get<double>("Calls");
        if (calls < 0)
        {
            throw read.Unreadable("Calls", calls.Value, "0 or more");
        }

        if (!read.HasTarget && !read.Has("QueryHash"))
        {
            Collect(text, calls ?? Weight);
            return;
        }

        var hash = QueryText.Hash(QueryText.Normalize(text));
        var told = read.Text("QueryHash") ?? hash;
        if (!hash.Equals(told, StringComparison.OrdinalIgnoreCase) && text.Length < QueryText.MaximumPatternLength)
        {
            throw new PerfMonitoringException(
                ErrorIds.QueryHashMismatch, FailureKind.InvalidArgument,
                $"{told} is not the fingerprint of the text beside it: the text was changed or cut.",
                "Pipe what Get-SlowQuery gives, or Select-Object Query, Calls to use the text as it is.", item);
        }

        // A missing value is unknown, and not 0.
        var rows = read.Get<double>("Rows");
        var (since, until) = (read.Get<DateTimeOffset>("Since"), read.Get<DateTimeOffset>("Until"));
        Add(
            new WorkloadStatement(
                text, told.ToLowerInvariant(), QueryText.Shorten(text), calls ?? Weight, read.Get<double>("MeanTimeMs"))
            {
                RowsPerCall = calls >= 1 ? rows / calls : null,
                Window = calls is null || !read.HasTarget ? null : WindowOf(since, until),
            },
            read.Text("DatabaseName"), Connection.Target);
    }

    private static TimeSpan WindowOf(DateTimeOffset? since, DateTimeOffset? until) =>
        since is { } from ? (until ?? DateTimeOffset.UtcNow) - from : TimeSpan.MaxValue;

    private void Add(WorkloadStatement statement, string? database, ServerTarget target)
    {
        if (database is not null && database != target.Database)
        {
            WriteVerbose($"Statement {statement.QueryHash} ran in database {database} and is left out.");
            return;
        }

        workload.Add(statement);
    }

    private void Collect(SlowQuery query)
    {
        // On a copy, real indexes are tried and the slow queries come from the original database.
        var original = query.Target is { } seen && !seen.IsSameDatabaseAs(Connection.Target) ? seen : null;
        if (original is not null && WhatIfMethod != WhatIfMethod.Transaction)
        {
            throw Errors.OtherDatabase("The slow query", original, Connection.Target, query);
        }

        // The copy's counters of writes say nothing about the writes of the original's workload.
        var window = original is null ? WindowOf(query.Since, query.Until) : (TimeSpan?)null;
        Add(WorkloadStatement.From(query) with { Window = window }, query.DatabaseName, original ?? Connection.Target);
    }

    private void Propose() => Propose(
        TableName,
        new IndexRequest
        {
            Columns = Given(Column),
            Expressions = Given(Expression),
            Include = Given(Include),
            Type = IndexType,
            Where = Given(Where),
            IndexName = Given(IndexName),
            IsUnique = Unique,
        },
        UsagePattern,
        MaintenanceWindow);

    private void Propose(PipelineObject row) => Propose(
        row.NeedText("TableName"),
        new IndexRequest
        {
            Columns = Given(row.Has("Column") ? row.Texts("Column") : row.Texts("Columns")),
            Expressions = Given(row.Texts("Expression")),
            Include = Given(row.Texts("Include")),
            Type = row.Get<IndexType>("IndexType"),
            Where = row.Text("Where") ?? row.Text("WhereClause"),
            IndexName = row.Text("IndexName"),
        },
        row.Get<UsagePattern>("UsagePattern"),
        row.Get<MaintenanceWindow>("MaintenanceWindow") ?? MaintenanceWindow);

    private void Propose(string table, IndexRequest request, UsagePattern? usagePattern, MaintenanceWindow? window)
    {
        var requested = new RequestedStrategy(Connection.Catalog, Connection.DefinitionCheck, names, Connection.Target);
        var (strategy, warning) = Await(token => requested.CreateAsync(
            RelationName.Parse(table), request, usagePattern, window ?? Strategies.MaintenanceWindow.Immediate, token));
        if (warning is not null)
        {
            WriteWarning(warning);
        }

        Write([strategy]);
    }

    private void Advise()
    {
        if (WhatIfMethod == WhatIfMethod.Transaction
            && !ShouldProcess(
                Connection.Target.ToString(),
                "Build indexes in a transaction that is rolled back; writes to their tables wait until then"))
        {
            return;
        }

        var options = new AdvisorOptions
        {
            StorageBudget = StorageBudget,
            MaximumCount = MaximumCount,
            MinimumGain = MinimumGain,
            WriteWeight = WriteWeight,
            MaximumRegression = MaximumRegression,
            TimeLimit = TimeLimit,
            MaintenanceWindow = MaintenanceWindow ?? Strategies.MaintenanceWindow.Immediate,
            Reverted = hasStore
                ? Await(token =>
                    RevertedIndexes.GetAsync(Connection.Actions, DateTimeOffset.UtcNow - ReproposeAfter, token))
                : new AdvisorOptions().Reverted,
        };
        var advisor = new IndexAdvisor(
            Connection.Catalog, WhatIfMethod == WhatIfMethod.Transaction ? Connection.GetRealWhatIf(Force) : Connection.WhatIf,
            names, Connection.Target);
        var statements = workload.ConvertAll(s => s with { Origin = s.Origin with { MayRunAnyCode = Force } });
        var advice = AwaitWithProgress<AdvisorProgress, IndexAdvice>(
            (progress, token) => advisor.AdviseAsync(statements, options, progress, token),
            report => WriteProgress(new ProgressRecord(1, "New-IndexStrategy", report.Activity)
            {
                PercentComplete = Math.Clamp(report.Percent, 0, 100),
                CurrentOperation = $"The planner was asked {report.Calls} times",
            }));
        LastAdvice.Set(CurrentSession, advice);
        if (Stopping)
        {
            // A stopped pipeline takes neither objects nor warnings, but the host takes lines.
            SayToHost(
                $"The search was stopped. Get-IndexCandidate -Chosen gives the best set so far: {advice.Strategies.Count} "
                    + $"indexes; nothing was stored.");
            throw new PipelineStoppedException();
        }

        WriteProgress(new ProgressRecord(1, "New-IndexStrategy", "Done") { RecordType = ProgressRecordType.Completed });
        WriteLeftOut(advice);
        if (advice.IsCutShort)
        {
            WriteWarning($"The time limit of {TimeLimit} is over: this is the best set so far.");
        }

        foreach (var hint in advice.Hints)
        {
            WriteWarning(hint);
        }

        WriteMisjudged(advice.Misjudged);
        foreach (var lost in advice.LostExpressions)
        {
            WriteWarning(
                $"Query {lost.QueryHash} ({Shown(lost.Pattern)}) searches {lost.TableName} by an expression whose "
                    + $"constants pg_stat_statements did not keep: pass the statement with its constants to -Query, with its "
                    + $"calls as -Weight, to get an index on the expression.");
        }

        foreach (var candidate in advice.Candidates.Where(
            c => c.Verdict is not (CandidateVerdict.Chosen or CandidateVerdict.NotUsed)).Take(MaximumRejected))
        {
            var gain = candidate.GainShare is { } share ? $"; its gain alone: {100 * share:0.0##} %" : "";
            WriteVerbose(
                $"Not chosen: {QueryText.HideConstants(candidate.IndexDefinition)} "
                    + $"({ByteSize.InMegabytes(candidate.SizeBytes)}{gain}). "
                    + $"{candidate.Reason}");
        }

        WriteVerbose($"{advice.Strategies.Count} of {advice.Candidates.Count} candidates are chosen; "
            + $"the planner was asked {advice.Calls} times; its cost of the workload: {advice.CostBefore:N0} without them, "
            + $"{advice.CostAfter:N0} with them.");
        Write(advice.Strategies);
        var leftOut = advice.Skipped.Count > 0 ? $"; {advice.Skipped.Count} left out" : "";
        var (indexes, queries) = (advice.Strategies.Count, advice.Statements + advice.Skipped.Count);
        Say($"{indexes} {(indexes == 1 ? "index" : "indexes")} chosen for {queries} {(queries == 1 ? "query" : "queries")}"
            + $"{leftOut}.{Knee(advice.Strategies)}");
    }

    // Where the ranking bends: most of the gain comes from the first indexes.
    private static string Knee(IReadOnlyList<IndexStrategy> ranked)
    {
        var all = ranked.Sum(s => s.MarginalGain ?? 0);
        var (count, gain) = (0, 0.0);
        while (count < ranked.Count && gain < 0.9 * all)
        {
            gain += ranked[count++].MarginalGain ?? 0;
        }

        return count == 0 || count == ranked.Count ? ""
            : $" The first {(count == 1 ? "has 90 % of the gain and takes" : $"{count} have 90 % of the gain and take")} "
                + $"{ByteSize.InMegabytes(ranked.Take(count).Sum(s => s.SizeBytes ?? 0))} of "
                + $"{ByteSize.InMegabytes(ranked.Sum(s => s.SizeBytes ?? 0))}.";
    }

    private static string Shown(string text) => TypedQueries.Shown(QueryText.Normalize(text));

    private void WriteMisjudged(IReadOnlyList<MisjudgedStatement> statements)
    {
        foreach (var (statement, i) in statements.Select((s, i) => (s, i)))
        {
            Action<string> write = i < MaximumMisjudged ? WriteWarning : WriteVerbose;
            var factor = statement.Factor.ToString("N0", CultureInfo.InvariantCulture);
            write(string.Create(
                CultureInfo.InvariantCulture,
                $"Query {statement.QueryHash} ({Shown(statement.Pattern)}): {statement.MeanTimeMs:0.#} ms for "
                    + $"{statement.Cost:N0} units of cost: the planner expects this to be {factor} times as fast. ")
                + (statement.Written.Count > 0 ? "Triggers, foreign keys and locks, which no plan shows, may take the time."
                    : "Its advice may be wrong: ANALYZE its tables, and compare EXPLAIN (ANALYZE) with real values."));
        }

        if (statements.Count > MaximumMisjudged)
        {
            WriteWarning($"{statements.Count - MaximumMisjudged} more queries run much longer than the planner expects; -Verbose "
                + $"names them.");
        }
    }

    // A log contains many VACUUM, SET and BEGIN statements, and statements on catalogs. One line summarizes them.
    private void WriteLeftOut(IndexAdvice advice)
    {
        var texts = workload.ToLookup(s => s.QueryHash);
        foreach (var skipped in advice.Skipped.Where(s => s.Untrusted is null))
        {
            if (typed.Failure(skipped) is { } failure)
            {
                WriteError(Errors.Record(failure));
                continue;
            }

            Action<string> write = skipped.IsUtility ? WriteVerbose : WriteWarning;
            var text = texts[skipped.QueryHash].First().Text;
            write($"Statement {skipped.QueryHash} ({Shown(text)}) is left out: {skipped.Reason}");
        }

        if (advice.Skipped.Select(s => s.Untrusted).OfType<UntrustedStatement>().ToList() is { Count: > 0 } untrusted)
        {
            WriteWarning(
                UntrustedStatement.Describe(
                    untrusted, "are left out (-Force plans them all the same; see about_PerfMonitoring_Security)"));
        }

        if (ParameterSetName != FromText && advice.Skipped.Count(s => s.IsUtility) is > 0 and var utilities)
        {
            WriteWarning(
                $"{utilities} of {workload.Count} statements are left out, since they are not SELECT, INSERT, UPDATE, DELETE, "
                    + $"MERGE or VALUES; -Verbose names them.");
        }

        foreach (var table in advice.PassedOver)
        {
            Action<string> write = table.IsExpected ? WriteVerbose : WriteWarning;
            write($"Table {table.TableName} gets no advice: {table.Reason}");
        }
    }

    // A stored strategy is written with its id in the store; others are written as they are.
    private void Write(IReadOnlyList<IndexStrategy> strategies)
    {
        var stored = strategies.Where(
            s => hasStore && ShouldProcess(Connection.StoreTarget.ToString(), s.Definition, "Store strategy: ")).ToList();
        var kept = stored.Count == 0 ? [] : Await(token => Connection.Strategies.AddAsync(stored, token));
        foreach (var strategy in strategies)
        {
            WriteObject(stored.IndexOf(strategy) is >= 0 and var i ? kept[i] : strategy);
        }
    }

    // Import-Csv returns empty texts for empty cells.
    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string[] Given(string[]? texts) => [.. (texts ?? []).Where(t => !string.IsNullOrWhiteSpace(t))];
}
