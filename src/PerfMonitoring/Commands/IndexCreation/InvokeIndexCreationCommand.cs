using System.Management.Automation;
using PerfMonitoring.Creation;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Commands.IndexCreation;

/// <summary>Builds the indexes of strategies without blocking writes.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IndexCreation", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = StrategySet)]
[OutputType(typeof(IndexCreationResult), typeof(IndexPreflight))]
public sealed class InvokeIndexCreationCommand : ConnectedCmdlet
{
    private const string StrategySet = "Strategy";
    private const string IdSet = "Id";
    private const string PendingSet = "Pending";

    /// <summary>What to build.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = StrategySet)]
    public IndexStrategy[] InputObject { get; set; } = [];

    /// <summary>Ids of stored strategies.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = IdSet)]
    [Alias("IndexStrategyId")]
    public Guid[] Id { get; set; } = [];

    /// <summary>All stored strategies of this database that are not created yet.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PendingSet)]
    public SwitchParameter Pending { get; set; }

    /// <summary>Waits for the maintenance window of each strategy.</summary>
    [Parameter]
    public SwitchParameter WaitForWindow { get; set; }

    /// <summary>Builds whatever the maintenance window says.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>How long to wait for the lock on the table; zero waits for ever.</summary>
    [Parameter]
    public TimeSpan LockTimeout { get; set; } = new IndexBuildOptions().LockTimeout;

    /// <summary>How long each wait for other transactions may last; zero waits for ever.</summary>
    [Parameter]
    public TimeSpan SnapshotTimeout { get; set; } = new IndexBuildOptions().SnapshotTimeout;

    /// <summary>How often it is tried again after such a wait was too long.</summary>
    [Parameter]
    [ValidateRange(0, 100)]
    public int MaximumRetry { get; set; } = new IndexBuildOptions().MaximumRetry;

    /// <summary>maintenance_work_mem of the build, for example 512MB.</summary>
    [Parameter]
    [ValidatePattern("^[0-9]+ ?(kB|MB|GB|TB)?$", Options = System.Text.RegularExpressions.RegexOptions.None)]
    public string? MaintenanceWorkMem { get; set; }

    /// <summary>By how many bytes the indexes of this run may let the database grow.</summary>
    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    public long? MaximumDatabaseGrowth { get; set; }

    /// <summary>While more sessions are active than this, a build does not begin.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    public int? MaximumActiveSession { get; set; }

    /// <summary>While a standby is further behind than this, a build does not begin.</summary>
    [Parameter]
    public TimeSpan? MaximumReplicationLag { get; set; }

    /// <summary>How long to wait for the load to go down.</summary>
    [Parameter]
    public TimeSpan LoadTimeout { get; set; } = new IndexCreationOptions().LoadTimeout;

    /// <summary>Builds though the server then cancels the autovacuum of the table.</summary>
    [Parameter]
    public SwitchParameter CancelAutovacuum { get; set; }

    private IndexCreator Creator { get; set; } = null!;

