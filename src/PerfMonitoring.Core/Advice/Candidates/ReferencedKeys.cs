using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// Columns that refer to a unique key of another table have at most as many values, or combinations of values, as that table has
/// rows, and usually most of these, however many values each column has alone. Foreign keys show such columns; without foreign
/// keys, the joins of the workload show them.
/// </summary>
internal static class ReferencedKeys
{
    /// <summary>The tables, each with the groups of its columns that refer to a key.</summary>
    /// <param name="tables">The tables of the workload.</param>
    /// <param name="indexes">Their indexes.</param>
    /// <param name="foreignKeys">Their foreign keys.</param>
    /// <param name="uses">The uses by the statements.</param>
    public static IReadOnlyDictionary<RelationName, TableInfo> AddTo(
        IReadOnlyDictionary<RelationName, TableInfo> tables, ILookup<RelationName, TableIndex> indexes,
        IEnumerable<ForeignKey> foreignKeys, IEnumerable<StatementUse> uses)
    {
        var found = new Dictionary<(RelationName Table, string Columns), ColumnGroup>();
        foreach (var key in foreignKeys)
        {
            Add(key.Table, key.Columns, key.ReferencedRows);
        }

        foreach (var use in uses)
        {
            Join(use);
        }

        var groups = found.ToLookup(f => f.Key.Table, f => f.Value);
        return tables.ToDictionary(
            t => t.Key, t => groups.Contains(t.Key) ? t.Value with { Groups = [.. t.Value.Groups, .. groups[t.Key]] } : t.Value);

        void Add(RelationName table, IReadOnlyList<string> columns, double? values)
        {
            var place = (table, string.Join('\0', columns.Order(StringComparer.Ordinal)));
            if (values > 0 && !(found.TryGetValue(place, out var known) && known.Distinct <= values))
            {
                found[place] = new ColumnGroup(columns, values.Value);
            }
        }

        void Join(StatementUse use)
        {
            Dictionary<(string Alias, string Column), int>? equal = null;
            foreach (var other in use.Relations.Where(r => tables.ContainsKey(r.Table)))
            {
                foreach (var key in indexes[other.Table].Select(i => i.Definition).Where(IsKey))
                {
                    equal ??= Equal(use);
                    var classes = key.Keys.Select(k => equal.GetValueOrDefault((other.Alias, k.Column!))).ToList();
                    foreach (var relation in classes.Contains(0)
                        ? [] : use.Relations.Where(r => r.Table != other.Table && tables.ContainsKey(r.Table)))
                    {
                        var columns = classes.Select(
                            c => equal.FirstOrDefault(e => e.Key.Alias == relation.Alias && e.Value == c).Key.Column)
                            .OfType<string>().ToList();
                        if (columns.Count == classes.Count
                            && columns.Zip(key.Keys)
                            .All(c => Holds(tables[other.Table], c.Second.Column!, tables[relation.Table], c.First)))
                        {
                            Add(relation.Table, columns, tables[other.Table].Rows);
                        }
                    }
                }
            }
        }
    }

    private static bool IsKey(IndexDefinition index) =>
        index is { IsUnique: true, Where: null } && index.Keys.All(k => k.Column is not null);

    // Whether one column can have every value of the other, as far as their numbers tell.
    private static bool Holds(TableInfo table, string column, TableInfo other, string otherColumn) =>
        table.Rows is { } rows && other.Rows is { } otherRows
        && table.FindColumn(column)?.CountDistinct(rows) is { } count
        && other.FindColumn(otherColumn)?.CountDistinct(otherRows) is { } needed
        && needed <= count * Tuning.Candidates.ReferenceTolerance;

    // Columns that a statement equates, directly or through others, have the same number, from 1.
    private static Dictionary<(string Alias, string Column), int> Equal(StatementUse use)
    {
        var classes = new Dictionary<(string, string), int>();
        foreach (var (relation, join) in use.Relations.SelectMany(
            r => r.Predicates.Where(p => p is { Kind: PredicateKind.Join, Key.Column: not null, OtherColumn: not null })
            .Select(p => (r, p))))
        {
            var (one, other) = ((relation.Alias, join.Key.Column!), (join.Other!, join.OtherColumn!));
            var number = classes.GetValueOrDefault(one, classes.Count + 1);
            if (classes.TryGetValue(other, out var old))
            {
                foreach (var member in classes.Where(c => c.Value == old).Select(c => c.Key).ToList())
                {
                    classes[member] = number;
                }
            }

            classes[one] = classes[other] = number;
        }

        return classes;
    }
}
