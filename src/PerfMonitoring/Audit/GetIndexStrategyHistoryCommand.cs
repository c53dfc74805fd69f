using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Audit;

/// <summary>Lists the changes of indexes in the session's database, from the audit.</summary>
[Cmdlet(VerbsCommon.Get, "IndexStrategyHistory", HelpUri = OnlineHelp.Folder + "Get-IndexStrategyHistory.md")]
[OutputType(typeof(IndexAction))]
public sealed class GetIndexStrategyHistoryCommand : ByNameCmdlet
{
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? TableName { get; set; }

    [Parameter(Position = 1)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(IndexNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? IndexName { get; set; }

    [Parameter(ValueFromPipelineByPropertyName = true)]
    [Alias("Id")]
    public Guid[]? IndexStrategyId { get; set; }

    [Parameter]
    [Word(typeof(IndexActionKind))]
    [KnownWord]
    public IndexActionKind[]? Action { get; set; }

    [Parameter]
    [Word(typeof(IndexActionOutcome))]
    [KnownWord]
    public IndexActionOutcome[]? Outcome { get; set; }

    [Parameter]
    [Moment]
    public DateTimeOffset? Since { get; set; }

    [Parameter]
    [Moment]
    public DateTimeOffset? Until { get; set; }

    internal override void ProcessItem() => ForItem(IndexStrategyId, () =>
    {
        var names = new NameFilter();
        names.Add(TableName, IndexName);
        var filter = new IndexActionFilter
        {
            StrategyIds = IndexStrategyId,
            Actions = Action,
            Outcomes = Outcome,
            Since = Since,
            Until = Until,
        };
        var found = new HashSet<Guid?>();
        WriteAll(token => Connection.Actions.GetAsync(filter, token), action =>
        {
            found.Add(action.IndexStrategyId);
            if (names.Matches(action.TableName, action.IndexName))
            {
                WriteObject(action);
            }
        });
        // Most piped strategies have no history.
        foreach (var id in ExpectsInput ? [] : (IndexStrategyId ?? []).Where(id => !found.Contains(id)))
        {
            WriteError(Errors.Record(new PerfMonitoringException(
                ErrorIds.ActionNotFound, FailureKind.NotFound,
                $"The history of {Connection.Target} has nothing that was asked for of the strategy {id}.",
                "Get-IndexStrategyHistory without -IndexStrategyId shows all of it.", id)));
        }

        foreach (var missing in names.Missing(
            $"the history of {Connection.Target} that was asked for", "Get-IndexStrategyHistory without names shows all of it."))
        {
            WriteError(Errors.Record(missing));
        }
    });
}
