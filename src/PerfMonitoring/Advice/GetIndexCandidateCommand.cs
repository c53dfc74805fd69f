using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>Lists the index candidates of the session's last advice, each with its outcome.</summary>
[Cmdlet(VerbsCommon.Get, "IndexCandidate", HelpUri = OnlineHelp.Folder + "Get-IndexCandidate.md")]
[OutputType(typeof(IndexCandidate))]
public sealed class GetIndexCandidateCommand : ConnectedCmdlet
{
    [Parameter(Position = 0)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(TableNameCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? TableName { get; set; }

    [Parameter]
    [Word(typeof(CandidateVerdict))]
    [KnownWord]
    public CandidateVerdict[]? Verdict { get; set; }

    [Parameter]
    public SwitchParameter Chosen { get; set; }

    internal override void ProcessItem() => Run(() =>
    {
        var advice = LastAdvice.Of(CurrentSession) ?? throw Errors.NoAdvice(CurrentSession.Name);
        var tables = NamePattern.Of(TableName);
        foreach (var candidate in advice.Candidates.Where(
            c => IsWanted(c) && tables?.Any(t => t.Matches(c.Definition.Table)) != false))
        {
            WriteObject(candidate);
        }

        foreach (var table in tables?.Where(t => !t.IsPattern && !advice.Candidates.Any(c => t.Matches(c.Definition.Table)))
            ?? [])
        {
            WriteError(Errors.Record(new PerfMonitoringException(
                ErrorIds.CandidateNotFound, FailureKind.NotFound,
                $"The last advice of session '{CurrentSession.Name}' considered no index on a table '{table.Text}'.",
                "Get-IndexCandidate without -TableName lists all that it considered.", table.Text)));
        }
    });

    private bool IsWanted(IndexCandidate candidate) =>
        (!Chosen || candidate.Verdict == CandidateVerdict.Chosen) && (Verdict is null || Verdict.Contains(candidate.Verdict));
}
