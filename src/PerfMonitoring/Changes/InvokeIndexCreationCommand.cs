using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Changes;

/// <summary>Builds the indexes of strategies without blocking writes.</summary>
[Cmdlet(
    VerbsLifecycle.Invoke, "IndexCreation",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High,
    DefaultParameterSetName = StrategySet,
    HelpUri = OnlineHelp.Folder + "Invoke-IndexCreation.md")]
[OutputType(typeof(IndexCreationResult), typeof(IndexPreflight))]
public sealed class InvokeIndexCreationCommand : IndexChangeCmdlet
{
    private const string StrategySet = "Strategy";
    private const string IdSet = "Id";
    private const string PendingSet = "Pending";

    /// <summary>The strategies to build.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = StrategySet)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Ids of stored strategies.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
    [Alias("IndexStrategyId")]
    public Guid[] Id { get; set; } = [];

    /// <summary>All stored strategies of this database whose index does not exist.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PendingSet)]
    public SwitchParameter Pending { get; set; }

    /// <summary>Waits for the maintenance window of each strategy.</summary>
    [Parameter]
    public SwitchParameter WaitForWindow { get; set; }

    /// <summary>Builds outside the maintenance window too.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>How long each wait for other transactions may last; zero waits for ever.</summary>
    [Parameter]
    [Duration("1ms", "24d", OrZero = true)]
    [Configured("IndexChange.SnapshotTimeout")]
    public TimeSpan SnapshotTimeout { get; set; } = new IndexChangeOptions().SnapshotTimeout;

    /// <summary>maintenance_work_mem of the build, for example 512MB.</summary>
    [Parameter]
    [ConfiguredMemory("IndexCreation.MaintenanceWorkMem")]
    public string? MaintenanceWorkMem { get; set; }

    /// <summary>The largest allowed growth of the database by the indexes of this run, in bytes.</summary>
    [Parameter]
    [ValidateRange(0, long.MaxValue)]
    [Configured("IndexCreation.MaximumDatabaseGrowth", IsSize = true)]
    public long? MaximumDatabaseGrowth { get; set; }

    /// <summary>The most active sessions at which a build may start.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue)]
    [Configured("IndexCreation.MaximumActiveSession")]
    public int? MaximumActiveSession { get; set; }

    /// <summary>The longest replication lag of a standby at which a build may start.</summary>
    [Parameter]
    [Duration("1ms", "24d", OrZero = true)]
    [Configured("IndexCreation.MaximumReplicationLag")]
    public TimeSpan? MaximumReplicationLag { get; set; }

    /// <summary>How long to wait for the load to go down.</summary>
    [Parameter]
    [Duration("1ms", "24d", OrZero = true)]
    [Configured("IndexCreation.LoadTimeout")]
    public TimeSpan LoadTimeout { get; set; } = new IndexCreationOptions().LoadTimeout;

    /// <summary>Builds even if the server then cancels the autovacuum of the table.</summary>
    [Parameter]
    public SwitchParameter CancelAutovacuum { get; set; }

    /// <summary>How many indexes are built at the same time, on different tables.</summary>
    [Parameter]
    [ValidateRange(1, 4)]
    [Configured("IndexCreation.MaximumParallelBuild")]
    public int MaximumParallelBuild { get; set; } = 1;

    /// <summary>Observes the statements after all builds, and reports whether they became faster.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>The length of the observation window.</summary>
    [Parameter]
    [Duration("1s", "7d")]
    [Configured("IndexCreation.VerifyAfter")]
    public TimeSpan VerifyAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Verifies, and drops indexes that made statements slower.</summary>
    [Parameter]
    public SwitchParameter RevertOnRegression { get; set; }

    private readonly List<IndexStrategy> confirmed = [];

    // Built indexes whose results are written after the verification.
    private readonly List<IndexCreationResult> unverified = [];

    // Null if nothing is verified.
    private IndexTrial? trial;

    // Whether the query log was to be brought up to date before the first build.
    private bool isCollected;

    // Why that failed.
    private string? collectFailure;

    private bool hasCreated;

    private IndexCreator Creator { get; set; } = null!;

    private protected override void CheckArguments()
    {
        if (MaintenanceWorkMem is not null)
        {
            MemorySetting.Check(nameof(MaintenanceWorkMem), MaintenanceWorkMem);
        }

        if (Force && WaitForWindow)
        {
            throw new PerfMonitoringException(
                ErrorIds.ForceAndWait, FailureKind.InvalidArgument,
                "-Force builds whatever the maintenance window says, and -WaitForWindow waits for it.",
                "Pass one of them.");
        }
    }

