using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Names of the runspace's sessions.</summary>
public sealed class SessionCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound) =>
        Word.Choices(typed, SessionTable.Current.All.Select(s => (s.Name, $"{s.Target} as {s.UserName}")));
}
