using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using PerfMonitoring.Common;

namespace PerfMonitoring.Sessions;

/// <summary>Names of the runspace's sessions.</summary>
public sealed class SessionCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters) =>
        SessionTable.Current.All
            .Where(s => s.Name.StartsWith(Word.Unquote(wordToComplete), StringComparison.OrdinalIgnoreCase))
            .Select(s => Word.Choice(s.Name, $"{s.Target} as {s.UserName}"));
}
