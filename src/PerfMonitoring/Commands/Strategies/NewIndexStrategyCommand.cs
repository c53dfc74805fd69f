using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.Strategies;

/// <summary>Decides on indexes: one by hand, or a set for a whole workload.</summary>
[Cmdlet(VerbsCommon.New, "IndexStrategy", DefaultParameterSetName = ByHand, SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Low)]
[OutputType(typeof(IndexStrategy))]
public sealed class NewIndexStrategyCommand : ConnectedCmdlet
{
    private const string ByHand = "ByHand";

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

    [Parameter(ValueFromPipelineByPropertyName = true)]
    public MaintenanceWindow? MaintenanceWindow { get; set; }

    protected override void BeginProcessing()
    {
        base.BeginProcessing();
        Run(() =>
        {
            hasStore = Await(Connection.Store.IsReadyAsync);
            if (!hasStore)
            {
                WriteWarning($"{Connection.StoreTarget} has no PerfMonitoring store: the strategies are not stored. Initialize-PerfMonitoringStore makes one.");
            }

            names = new IndexNames(Connection.Catalog, hasStore ? Connection.Strategies : null);
        });
    }

    protected override void ProcessRecord() => ForItem(TableName, () =>
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
    });

    // What is stored comes back with its id in the store; what is not travels on as it is.
    private void Write(IReadOnlyList<IndexStrategy> strategies)
    {
        var stored = strategies.Where(s => hasStore && ShouldProcess(Connection.StoreTarget.ToString(), $"Store strategy: {s.IndexDefinition}")).ToList();
        var kept = stored.Count == 0 ? [] : Await(token => Connection.Strategies.AddAsync(stored, token));
        foreach (var strategy in strategies)
        {
            WriteObject(stored.IndexOf(strategy) is >= 0 and var i ? kept[i] : strategy);
        }
    }

    // Import-Csv gives empty texts where nothing was written.
    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    private static string[] Given(string[]? texts) => [.. (texts ?? []).Where(t => !string.IsNullOrWhiteSpace(t))];
}