    private bool IsWhatIf => MyInvocation.BoundParameters.TryGetValue("WhatIf", out var given)
        ? (SwitchParameter)given
        : LanguagePrimitives.IsTrue(GetVariableValue("WhatIfPreference"));

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() =>
        {
            CheckTime(nameof(LockTimeout), LockTimeout, "wait for ever");
            CheckTime(nameof(SnapshotTimeout), SnapshotTimeout, "wait for ever");
            CheckTime(nameof(LoadTimeout), LoadTimeout, "not wait");
            CheckTime(nameof(MaximumReplicationLag), MaximumReplicationLag ?? TimeSpan.Zero, "allow none");
        });
        Creator = new IndexCreator(Connection, new IndexCreationOptions
        {
            Build = new IndexBuildOptions
            {
                LockTimeout = LockTimeout,
                SnapshotTimeout = SnapshotTimeout,
                MaximumRetry = MaximumRetry,
                MaintenanceWorkMem = MaintenanceWorkMem,
            },
            Force = Force,
            WaitForWindow = WaitForWindow,
            MaximumDatabaseGrowth = MaximumDatabaseGrowth,
            MaximumActiveSession = MaximumActiveSession,
            MaximumReplicationLag = MaximumReplicationLag,
            LoadTimeout = LoadTimeout,
            CancelAutovacuum = CancelAutovacuum,
        });
    }

    protected override void ProcessRecord()
    {
        IReadOnlyList<IndexStrategy> strategies = InputObject;
        Run(() => strategies = ParameterSetName switch
        {
            IdSet => Find(new IndexStrategyFilter { Ids = Id, IncludeInactive = true }),
            PendingSet => Pending ? Find(new IndexStrategyFilter { IsCreated = false }) : [],
            _ => InputObject,
        });
        foreach (var missing in ParameterSetName == IdSet ? Id.Except(strategies.Select(s => s.Id)) : [])
        {
            WriteError(Errors.Record(new PerfMonitoringException(
                "StrategyNotFound", FailureKind.NotFound,
                $"The store in {Connection.StoreTarget} has no index strategy {missing} for {Connection.Target}.", "Get-IndexStrategy lists them.", missing)));
        }

        foreach (var strategy in strategies)
        {
            ForItem(strategy, () => Create(strategy));
        }
    }

    // A bare number is ticks to PowerShell: 30 would be 3 microseconds.
    private static void CheckTime(string parameter, TimeSpan value, string zero)
    {
        if (value != TimeSpan.Zero && value.TotalMilliseconds is < 1 or > int.MaxValue)
        {
            throw new PerfMonitoringException(
                "Invalid" + parameter, FailureKind.InvalidArgument, $"-{parameter} is {value.TotalSeconds} s; it must be 0 or from 1 ms to 24 days.",
                $"Write it as hours:minutes:seconds, 00:00:30 for 30 seconds, or 0 to {zero}.", value);
        }
    }

    private List<IndexStrategy> Find(IndexStrategyFilter filter) => Await(async token =>
    {
        var found = new List<IndexStrategy>();
        await foreach (var strategy in Connection.Strategies.GetAsync(filter, token))
        {
            found.Add(strategy);
        }

        return found;
    });

    private void Create(IndexStrategy strategy)
    {
        if (strategy.Target is { } other && !other.IsSameDatabaseAs(Connection.Target))
        {
            throw new PerfMonitoringException(
                "WrongServer", FailureKind.InvalidArgument,
                $"The strategy for {strategy.IndexName} is for {other}; this session is connected to {Connection.Target}.",
                "Pass the -Session of that database.", strategy);
        }

        if (!strategy.IsActive)
        {
            throw new PerfMonitoringException(
                "StrategyRemoved", FailureKind.InvalidArgument, $"The strategy for {strategy.IndexName} on {strategy.TableName} was removed.",
                "Make it anew with New-IndexStrategy.", strategy);
        }

        if (IsWhatIf)
        {
            ShouldProcess($"{strategy.TableName} in {Connection.Target}", strategy.IndexDefinition);
            WriteObject(Await(token => Creator.CheckAsync(strategy, token)), enumerateCollection: true);
            return;
        }

        // What waits for another day needs no question.
        var window = Await(token => Creator.CheckWindowAsync(strategy, token));
        if (Creator.IsDeferredBy(window))
        {
            WriteObject(Creator.Deferred(strategy, window, DateTimeOffset.UtcNow));
            return;
        }

        if (!ShouldProcess($"{strategy.TableName} in {Connection.Target}", strategy.IndexDefinition))
        {
            return;
        }

        var (result, error) = Build(strategy);
        WriteProgress(new ProgressRecord(0, "Creating index", "Done") { RecordType = ProgressRecordType.Completed });
        WriteObject(result);
        if (error is not null)
        {
            throw error;
        }
    }

    private (IndexCreationResult Result, PerfMonitoringException? Error) Build(IndexStrategy strategy)
    {
        try
        {
            return AwaitWithProgress<IndexCreationProgress, (IndexCreationResult, PerfMonitoringException?)>(
                (progress, token) => Creator.CreateAsync(strategy, progress, token), report => Show(strategy, report));
        }
        catch (PerfMonitoringException e) when (Stopping)
        {
            // A stopped pipeline takes no error any more, and what is left must not go unsaid.
            Host.UI.WriteWarningLine(e.Remedy is null ? e.Message : $"{e.Message} {e.Remedy}");
            throw new PipelineStoppedException();
        }
    }

    private void Show(IndexStrategy strategy, IndexCreationProgress report)
    {
        var blockers = report.Blockers.Count == 0 ? "" : "waits for " + string.Join(", ", report.Blockers);
        WriteProgress(new ProgressRecord(0, $"Creating index {strategy.IndexName} on {strategy.TableName}", report.Phase)
        {
            // -1 shows no bar: unknown is not 0 %.
            PercentComplete = report.Percent is { } percent ? (int)percent : -1,
            SecondsRemaining = report.Remaining is { } remaining ? (int)Math.Min(Math.Max(0, remaining.TotalSeconds), int.MaxValue) : -1,
            CurrentOperation = blockers.Length == 0 ? null : blockers,
        });
    }
}
