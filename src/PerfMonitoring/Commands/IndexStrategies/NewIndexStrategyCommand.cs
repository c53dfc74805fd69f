using System.Management.Automation;
using PerfMonitoring.Advisor;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Queries;
using PerfMonitoring.Verification;

namespace PerfMonitoring.Commands.IndexStrategies;

/// <summary>Decides on indexes: one by hand, or a set for a whole workload.</summary>
// Without a default set: a default one would take every object of the pipeline for its own.
[Cmdlet(VerbsCommon.New, "IndexStrategy", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(IndexStrategy))]
public sealed class NewIndexStrategyCommand : ConnectedCmdlet
{
    private const string ByHand = "ByHand";

    private const string FromSlowQuery = "SlowQuery";
    private const string FromText = "Query";

    // Rejected candidates that -Verbose shows; Get-IndexCandidate has them all.
    private const int MaximumRejected = 20;

    private readonly List<WorkloadStatement> workload = [];
    private IndexNames names = null!;
    private bool hasStore;

    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string TableName { get; set; } = "";

    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    [Alias("Columns")]
    public string[]? Column { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    public string[]? Expression { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    public string[]? Include { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    public IndexType? IndexType { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    [Alias("WhereClause")]
    public string? Where { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    public string? IndexName { get; set; }

    [Parameter(ParameterSetName = ByHand)]
    public SwitchParameter Unique { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = ByHand)]
    public UsagePattern? UsagePattern { get; set; }

    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = FromSlowQuery)]
    public SlowQuery SlowQuery { get; set; } = null!;

    [Parameter(Mandatory = true, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = FromText)]
    [ValidateNotNullOrEmpty]
    public string[] Query { get; set; } = [];

    [Parameter(ValueFromPipelineByPropertyName = true, ParameterSetName = FromText)]
    [Alias("Calls")]
    [ValidateRange(0.0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(1, long.MaxValue)]
    public long? StorageBudget { get; set; }

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(1, int.MaxValue)]
    public int? MaximumCount { get; set; }

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(0.0, 1.0)]
    public double MinimumImprovement { get; set; } = new AdvisorOptions().MinimumImprovement;

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(0.0, double.MaxValue)]
    public double WriteWeight { get; set; } = new AdvisorOptions().WriteWeight;

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    public WhatIfMethod WhatIfMethod { get; set; }

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    public SwitchParameter Force { get; set; }

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [ValidateRange(0.0, double.MaxValue)]
    public double MaximumRegression { get; set; }

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    public TimeSpan? TimeLimit { get; set; }

