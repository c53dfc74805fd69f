using System.Management.Automation;
using PerfMonitoring.Common;
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

    /// <summary>What to build.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = StrategySet)]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Ids of stored strategies.</summary>
    [Parameter(Mandatory = true, ParameterSetName = IdSet)]
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

    /// <summary>How long each wait for other transactions may last; zero waits for ever.</summary>
    [Parameter]
    [Duration("1ms", "24d", OrZero = true)]
    public TimeSpan SnapshotTimeout { get; set; } = new IndexBuildOptions().SnapshotTimeout;

    /// <summary>maintenance_work_mem of the build, for example 512MB.</summary>
    [Parameter]
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
    [Duration("1ms", "24d", OrZero = true)]
    public TimeSpan? MaximumReplicationLag { get; set; }

    /// <summary>How long to wait for the load to go down.</summary>
    [Parameter]
    [Duration("1ms", "24d", OrZero = true)]
    public TimeSpan LoadTimeout { get; set; } = new IndexCreationOptions().LoadTimeout;

    /// <summary>Builds though the server then cancels the autovacuum of the table.</summary>
    [Parameter]
    public SwitchParameter CancelAutovacuum { get; set; }

    /// <summary>How many are built at once, on different tables.</summary>
    [Parameter]
    [ValidateRange(1, 4)]
    public int ThrottleLimit { get; set; } = 1;

    /// <summary>Watches the statements when all are built, and tells whether they got faster.</summary>
    [Parameter]
    public SwitchParameter Verify { get; set; }

    /// <summary>How long they are watched.</summary>
    [Parameter]
    [Duration("1s", "7d")]
    public TimeSpan VerifyAfter { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Verifies, and drops again what made statements slower.</summary>
    [Parameter]
    public SwitchParameter RevertOnRegression { get; set; }

    private readonly List<IndexStrategy> confirmed = [];

    // Built, and written when they are verified.
    private readonly List<IndexCreationResult> unverified = [];

    // Null where nothing is to be verified.
    private IndexTrial? trial;

    private bool isCollected;

    private IndexCreator Creator { get; set; } = null!;

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() =>
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
        });
        trial = Verify || RevertOnRegression ? new IndexTrial(Connection, VerifyAfter, RevertOnRegression, Options) : null;
        Creator = new IndexCreator(Connection, new IndexCreationOptions
        {
            Build = Options with {
                SnapshotTimeout = SnapshotTimeout, MaintenanceWorkMem = MaintenanceWorkMem, ThrottleLimit = ThrottleLimit },
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

    protected override void EndProcessing()
    {
        Build(confirmed);
        if (unverified.Count > 0)
        {
            Judge();
        }
    }

    protected override void Dispose(bool disposing)
    {
        // A stopped pipeline takes no objects any more, and what was built must not go unsaid.
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

        // What waits for another day needs no question.
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

        if (ThrottleLimit == 1)
        {
            Build([strategy]);
        }
        else
        {
            // Which of them can go on at once is seen only when all are there.
            confirmed.Add(strategy);
        }
    }

    private void Build(List<IndexStrategy> strategies)
    {
        if (trial is not null && !isCollected && strategies.Count > 0)
        {
            Run(() => Await(trial.CollectAsync));
            isCollected = true;
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

    private void Judge()
    {
        const string Activity = "Verifying indexes";
        try
        {
            AwaitWithProgress<IndexCreationProgress, bool>(
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
