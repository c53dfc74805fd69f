using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using PerfMonitoring.Common;

namespace PerfMonitoring.Messages;

/// <summary>Names that stand in the log.</summary>
/// <param name="name">The name of a message; null if it has none.</param>
public abstract class LogCompleter(Func<PerfMonitoringLogEntry, string?> name) : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters) =>
        MessageLog.OfProcess.ToArray().Select(name).OfType<string>()
            .Where(n => n.StartsWith(Word.Unquote(wordToComplete), StringComparison.OrdinalIgnoreCase))
            .GroupBy(n => n).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => Word.Choice(g.Key, $"{g.Count()} message(s)"));
}

/// <summary>Cmdlets that wrote messages.</summary>
public sealed class LoggedCmdletCompleter() : LogCompleter(e => e.Cmdlet);

/// <summary>Sessions of messages, also of those that are closed.</summary>
public sealed class LoggedSessionCompleter() : LogCompleter(e => e.Session);
