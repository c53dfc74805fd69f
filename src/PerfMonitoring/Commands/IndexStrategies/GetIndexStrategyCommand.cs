using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Commands.IndexStrategies;

/// <summary>Lists the stored strategies of the session's database.</summary>
[Cmdlet(VerbsCommon.Get, "IndexStrategy", DefaultParameterSetName = "All")]
[OutputType(typeof(IndexStrategy))]
public sealed class GetIndexStrategyCommand : ConnectedCmdlet
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

    protected override void ProcessRecord() => ForItem(Id, () =>
    {
        var tablePattern = TableName is not null && WildcardPattern.ContainsWildcardCharacters(TableName) ? Pattern(TableName) : null;
        var indexPattern = IndexName is not null && WildcardPattern.ContainsWildcardCharacters(IndexName) ? Pattern(IndexName) : null;
        var filter = new IndexStrategyFilter
        {
            Ids = Id,
            Table = TableName is null || tablePattern is not null ? null : RelationName.Parse(TableName),
            IndexName = indexPattern is null ? IndexName : null,
            IsCreated = Pending ? false : Created ? true : null,
            IncludeInactive = IncludeInactive,
        };
        var found = new HashSet<Guid>();
        WriteAll(token => Connection.Strategies.GetAsync(filter, token), strategy =>
        {
            found.Add(strategy.Id);
            if ((tablePattern is null || tablePattern.IsMatch(strategy.TableName) || tablePattern.IsMatch(strategy.Definition.Table.Name))
                && (indexPattern is null || indexPattern.IsMatch(strategy.IndexName)))
            {
                WriteObject(strategy);
            }
        });
        foreach (var id in (Id ?? []).Where(id => !found.Contains(id)))
        {
            WriteError(Errors.Record(Errors.StrategyNotFound(id), id));
        }
    });

    private static WildcardPattern Pattern(string text) => WildcardPattern.Get(text, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
}
