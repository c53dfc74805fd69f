using PerfMonitoring.Indexes;
using PerfMonitoring.Model;

namespace PerfMonitoring.Advisor;

/// <summary>An index that a use of a table calls for.</summary>
/// <param name="Definition">The index, without a name.</param>
/// <param name="Pattern">What it is for.</param>
public sealed record ProposedIndex(IndexDefinition Definition, UsagePattern Pattern);

/// <summary>
/// Makes indexes of what a statement wants of a table: up to three keys, those of equality first, then one of a range or an order;
/// the same with the other columns that are read (index-only scans); the same for the rows alone that a fixed condition leaves.
/// </summary>
public static class CandidateGenerator
{
    private const int MaximumKeys = 3;
    private const int MaximumInclude = 6;

    /// <summary>The indexes that one use of a table calls for, each once.</summary>
    public static IReadOnlyList<ProposedIndex> Generate(RelationUse use, TableInfo table)
    {
        ArgumentNullException.ThrowIfNull(use);
        ArgumentNullException.ThrowIfNull(table);
        var found = new Dictionary<string, ProposedIndex>();
        foreach (var (keys, pattern) in KeyLists(use, table))
        {
            var definition = new IndexDefinition { Table = table.Name, Name = "", Keys = keys };
            Add(found, definition, pattern);
            if (Covering(definition, use, table) is { } covering)
            {
                Add(found, covering, UsagePattern.Analytics);
            }

            foreach (var predicate in use.Predicates.Where(p => p.Kind is PredicateKind.Null or PredicateKind.True or PredicateKind.False))
            {
                if (predicate.Key.Column is { } column && keys.All(k => k.Column != column))
                {
                    Add(found, definition with { Where = Condition(predicate.Kind, column) }, pattern);
                }
            }
        }

        return [.. found.Values];
    }

    private static void Add(Dictionary<string, ProposedIndex> found, IndexDefinition definition, UsagePattern pattern) =>
        found.TryAdd(definition.ToAnonymousStatement(), new ProposedIndex(definition, pattern));

    private static string Condition(PredicateKind kind, string column) => kind switch
    {
        PredicateKind.Null => Identifier.Quote(column) + " IS NULL",
        PredicateKind.False => "NOT " + Identifier.Quote(column),
        _ => Identifier.Quote(column),
    };

    private static IEnumerable<(List<IndexKey> Keys, UsagePattern Pattern)> KeyLists(RelationUse use, TableInfo table)
    {
        foreach (var branch in use.Alternatives.Select(a => use.Predicates.Concat(a)).Prepend(use.Predicates))
        {
            foreach (var list in KeyLists([.. branch], use, table))
            {
                yield return list;
            }
        }
    }

    private static IEnumerable<(List<IndexKey> Keys, UsagePattern Pattern)> KeyLists(
        IReadOnlyList<PlanPredicate> predicates, RelationUse use, TableInfo table)
    {
        var equal = Keys(predicates, table, PredicateKind.Equal, PredicateKind.In, PredicateKind.Null, PredicateKind.True, PredicateKind.False);
        var join = Keys(predicates, table, PredicateKind.Join);
        var range = Keys(predicates, table, PredicateKind.Range).Concat(Prefixes(predicates, table)).ToList();
        var lists = new List<(List<IndexKey> Keys, UsagePattern Pattern)>();

        // Equality: alone, in pairs and in threes, the most selective first; then one range.
        foreach (var lookup in Subsets(equal))
        {
            lists.Add((lookup, UsagePattern.Lookup));
            lists.AddRange(range.Select(r => (Join(lookup, [r]), UsagePattern.RangeScan)));
            lists.AddRange(use.Orders.Select(o => (Join(lookup, o), UsagePattern.Sort)));
            lists.AddRange(use.Groups.Select(g => (Join(lookup, g), UsagePattern.Analytics)));
        }

        lists.AddRange(range.Select(r => (new List<IndexKey> { r }, UsagePattern.RangeScan)));

        // The inner side of a join: its key, before and after what else restricts the table.
        foreach (var inner in Subsets(join))
        {
            lists.Add((inner, UsagePattern.Join));
            lists.AddRange(range.Select(r => (Join(inner, [r]), UsagePattern.Join)));
            foreach (var lookup in Subsets(equal))
            {
                lists.Add((Join(inner, lookup), UsagePattern.Join));
                lists.Add((Join(lookup, inner), UsagePattern.Join));
                lists.AddRange(range.Select(r => (Join(Join(lookup, inner), [r]), UsagePattern.Join)));
            }

            // Serves an index-only scan that has the range first and hands the join key up.
            lists.AddRange(range.Select(r => (Join([r], inner), UsagePattern.Join)));
        }

        lists.AddRange(use.Orders.Select(o => (Join([], o), UsagePattern.Sort)));
        lists.AddRange(use.Groups.Select(g => (Join([], g), UsagePattern.Analytics)));
        return lists.Where(l => l.Keys.Count > 0 && l.Keys.All(k => CanBeKey(k, table)));
    }

