using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Strategies;

namespace PerfMonitoring.Advice;

/// <summary>All candidates of a run, each once; the id of a candidate is its position.</summary>
/// <param name="existing">The existing indexes.</param>
/// <param name="reverted">Indexes that are not proposed again, as statements without a name, with the reason.</param>
/// <param name="valuesOf">Adds the values that the size of an index depends on to its table.</param>
/// <param name="rowsOf">Estimates the rows of a table that a condition selects.</param>
/// <param name="writeCostOf">Computes the maintenance cost of an index with a number of rows (null for all rows of its
/// table).</param>
internal sealed class CandidatePool(
    IReadOnlyList<IndexDefinition> existing,
    IReadOnlyDictionary<string, string> reverted,
    Func<IndexDefinition, TableInfo, Task<TableInfo>> valuesOf,
    Func<TableInfo, string, Task<double?>> rowsOf,
    Func<IndexDefinition, TableInfo, double?, double> writeCostOf)
{
    private readonly Dictionary<string, Candidate?> known = [];
    private readonly ILookup<RelationName, IndexDefinition> existing = existing.ToLookup(e => e.Table);
    private readonly Dictionary<RelationName, TableInfo> tables = [];
    private readonly List<Candidate> candidates = [];
    private readonly List<IndexCandidate> passedOver = [];

    /// <summary>The candidates by id.</summary>
    public IReadOnlyList<Candidate> All => candidates;

    /// <summary>Indexes that would be candidates, but were reverted.</summary>
    public IReadOnlyList<IndexCandidate> Reverted => passedOver;

    /// <summary>The table of a candidate.</summary>
    public TableInfo TableOf(Candidate candidate) => tables[candidate.Definition.Table];

    /// <summary>
    /// The candidate of that definition. Null where an existing index does its work, it was reverted, its size is unknown, it is
    /// a B-tree with values that have no order, or it would refuse writes because of a column that is only read.
    /// </summary>
    public async Task<Candidate?> GetAsync(IndexDefinition definition, TableInfo table, UsagePattern pattern)
    {
        var key = definition.ToAnonymousStatement();
        if (known.TryGetValue(key, out var candidate)
            || existing[definition.Table].Any(e => IndexCoverage.Covers(e, definition) || FindsRanges(e, definition)))
        {
            return candidate;
        }

        if (EntryLimit.HasUnordered(definition, table)
            || (definition.Include.Count > 0 && !EntryLimit.CanCover(definition, table, definition.Include))
            || EntryLimit.Of(definition, table, table.Expressions).IsExceeded)
        {
            return known[key] = null;
        }

        table = tables[table.Name] = await valuesOf(definition, tables.GetValueOrDefault(table.Name, table));
        var rows = definition.Where is { } where ? await rowsOf(table, where) : null;
        var estimate = IndexSize.Estimate(definition, table, rows);
        if (reverted.TryGetValue(key, out var reason))
        {
            passedOver.Add(
                new IndexCandidate {
                Definition = definition, SizeBytes = estimate ?? 0, Verdict = CandidateVerdict.Reverted, Reason = reason });
        }
        else if (estimate is { } size)
        {
            candidates.Add(candidate = new Candidate
            {
                Id = candidates.Count,
                Definition = definition,
                Parts = table.Parts(definition),
                SizeBytes = size,
                DescentCost = WriteCost.OfDescentPages(size),
                WriteCost = writeCostOf(definition, table, rows),
                UniqueKey = existing[definition.Table].FirstOrDefault(e => IsCopyOf(e, definition))?.Name,
                Pattern = pattern,
            });
        }

        return known[key] = candidate;
    }

    // A B-tree finds the ranges of its first column more exactly than BRIN.
    private static bool FindsRanges(IndexDefinition tree, IndexDefinition definition) =>
        tree is { Method: "btree", Where: null } && definition is { Method: "brin", Keys: [{ Column: { } column }] }
        && tree.Keys[0].Column == column;

    private static bool IsCopyOf(IndexDefinition unique, IndexDefinition definition) =>
        unique is { IsUnique: true, Where: null } && definition.Where is null && definition.Keys.Count >= unique.Keys.Count
        && unique.Keys.All(k => k.Column is not null)
        && definition.Keys.Take(unique.Keys.Count).Select(k => k.Column).ToHashSet()
            .SetEquals(unique.Keys.Select(k => k.Column));

    /// <summary>
    /// One index that does the work of two on the same table: the keys of the longer one, which begin with those of the other,
    /// and the other columns of both. Null where there is none, or it is one of the two.
    /// </summary>
    public static IndexDefinition? Merge(IndexDefinition one, IndexDefinition other)
    {
        if (one.Keys.Count < other.Keys.Count)
        {
            (one, other) = (other, one);
        }

        if (one.Method != "btree" || other.Method != "btree" || one.Table != other.Table || one.Where != other.Where
            || one.Keys.Any(k => k.Expression is not null)
            || !other.Keys.SequenceEqual(one.Keys.Take(other.Keys.Count)))
        {
            return null;
        }

        var include = one.Include.Union(other.Include).Where(c => one.Keys.All(k => k.Column != c)).Order(StringComparer.Ordinal)
            .ToList();
        var merged = one with { Include = include };
        return IndexCoverage.Covers(one, merged) || IndexCoverage.Covers(other, merged) ? null : merged;
    }
}
