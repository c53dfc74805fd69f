using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Strategies;

/// <summary>Lists the stored strategies of the session's database.</summary>
[Cmdlet(VerbsCommon.Get, "IndexStrategy", DefaultParameterSetName = "All", HelpUri = OnlineHelp.Folder + "Get-IndexStrategy.md")]
[OutputType(typeof(IndexStrategy))]
public sealed class GetIndexStrategyCommand : ByNameCmdlet
{
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Guid[]? Id { get; set; }

    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string? TableName { get; set; }

    [Parameter(Position = 1)]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string? IndexName { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "Pending")]
    public SwitchParameter Pending { get; set; }

    [Parameter(Mandatory = true, ParameterSetName = "Created")]
    public SwitchParameter Created { get; set; }

    [Parameter]
    public SwitchParameter IncludeInactive { get; set; }

    internal override void ProcessItem() => ForItem(Id, () =>
    {
        var table = TableName is null ? null : new NamePattern(TableName);
        var index = IndexName is null ? null : new NamePattern(IndexName);
        var filter = new IndexStrategyFilter
        {
            Ids = Id,
            Table = table is { IsPattern: false } ? RelationName.Parse(table.Name) : null,
            IndexName = index is { IsPattern: false } ? index.Name : null,
            IsCreated = Pending ? false : Created ? true : null,
            IncludeInactive = IncludeInactive,
        };
        var found = new HashSet<Guid>();
        WriteAll(token => Connection.Strategies.GetAsync(filter, token), strategy =>
        {
            found.Add(strategy.Id);
            if ((table is not { IsPattern: true } || table.Matches(strategy.Definition.Table))
                && (index is not { IsPattern: true } || index.Matches(strategy.IndexName)))
            {
                WriteObject(strategy);
            }
        });
        foreach (var id in (Id ?? []).Where(id => !found.Contains(id)))
        {
            WriteError(Errors.Record(StrategyErrors.NotFound(id, Connection.Target), id));
        }

        if (Id is null && found.Count == 0 && (index is { IsPattern: false } ? index : table) is { IsPattern: false } name
            && index is not { IsPattern: true })
        {
            throw StrategyErrors.NotFound(name.Text, Connection.Target);
        }
    });
}
