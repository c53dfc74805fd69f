using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace PerfMonitoring.Common;

/// <summary>
/// The base class of every completer. PowerShell offers file names where a completer throws or returns null, but none where it
/// returns an empty list.
/// </summary>
public abstract class NameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters)
    {
        try
        {
            return [.. Complete(parameterName, Word.Unquote(wordToComplete), fakeBoundParameters)];
        }
        catch (Exception)
        {
            // The user is typing: an error has no place, and file names would be wrong. What the name really is wrong about, the
            // cmdlet says when it runs.
            return [];
        }
    }

    /// <summary>The names for what was typed.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="typed">The word so far, without quotes.</param>
    /// <param name="bound">The arguments that were typed before, by the names of their parameters.</param>
    private protected abstract IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound);
}

/// <summary>For a name that nothing can complete: no file names.</summary>
public sealed class NothingCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound) => [];
}
