using System.Management.Automation;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Commands.IndexUsage;

/// <summary>What -TableName and -IndexName ask for: names as in SQL, or patterns; null asks for all.</summary>
internal sealed class NameFilter
{
    private readonly List<(string? Table, string? Index)> wanted = [];

    public void Add(string[]? tables, string[]? indexes) =>
        wanted.AddRange(from table in Asked(tables) from index in Asked(indexes) select (table, index));

    public bool Matches(string table, string index) => wanted.Any(w => Matches(w, table, index));

    /// <summary>What was asked for by its whole name and is not among <paramref name="found"/>.</summary>
    public IEnumerable<PerfMonitoringException> Missing(IReadOnlyCollection<IndexUsageStat> found) => wanted
        .Where(w => !IsPattern(w.Table) && !IsPattern(w.Index) && (w.Table ?? w.Index) is not null
            && !found.Any(f => Matches(w, f.TableName, f.IndexName)))
        .Select(w => w.Index is null
            ? new PerfMonitoringException("IndexNotFound", FailureKind.NotFound, $"There is no index on a table '{w.Table}'.",
                "Run Get-IndexUsageStat without a name to see all.", w.Table)
            : new PerfMonitoringException("IndexNotFound", FailureKind.NotFound,
                $"There is no index '{w.Index}'{(w.Table is null ? "" : $" on '{w.Table}'")}.", "Run Get-IndexUsageStat without a name to see all.", w.Index));

    private static bool Matches((string? Table, string? Index) wanted, string table, string index) =>
        MatchesTable(wanted.Table, table) && MatchesName(wanted.Index, index, Identifier.Quote(index));

    private static bool MatchesTable(string? pattern, string table)
    {
        var name = RelationName.Parse(table);
        return MatchesName(pattern, table, name.Name, Identifier.Quote(name.Name), name.Schema + "." + name.Name);
    }

    // A name from the pipeline may hold what is a wildcard in PowerShell: the same text always matches.
    private static bool MatchesName(string? pattern, params string[] names) =>
        pattern is null || names.Contains(pattern, StringComparer.OrdinalIgnoreCase)
        || names.Any(n => WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase).IsMatch(n));

    private static string?[] Asked(string?[]? names) => names is { Length: > 0 } ? names : [null];

    private static bool IsPattern(string? text) => text is not null && WildcardPattern.ContainsWildcardCharacters(text);
}