    internal override void BeginWork()
    {
        base.BeginWork();
        trial = Verify || RevertOnRegression ? new IndexTrial(Connection, VerifyAfter, RevertOnRegression, Options) : null;
        Creator = new IndexCreator(Connection, new IndexCreationOptions
        {
            Build = Options with {
                SnapshotTimeout = SnapshotTimeout,
                MaintenanceWorkMem = MaintenanceWorkMem,
                ThrottleLimit = MaximumParallelBuild,
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

    internal override void ProcessItem()
    {
        foreach (var item in InputObject)
        {
            ForItem(item, () => Create(this.StrategyOf(item, mustBeAsShown: true)));
        }

        List<IndexStrategy> strategies = [];
        Run(() => strategies = ParameterSetName switch
        {
            IdSet => Find(new IndexStrategyFilter { Ids = Id, IncludeInactive = true }),
            PendingSet => Pending ? Find(new IndexStrategyFilter { IsCreated = false }) : [],
            _ => [],
        });
        foreach (var missing in ParameterSetName == IdSet ? Id.Except(strategies.Select(s => s.Id)) : [])
        {
            WriteError(Errors.Record(StrategyErrors.NotFound(missing, Connection.Target)));
        }

        foreach (var strategy in strategies)
        {
            ForItem(strategy, () => Create(strategy));
        }
    }

    internal override void EndWork()
    {
        Build(confirmed);
        if (unverified.Count > 0)
        {
            Judge();
        }
        else if (hasCreated && trial is null)
        {
            Collect("after the last build");
        }
    }

    protected override void Dispose(bool disposing)
    {
        // A stopped pipeline takes no objects, but the user must learn what was built.
        if (disposing && Stopping)
        {
            foreach (var built in unverified)
            {
                SayToHost(
                    $"{built.IndexName} on {built.TableName} is built and not verified: Test-IndexStrategy does that later.");
            }
        }

        base.Dispose(disposing);
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
        if (!strategy.IsActive)
        {
            throw new PerfMonitoringException(
                ErrorIds.StrategyRemoved, FailureKind.InvalidArgument,
                $"The strategy for {strategy.IndexName} on {strategy.TableName} was removed.",
                "Create it again with New-IndexStrategy.", strategy);
        }

        if (IsWhatIf)
        {
            ShouldProcess($"{strategy.TableName} in {Connection.Target}", strategy.Definition);
            WriteObject(Await(token => Creator.CheckAsync(strategy, token)), enumerateCollection: true);
            return;
        }

        // A strategy whose maintenance window opens on another day needs no confirmation now.
        var window = Await(token => Creator.CheckWindowAsync(strategy, token));
        if (Creator.IsDeferredBy(window))
        {
            WriteObject(Creator.Deferred(strategy, window, DateTimeOffset.UtcNow));
            return;
        }

        if (!ShouldProcess($"{strategy.TableName} in {Connection.Target}", strategy.Definition))
        {
            return;
        }

        if (MaximumParallelBuild == 1)
        {
            Build([strategy]);
        }
        else
        {
            // Parallel builds need the whole list of strategies.
            confirmed.Add(strategy);
        }
    }

    private void Build(List<IndexStrategy> strategies)
    {
        if (!isCollected && strategies.Count > 0)
        {
            isCollected = true;
            if (trial is null)
            {
                Collect("before the first build");
            }
            else
            {
                Run(() => Await(trial.CollectAsync));
            }
        }

        PerfMonitoringException? unreachable = null;
        AwaitWithProgress<IndexCreationReport, bool>(
            async (reports, token) =>
            {
                await Creator.CreateAsync(strategies, reports, token);
                return true;
            },
            report =>
            {
                var activity = $"Creating index {report.Strategy.IndexName} on {report.Strategy.TableName}";
                if (report.Progress is { } progress)
                {
                    Show(activity, progress, report.Worker);
                    return;
                }

                ShowDone(activity, report.Worker);
                hasCreated |= report.Result is { State: IndexCreationState.Created };
                if (trial is not null && report.Result is { State: IndexCreationState.Created } created)
                {
                    unverified.Add(created);
                }
                else
                {
                    WriteObject(report.Result);
                }

                if (report.Error is { Kind: FailureKind.ConnectionFailed } lost)
                {
                    unreachable ??= lost;
                }
                else if (report.Error is { } error)
                {
                    WriteError(Errors.Record(error, report.Strategy));
                }
            },
            report =>
            {
                SayWhatWasDone(report.Result);
                if (report is { Result: null, Error: { } error })
                {
                    SayWhatIsLeft(error);
                }
            });
        if (unreachable is not null)
        {
            WriteUnverified();
            ThrowTerminatingError(Errors.Record(unreachable));
        }
    }

    // An interval of the log that ends before the builds and one that begins after them are what Test-IndexStrategy compares. A
    // build without them is a build all the same, so a failure is only told.
    private void Collect(string when)
    {
        var activity = $"Bringing the query log up to date {when}";
        try
        {
            if (!Await(Connection.Store.IsReadyAsync))
            {
                WriteVerbose($"{Connection.StoreTarget} has no store, so Test-IndexStrategy will not judge what is built.");
                return;
            }

            WriteVerbose($"{activity}.");
            WriteProgress(new ProgressRecord(0, activity, "reading pg_stat_statements"));
            AwaitWithProgress<string, QueryPerformanceLogUpdate>(Connection.QueryLog.UpdateAsync, WriteVerbose);
            ShowDone(activity);
        }
        catch (PerfMonitoringException e) when (!Stopping)
        {
            ShowDone(activity);
            // The same reason twice tells nothing more.
            if (e.Message != collectFailure)
            {
                WriteWarning(
                    $"The query log was not brought up to date {when}, so Test-IndexStrategy may lack executions to compare: "
                        + $"{e.Message} {e.Remedy}");
            }

            collectFailure = e.Message;
        }
    }

    private void Judge()
    {
        const string Activity = "Verifying indexes";
        try
        {
            AwaitWithProgress<IndexChangeProgress, bool>(
                async (progress, token) =>
                {
                    await trial!.WatchAsync(progress, token);
                    return true;
                },
                report => Show(Activity, report));
            ShowDone(Activity);
        }
        catch (PerfMonitoringException e)
        {
            WriteUnverified();
            ThrowTerminatingError(Errors.Record(e));
        }

        foreach (var created in unverified.ToArray())
        {
            ForItem(created, () => Change(
                $"Verifying index {created.IndexName} on {created.TableName}",
                async (progress, token) =>
                {
                    var judged = await trial!.JudgeAsync(created, progress, token);
                    unverified.Remove(created);
                    return judged;
                }));
        }
    }

    private void WriteUnverified()
    {
        foreach (var created in unverified.ToArray())
        {
            WriteObject(created);
            unverified.Remove(created);
        }
    }
}
