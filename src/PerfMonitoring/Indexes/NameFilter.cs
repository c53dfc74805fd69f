using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>What -TableName and -IndexName ask for: names as in SQL, or patterns; null asks for all.</summary>
internal sealed class NameFilter
{
    private readonly List<(NamePattern? Table, NamePattern? Index)> wanted = [];
    private readonly HashSet<(NamePattern? Table, NamePattern? Index)> found = [];

    public void Add(string[]? tables, string[]? indexes) =>
        wanted.AddRange(from table in Asked(tables) from index in Asked(indexes) select (table, index));

    /// <summary>Whether an index is asked for; what asked for it counts as found.</summary>
    /// <param name="table">The table as it stands in SQL.</param>
    /// <param name="index">The index as it is called.</param>
    public bool Matches(string table, string index)
    {
        var asking = wanted.Where(w => Matches(w, table, index)).ToList();
        found.UnionWith(asking);
        return asking.Count > 0;
    }

    /// <summary>What was asked for by its whole name and was not found.</summary>
    /// <param name="where">Where it was looked for, for the message.</param>
    /// <param name="remedy">The way out.</param>
    public IEnumerable<PerfMonitoringException> Missing(string where, string remedy) => wanted
        .Where(w =>
            w.Table is not { IsPattern: true } && w.Index is not { IsPattern: true } && (w.Table ?? w.Index) is not null
            && !found.Contains(w))
        .Select(w => w.Index is null
            ? new PerfMonitoringException(
                ErrorIds.IndexNotFound, FailureKind.NotFound, $"There is no index on a table '{w.Table!.Text}' in {where}.",
                remedy, w.Table.Text)
            : new PerfMonitoringException(
                ErrorIds.IndexNotFound, FailureKind.NotFound,
                $"There is no index '{w.Index.Text}'{(w.Table is null ? "" : $" on '{w.Table.Text}'")} in {where}.", remedy,
                w.Index.Text));

    private static bool Matches((NamePattern? Table, NamePattern? Index) wanted, string table, string index) =>
        wanted.Table?.Matches(RelationName.Parse(table)) != false
        && (wanted.Index is null || wanted.Index.Matches(index) || wanted.Index.Matches(Identifier.Quote(index)));

    private static NamePattern?[] Asked(string[]? names) => (NamePattern?[]?)NamePattern.Of(names) ?? [null];
}
