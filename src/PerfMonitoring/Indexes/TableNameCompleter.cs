using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Indexes;

/// <summary>Names of tables of the default session's database.</summary>
public sealed class TableNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters) =>
        Lookup.Ask((connection, token) => connection.Catalog.CompleteTableNamesAsync(Word.Unquote(wordToComplete), token))
            .Select(name => Word.Choice(name.ToString(), $"Table {name}"));
}

/// <summary>Names of indexes of the default session's database.</summary>
public sealed class IndexNameCompleter : IArgumentCompleter
{
    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst,
        IDictionary fakeBoundParameters) =>
        Lookup.Ask((connection, token) => connection.Catalog.CompleteIndexNamesAsync(Word.Unquote(wordToComplete), token))
            .Select(name => Word.Choice(name.Name, $"Index {name}"));
}