    private static List<IndexKey> Keys(IReadOnlyList<PlanPredicate> predicates, TableInfo table, params PredicateKind[] kinds) =>
    [
        .. predicates.Where(p => kinds.Contains(p.Kind)).Select(p => p.Key).Distinct()
            .OrderByDescending(k => DistinctOf(k, table)).ThenBy(k => k.ToString(), StringComparer.Ordinal).Take(MaximumKeys),
    ];

    // A B-tree in a linguistic order cannot find a beginning; the pattern operator classes order by character.
    private static IEnumerable<IndexKey> Prefixes(IReadOnlyList<PlanPredicate> predicates, TableInfo table) =>
        predicates.Where(p => p.Kind == PredicateKind.Prefix).Select(p => p.Key).Distinct().Select(key =>
        {
            var column = key.Column is { } name ? table.FindColumn(name) : null;
            return column?.IsCollationC == true ? key
                : key with { OperatorClass = column?.Type.StartsWith("character(", StringComparison.Ordinal) == true ? "bpchar_pattern_ops" : "text_pattern_ops" };
        });

    private static IEnumerable<List<IndexKey>> Subsets(List<IndexKey> keys)
    {
        for (var i = 0; i < keys.Count; i++)
        {
            yield return [keys[i]];
            for (var j = i + 1; j < keys.Count; j++)
            {
                yield return [keys[i], keys[j]];
            }
        }

        if (keys.Count >= MaximumKeys)
        {
            yield return [.. keys.Take(MaximumKeys)];
        }
    }

    private static List<IndexKey> Join(List<IndexKey> first, IEnumerable<IndexKey> second)
    {
        // Read backwards an index gives the opposite order: one that descends throughout is the ascending one, behind equal keys too.
        var more = second.ToList();
        if (more.All(k => k.Descending && k.NullsFirst is null or true))
        {
            more = [.. more.Select(k => k with { Descending = false, NullsFirst = null })];
        }

        var keys = first.ToList();
        foreach (var key in more)
        {
            if (keys.Count < MaximumKeys && !keys.Any(k => k.Column == key.Column && k.Expression == key.Expression))
            {
                keys.Add(key);
            }
        }

        return keys;
    }

    private static IndexDefinition? Covering(IndexDefinition definition, RelationUse use, TableInfo table)
    {
        if (use.Columns is null || definition.Keys.Any(k => k.Expression is not null))
        {
            return null;
        }

        var rest = table.Columns.Select(c => c.Name).Where(c => use.Columns.Contains(c) && definition.Keys.All(k => k.Column != c)).ToList();
        return rest.Count is > 0 and <= MaximumInclude ? definition with { Include = rest } : null;
    }

    private static bool CanBeKey(IndexKey key, TableInfo table) => key.Column is null || table.FindColumn(key.Column) is { HasBtree: true };

    private static double DistinctOf(IndexKey key, TableInfo table) =>
        (key.Column is null ? null : table.FindColumn(key.Column)?.Distinct) switch
        {
            null => 0,
            < 0 and { } share => -share * (table.Rows ?? 1),
            { } count => count,
        };
}
