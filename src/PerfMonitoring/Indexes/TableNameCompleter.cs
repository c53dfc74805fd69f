using System.Collections;
using System.Management.Automation;
using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Indexes;

/// <summary>Names of tables of the default session's database.</summary>
public sealed class TableNameCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound) =>
        Lookup.Ask((connection, token) => connection.Catalog.CompleteTableNamesAsync(typed, token))
            .Select(name => Word.Choice(name.ToString(), $"Table {name}"));
}

/// <summary>Names of indexes of the default session's database.</summary>
public sealed class IndexNameCompleter : NameCompleter
{
    private protected override IEnumerable<CompletionResult> Complete(string parameter, string typed, IDictionary bound) =>
        Lookup.Ask((connection, token) => connection.Catalog.CompleteIndexNamesAsync(typed, token))
            .Select(name => Word.Choice(name.Name, $"Index {name}"));
}
