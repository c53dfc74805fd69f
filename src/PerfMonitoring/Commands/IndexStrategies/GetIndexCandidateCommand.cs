using System.Management.Automation;
using PerfMonitoring.Completion;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.IndexStrategies;

/// <summary>Lists the indexes that the last advice of the session considered, with what became of each.</summary>
[Cmdlet(VerbsCommon.Get, "IndexCandidate")]
[OutputType(typeof(IndexCandidate))]
public sealed class GetIndexCandidateCommand : ConnectedCmdlet
{
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? TableName { get; set; }

    [Parameter]
    public CandidateVerdict[]? Verdict { get; set; }

    [Parameter]
    public SwitchParameter Chosen { get; set; }

    protected override void ProcessRecord() => Run(() =>
    {
        var advice = CurrentSession.LastAdvice ?? throw Errors.NoAdvice(CurrentSession.Name);
        foreach (var candidate in advice.Candidates.Where(IsWanted))
        {
            WriteObject(candidate);
        }
    });

    private bool IsWanted(IndexCandidate candidate) =>
        (!Chosen || candidate.Verdict == CandidateVerdict.Chosen)
        && (Verdict is null || Verdict.Contains(candidate.Verdict))
        && (TableName is null || Array.Exists(TableName, t => IsNamed(t, candidate.Definition.Table)));

    private static bool IsNamed(string pattern, RelationName table) =>
        new[] { table.ToString(), table.Name, Identifier.Quote(table.Name), $"{table.Schema}.{table.Name}" }
            .Any(WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant).IsMatch);
}
