using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Configuration;
using PerfMonitoring.Indexes;
using PerfMonitoring.Sessions;
using PerfMonitoring.Statements;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Changes;

/// <summary>Drops indexes whose cost exceeds their use, without blocking reads or writes.</summary>
[Cmdlet(
    VerbsLifecycle.Invoke, "IndexRemoval",
    SupportsShouldProcess = true,
    ConfirmImpact = ConfirmImpact.High,
    DefaultParameterSetName = UsageSet,
    HelpUri = OnlineHelp.Folder + "Invoke-IndexRemoval.md")]
[OutputType(typeof(IndexRemovalResult))]
public sealed class InvokeIndexRemovalCommand : IndexChangeCmdlet
{
    private const string UsageSet = "Usage";
    private const string NameSet = "Name";

    /// <summary>The indexes to drop.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = UsageSet)]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public PSObject[] InputObject { get; set; } = [];

    /// <summary>Names of indexes, with or without schema, quoted as in SQL or plain; no wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public string[] IndexName { get; set; } = [];

    /// <summary>Sessions on the standbys of the server, or their names. An index that is scanned there counts as used.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[] Replica { get; set; } = [];

    /// <summary>How long an index must not have been scanned, on any server, to count as unused.</summary>
    [Parameter]
    [Duration("7d", "3650d")]
    [Configured("IndexUsage.Window")]
    public TimeSpan Window { get; set; } = DropVerdict.DefaultWindow;

    /// <summary>Also drops indexes that are not recommended for drop.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    // True for names that were typed without -IndexName; false for texts from a file.
    private bool isTyped;
    private UsageScope scope = new();
    private ImpactEstimator? estimator;
    private bool hasWarned;

    internal override void BeginWork()
    {
        base.BeginWork();
        isTyped = Bound.ContainsKey(nameof(InputObject));
        Run(() => scope = UsageScopes.Of(this, Replica, Window));
    }

    internal override void ProcessItem()
    {
        foreach (var item in InputObject)
        {
            ForItem(item, () => Remove(item));
        }

        foreach (var name in IndexName)
        {
            ForItem(name, () => Remove(Find(name)));
        }
    }

    private void Remove(PSObject item)
    {
        if (item.BaseObject is IndexUsageStat live)
        {
            PipelineObject.Check(live.Target, Connection.Target, $"Index {live.IndexName}", live);
            Remove(live);
        }
        else if (isTyped && item.BaseObject is string name)
        {
            Remove(Find(name));
        }
        else
        {
            // The object's verdict is ignored, because the index is judged again.
            var read = new PipelineObject(
                item, "a figure of Get-IndexUsageStat", "Pipe what Get-IndexUsageStat gives, or pass -IndexName.");
            read.MustBeOf(Connection.Target);
            var (table, index) = (read.NeedText("TableName"), read.NeedText("IndexName"));
            Remove(read.Declares("IndexOid")
                ? new IndexUsageStat { TableName = table, IndexName = index, IndexOid = read.Get<uint>("IndexOid") }
                : Find($"{index} on {table}", s => s.TableName == table && s.IndexName == index));
        }
    }

    private void Remove(IndexUsageStat stat)
    {
        if (stat.IndexOid is not { } oid)
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexNotFound, FailureKind.NotFound,
                $"The stored figures of {stat.IndexName} do not say which index they are of.",
                "Pipe live figures: Get-IndexUsageStat without -Since and -Until.", stat);
        }

        if (Await(token => IndexRemoval.PrepareAsync(Connection, oid, scope, Force, token)) is not { } removal)
        {
            if (FindAll(s => (s.TableName, s.IndexName) == (stat.TableName, stat.IndexName)).Count > 0)
            {
                throw new PerfMonitoringException(
                    ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                    $"{stat.IndexName} on {stat.TableName} is another index now: it was rebuilt or replaced.",
                    "Look at what Get-IndexUsageStat gives, and pipe that.", stat);
            }

            WriteVerbose($"{stat.IndexName} on {stat.TableName} is gone: somebody else dropped it.");
            return;
        }

        if ((removal.Usage.TableName, removal.Usage.IndexName) != (stat.TableName, stat.IndexName))
        {
            throw new PerfMonitoringException(
                ErrorIds.IndexChanged, FailureKind.InvalidArgument,
                $"{stat.IndexName} on {stat.TableName} is {removal.Usage.IndexName} on {removal.Usage.TableName} by now.",
                "Look at what Get-IndexUsageStat gives, and pipe that.", stat);
        }

        estimator ??= new ImpactEstimator(Connection);
        var impact = Await(token => estimator.EstimateAsync(removal.Index, token));
        if (!hasWarned && impact.Untrusted.Count > 0)
        {
            hasWarned = true;
            WriteWarning(UntrustedStatement.Describe(impact.Untrusted, "are not asked whether they use the index"));
        }

        foreach (var query in impact.Queries)
        {
            WriteVerbose($"{stat.IndexName}: {query}");
        }

        removal = removal with { Impact = impact };
        if (!ShouldDrop(removal, $"{removal.Statement} -- {impact}"))
        {
            return;
        }

        Change(
            $"Dropping index {stat.IndexName} on {stat.TableName}", (progress, token) =>
                removal.RunAsync(Connection, Options, progress, token));
    }

    private IndexUsageStat Find(string name) => Find(name, s => IsNamed(s, name));

    private IndexUsageStat Find(string name, Func<IndexUsageStat, bool> isMeant)
    {
        var found = FindAll(isMeant);
        return found switch
        {
            [var only] => only,
            [] => throw new PerfMonitoringException(
                ErrorIds.IndexNotFound, FailureKind.NotFound, $"There is no index '{name}' in {Connection.Target}.",
                "Get-IndexUsageStat lists them.", name),
            _ => throw new PerfMonitoringException(
                ErrorIds.AmbiguousIndexName, FailureKind.InvalidArgument,
                $"There is an index '{name}' on {string.Join(" and on ", found.Select(f => f.TableName))}.",
                "Write its schema too: schema.index.", name),
        };
    }

    private List<IndexUsageStat> FindAll(Func<IndexUsageStat, bool> isMeant) =>
        [.. Await(token => PartitionedIndexes.ReadAllAsync(Connection, scope, token)).Where(isMeant)];

    private static bool IsNamed(IndexUsageStat stat, string name)
    {
        var schema = RelationName.Parse(stat.TableName).Schema;
        return name == stat.IndexName || name == Identifier.Quote(stat.IndexName)
            || name == new RelationName(schema, stat.IndexName).ToString();
    }
}
