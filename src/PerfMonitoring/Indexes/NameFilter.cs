using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>The filter of -TableName and -IndexName: names as in SQL, or patterns; null selects all.</summary>
internal sealed class NameFilter
{
    private readonly List<(NamePattern? Table, NamePattern? Index)> wanted = [];
    private readonly HashSet<(NamePattern? Table, NamePattern? Index)> found = [];

    public void Add(string[]? tables, string[]? indexes) =>
        wanted.AddRange(from table in Asked(tables) from index in Asked(indexes) select (table, index));

    /// <summary>Whether an index matches. A match marks the matching names as found.</summary>
    /// <param name="table">The table, quoted as in SQL.</param>
    /// <param name="index">The index's plain name.</param>
    public bool Matches(string table, string index)
    {
        var asking = wanted.Where(w => Matches(w, table, index)).ToList();
        found.UnionWith(asking);
        return asking.Count > 0;
    }

    /// <summary>An error for each full name that was not found.</summary>
    /// <param name="where">The place of the search, for the message.</param>
    /// <param name="remedy">The remedy.</param>
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
