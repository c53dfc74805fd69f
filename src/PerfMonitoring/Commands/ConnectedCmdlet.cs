using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Prerequisites;
using PerfMonitoring.Repositories;
using PerfMonitoring.Session;

namespace PerfMonitoring.Commands;

/// <summary>A cmdlet that works on a session: the one of <c>-Session</c>, else the runspace's default.</summary>
public abstract class ConnectedCmdlet : PerfCmdlet
{
    /// <summary>A session, or its name.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject? Session { get; set; }

    private protected PerfMonitoringSession CurrentSession { get; private set; } = null!;

    private protected IMonitoringConnection Connection => CurrentSession.Connection;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() => CurrentSession = Resolve(Session));
    }

    /// <summary>A refusal by the server names the grants that this cmdlet lacks.</summary>
    private protected override PerfMonitoringException Explain(PerfMonitoringException e) =>
        e.ErrorId == ErrorIds.PermissionDenied && CurrentSession is { IsOpen: true } && !Stopping
            && Await(token => AccessCheck.FindRemedyAsync(Connection, MyInvocation.MyCommand.Name, token)) is { } remedy
            ? e.WithRemedy(remedy)
            : e;

    /// <summary>Where -Replica and -Window ask how indexes are used.</summary>
    private protected static UsageScope Scope(PSObject[] replicas, TimeSpan window) =>
        window >= DropVerdict.MinimumAge && window.TotalDays <= 3650
            ? new() { Replicas = [.. replicas.Select(r => Resolve(r).Connection)], Window = window }
            : throw new PerfMonitoringException(
                ErrorIds.InvalidWindow, FailureKind.InvalidArgument, $"-Window is {window}; it must be from 7 days to 10 years.",
                "Write 35d: weekly and monthly work must have had its turn.", window);

    /// <summary>
    /// The strategy that an object means: a record of ours as it is; of anything else the one in the store, since a file may be
    /// old or of another database.
    /// </summary>
    /// <param name="item">The object.</param>
    /// <param name="mustBeAsShown">Whether the one in the store must be what the object shows.</param>
    /// <exception cref="PerfMonitoringException">
    /// OtherDatabase, ObjectIncomplete, ObjectUnreadable, DatabaseUnproven, StrategyNotFound, StrategyNotStored, StrategyChanged.
    /// </exception>
    private protected IndexStrategy StrategyOf(PSObject item, bool mustBeAsShown)
    {
        if (item.BaseObject is IndexStrategy live)
        {
            PipelineObject.Check(live.Target, Connection.Target, $"The strategy for {live.IndexName}", live);
            return live;
        }

        var read = new PipelineObject(item, "an index strategy", "Pipe what Get-IndexStrategy gives, or pass -Id.");
        read.MustBeOf(Connection.Target);
        // An id beside IndexStrategyId is that of a result, of a figure or of an action.
        var isOther = read.Declares("IndexStrategyId");
        var id = read.Need<Guid>(isOther ? "IndexStrategyId" : "Id");
        if (!isOther && read.Get<bool>("IsStored") == false)
        {
            throw Errors.StrategyNotStored(read.Text("IndexName"), item);
        }

        var strategy = FindStrategy(id) ?? throw Errors.StrategyNotFound(id);
        if (mustBeAsShown && !isOther)
        {
            MustBeSame("TableName", read.Text("TableName"), strategy.TableName);
            MustBeSame("IndexName", read.Text("IndexName"), strategy.IndexName);
            MustBeSame("IndexDefinition", read.Text("IndexDefinition"), strategy.IndexDefinition);
            MustBeSame("MaintenanceWindow", read.Get<MaintenanceWindow>("MaintenanceWindow"), strategy.MaintenanceWindow);
        }

        return strategy;

        void MustBeSame(string property, object? shown, object stored)
        {
            if (shown is not null && !shown.Equals(stored))
            {
                throw new PerfMonitoringException(
                    ErrorIds.StrategyChanged, FailureKind.InvalidArgument,
                    $"The strategy for {strategy.IndexName} has another {property} in the store than in the object.",
                    "Look at what Get-IndexStrategy gives, and pipe that.", item);
            }
        }
    }

    /// <summary>The stored strategy of an id, removed ones too; null where there is none.</summary>
    private protected IndexStrategy? FindStrategy(Guid id)
    {
        IndexStrategy? found = null;
        WriteAll(
            token => Connection.Strategies.GetAsync(new() { Ids = [id], IncludeInactive = true }, token), strategy =>
            found = strategy);
        return found;
    }

    /// <summary>The open session that an object, a name or null (the default) means.</summary>
    private protected static PerfMonitoringSession Resolve(PSObject? sessionOrName)
    {
        var session = SessionTable.Current.Resolve(sessionOrName);
        return session.IsOpen ? session : throw Errors.SessionClosed(session.Name);
    }
}