    [Parameter(ParameterSetName = FromSlowQuery)]
    [Parameter(ParameterSetName = FromText)]
    [Duration]
    public TimeSpan ReproposeAfter { get; set; } = TimeSpan.FromDays(90);

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public MaintenanceWindow? MaintenanceWindow { get; set; }

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() =>
        {
            if (TimeLimit?.TotalMilliseconds is < 1 or > int.MaxValue)
            {
                throw new PerfMonitoringException(
                    "InvalidTimeLimit", FailureKind.InvalidArgument, $"-TimeLimit is {TimeLimit.Value.TotalSeconds} s; it must be from 1 ms to 24 days.",
                    "Write it as hours:minutes:seconds, 00:00:30 for 30 seconds.", TimeLimit);
            }

            if (ReproposeAfter < TimeSpan.Zero || ReproposeAfter > TimeSpan.FromDays(3650))
            {
                throw new PerfMonitoringException(
                    "InvalidReproposeAfter", FailureKind.InvalidArgument, $"-ReproposeAfter is {ReproposeAfter}; it must be from 0 to 10 years.",
                    "Write 90d for 90 days, or 0d to propose again at once what was taken back.", ReproposeAfter);
            }

            hasStore = Await(Connection.Store.IsReadyAsync);
            if (!hasStore)
            {
                WriteWarning($"{Connection.StoreTarget} has no PerfMonitoring store: the strategies are not stored. Initialize-PerfMonitoringStore makes one.");
            }

            names = new IndexNames(Connection.Catalog, hasStore ? Connection.Strategies : null);
        });
    }

    protected override void ProcessRecord()
    {
        switch (ParameterSetName)
        {
            case FromSlowQuery:
                ForItem(SlowQuery, () => Collect(SlowQuery));
                break;
            case FromText:
                foreach (var statement in Query.SelectMany(QueryText.Split))
                {
                    var normalized = QueryText.Normalize(statement);
                    workload.Add(new WorkloadStatement(statement, QueryText.Hash(normalized), QueryText.Shorten(normalized), Weight, null));
                }

                break;
            default:
                ForItem(TableName, Propose);
                break;
        }
    }

    protected override void EndProcessing()
    {
        if (workload.Count > 0)
        {
            Run(Advise);
        }
    }

    private void Collect(SlowQuery query)
    {
        // Real indexes are tried on a copy: there the slow queries are those of the original.
        var original = query.Target is { } seen && !seen.IsSameDatabaseAs(Connection.Target) ? seen : null;
        if (original is not null && WhatIfMethod != WhatIfMethod.Transaction)
        {
            throw Errors.OtherDatabase("The slow query", original, Connection.Target, query);
        }

        if (query.DatabaseName is { } database && database != (original ?? Connection.Target).Database)
        {
            WriteVerbose($"Statement {query.QueryHash} ran in database {database} and is left out.");
            return;
        }

        workload.Add(WorkloadStatement.From(query) with
        {
            // What a copy counted of writes is not what the original's workload did.
            Window = original is not null ? null : query.Since is { } since ? (query.Until ?? DateTimeOffset.UtcNow) - since : TimeSpan.MaxValue,
        });
    }

    private void Propose()
    {
        var request = new IndexRequest
        {
            Columns = Given(Column),
            Expressions = Given(Expression),
            Include = Given(Include),
            Type = IndexType,
            Where = Given(Where),
            IndexName = Given(IndexName),
            IsUnique = Unique,
        };
        var requested = new RequestedStrategy(Connection.Catalog, names, Connection.Target);
        Write([Await(token => requested.CreateAsync(
            RelationName.Parse(TableName), request, UsagePattern, MaintenanceWindow ?? Model.MaintenanceWindow.Immediate, token))]);
    }

    private void Advise()
    {
        if (WhatIfMethod == WhatIfMethod.Transaction
            && !ShouldProcess(Connection.Target.ToString(), "Build indexes in a transaction that is rolled back; writes to their tables wait until then"))
        {
            return;
        }

        var options = new AdvisorOptions
        {
            StorageBudget = StorageBudget,
            MaximumCount = MaximumCount,
            MinimumImprovement = MinimumImprovement,
            WriteWeight = WriteWeight,
            MaximumRegression = MaximumRegression,
            TimeLimit = TimeLimit,
            MaintenanceWindow = MaintenanceWindow ?? Model.MaintenanceWindow.Immediate,
            Reverted = hasStore
                ? Await(token => IndexReversion.GetRevertedAsync(Connection.Actions, DateTimeOffset.UtcNow - ReproposeAfter, token))
                : new AdvisorOptions().Reverted,
        };
        var advisor = new IndexAdvisor(
            Connection.Catalog, WhatIfMethod == WhatIfMethod.Transaction ? Connection.GetRealWhatIf(Force) : Connection.WhatIf, names, Connection.Target);
        var advice = AwaitWithProgress<AdvisorProgress, Advice>(
            (progress, token) => advisor.AdviseAsync(workload, options, progress, token),
            report => WriteProgress(new ProgressRecord(1, "New-IndexStrategy", report.Activity)
            {
                PercentComplete = Math.Clamp(report.Percent, 0, 100),
                CurrentOperation = $"The planner was asked {report.Calls} times",
            }));
        CurrentSession.LastAdvice = advice;
        if (Stopping)
        {
            // A stopped pipeline takes no objects and no warnings any more; the host does.
            SayToHost($"The search was stopped. Get-IndexCandidate -Chosen gives the best set so far: {advice.Strategies.Count} indexes; nothing was stored.");
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

        foreach (var candidate in advice.Candidates.Where(c => c.Verdict is not (CandidateVerdict.Chosen or CandidateVerdict.NotUsed)).Take(MaximumRejected))
        {
            var saving = candidate.SavingShare is { } share ? $"; alone it saves {100 * share:0.0##} %" : "";
            WriteVerbose($"Not chosen: {QueryText.HideConstants(candidate.IndexDefinition)} ({candidate.SizeBytes / 1048576.0:N1} MB{saving}). {candidate.Reason}");
        }

        WriteVerbose($"{advice.Strategies.Count} of {advice.Candidates.Count} indexes chosen for {advice.Statements} statements; "
            + $"the planner was asked {advice.Calls} times; its cost of the workload: {advice.CostBefore:N0} without them, {advice.CostAfter:N0} with them.");
        Write(advice.Strategies);
    }

    // A log is full of VACUUM, SET and BEGIN, and of statements on catalogs: one line says that they were seen.
    private void WriteLeftOut(Advice advice)
    {
        foreach (var skipped in advice.Skipped)
        {
            Action<string> write = skipped.IsUtility ? WriteVerbose : WriteWarning;
            write($"Statement {skipped.QueryHash} is left out: {skipped.Reason}");
        }

        if (advice.Skipped.Count(s => s.IsUtility) is > 0 and var utilities)
        {
            WriteWarning($"{utilities} of {workload.Count} statements are left out, since they are not SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES; -Verbose names them.");
        }

        foreach (var table in advice.PassedOver)
        {
            Action<string> write = table.IsExpected ? WriteVerbose : WriteWarning;
            write($"Table {table.TableName} gets no advice: {table.Reason}");
        }
    }

    // What is stored comes back with its id in the store; what is not travels on as it is.
    private void Write(IReadOnlyList<IndexStrategy> strategies)
    {
        var stored = strategies.Where(s => hasStore && ShouldProcess(Connection.StoreTarget.ToString(), $"Store strategy: {s.Definition.WithoutConstants}")).ToList();
        var kept = stored.Count == 0 ? [] : Await(token => Connection.Strategies.AddAsync(stored, token));
        foreach (var strategy in strategies)
        {
            WriteObject(stored.IndexOf(strategy) is >= 0 and var i ? kept[i] with { MarginalGain = strategy.MarginalGain, Replaces = strategy.Replaces } : strategy);
        }
    }

    // Import-Csv gives empty texts where nothing was written.
    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string[] Given(string[]? texts) => [.. (texts ?? []).Where(t => !string.IsNullOrWhiteSpace(t))];
}
