using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Removal;

namespace PerfMonitoring.Commands.IndexRemoval;

/// <summary>Drops indexes that do not earn their keep, without blocking reads or writes.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IndexRemoval", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High, DefaultParameterSetName = UsageSet)]
[OutputType(typeof(IndexRemovalResult))]
public sealed class InvokeIndexRemovalCommand : IndexChangeCmdlet
{
    private const string UsageSet = "Usage";
    private const string NameSet = "Name";

    /// <summary>What to drop.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = UsageSet)]
    public IndexUsageStat[] InputObject { get; set; } = [];

    /// <summary>Names of indexes, with or without schema, as in SQL or as they are shown; no wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true, ParameterSetName = NameSet)]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    public string[] IndexName { get; set; } = [];

    /// <summary>Sessions on the standbys of the server, or their names: an index that they scan is used.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SessionCompleter))]
    public PSObject[] Replica { get; set; } = [];

    /// <summary>How long an index must not have been scanned, on any server, to count as unused.</summary>
    [Parameter]
    [Duration]
    public TimeSpan Window { get; set; } = DropVerdict.DefaultWindow;

    /// <summary>Drops also what is not recommended for drop.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private UsageScope scope = new();
    private ImpactEstimator? estimator;

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() => scope = Scope(Replica, Window));
    }

    protected override void ProcessRecord()
    {
        foreach (var stat in InputObject)
        {
            ForItem(stat, () => Remove(stat));
        }

        foreach (var name in IndexName)
        {
            ForItem(name, () => Remove(Find(name)));
        }
    }

    private void Remove(IndexUsageStat stat)
    {
        if (stat.Target is { } other && !other.IsSameDatabaseAs(Connection.Target))
        {
            throw Errors.OtherDatabase($"Index {stat.IndexName}", other, Connection.Target, stat);
        }

        if (stat.IndexOid is not { } oid)
        {
            throw new PerfMonitoringException(
                "IndexNotFound", FailureKind.NotFound, $"The stored figures of {stat.IndexName} do not say which index they are of.",
                "Pipe live figures: Get-IndexUsageStat without -Since and -Until.", stat);
        }

        var removal = Await(token => Removal.IndexRemoval.PrepareAsync(Connection, oid, scope, Force, token));
        estimator ??= new ImpactEstimator(Connection);
        var impact = Await(token => estimator.EstimateAsync(removal.Index, token));
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
            $"Dropping index {stat.IndexName} on {stat.TableName}", (progress, token) => removal.RunAsync(Connection, Options, progress, token));
    }

    private IndexUsageStat Find(string name)
    {
        var found = Await(token => PartitionedIndexes.ReadAllAsync(Connection, scope, token)).Where(s => IsNamed(s, name)).ToList();
        return found switch
        {
            [var only] => only,
            [] => throw new PerfMonitoringException(
                "IndexNotFound", FailureKind.NotFound, $"There is no index '{name}' in {Connection.Target}.", "Get-IndexUsageStat lists them.", name),
            _ => throw new PerfMonitoringException(
                "AmbiguousIndexName", FailureKind.InvalidArgument, $"There is an index '{name}' on {string.Join(" and on ", found.Select(f => f.TableName))}.",
                "Write its schema too: schema.index.", name),
        };
    }

    private static bool IsNamed(IndexUsageStat stat, string name)
    {
        var schema = RelationName.Parse(stat.TableName).Schema;
        return name == stat.IndexName || name == Identifier.Quote(stat.IndexName) || name == new RelationName(schema, stat.IndexName).ToString();
    }
}
