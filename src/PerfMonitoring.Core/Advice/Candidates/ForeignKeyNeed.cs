using System.Globalization;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// A foreign key without an index on the referencing side, where the workload deletes rows of the referenced table. Each deleted
/// row, and each row whose key is updated, reads the whole referencing table. EXPLAIN does not show this, because triggers do it.
/// </summary>
/// <param name="Definition">The index that would serve, without a name.</param>
/// <param name="Gain">Estimated gain for the workload, in planner units.</param>
/// <param name="Reason">The slow write, its table, and the reason.</param>
/// <param name="Referenced">The table whose writes are slow.</param>
internal sealed record ForeignKeyNeed(IndexDefinition Definition, double Gain, string Reason, RelationName Referenced)
{
    /// <summary>
    /// Whether an index finds the referencing rows: the columns of the key come first, in any order, and it leaves out nulls at
    /// most.
    /// </summary>
    public bool IsServedBy(IndexDefinition index) =>
        IndexCoverage.Serves(index, Definition.Table, [.. Definition.Keys.Select(k => k.Column!)]);

    /// <summary>The same index without nulls, for columns that are mostly null; null for others.</summary>
    /// <param name="table">The referencing table.</param>
    public IndexDefinition? WithoutNulls(TableInfo table) =>
        Definition.Keys.Select(k => table.FindColumn(k.Column!)).MaxBy(c => c?.NullFraction) is
            { NullFraction: > Tuning.Candidates.LargeShare } column
            ? Definition with { Where = Identifier.Quote(column.Name) + " IS NOT NULL" } : null;

    /// <summary>Finds the foreign keys that make writes slow.</summary>
    /// <param name="catalog">Finds tables and indexes.</param>
    /// <param name="foreignKeys">At least all foreign keys that refer to a written table.</param>
    /// <param name="load">The writes.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public static async Task<IReadOnlyList<ForeignKeyNeed>> FindAsync(
        ICatalogRepository catalog, IEnumerable<ForeignKey> foreignKeys, WriteLoad load, CancellationToken cancellationToken)
    {
        var keys = foreignKeys
            .Select(k =>
                (Key: k, Deletes: load.Deletes(k.ReferencedTable), Updates: load.Updates(k.ReferencedTable, k.ReferencedColumns)))
            .Where(k => k.Deletes + k.Updates > 0).ToList();
        if (keys.Count == 0)
        {
            return [];
        }

        var tables = (await catalog.FindTablesAsync([.. keys.Select(k => k.Key.Table).Distinct()], cancellationToken))
            .ToDictionary(t => t.Name);
        var indexes = (await catalog.GetIndexesAsync([.. tables.Values.Select(t => t.Oid)], cancellationToken))
            .Where(i => i.IsValid).ToLookup(i => i.Definition.Table);
        return
        [
            .. keys.Where(
                k => tables.ContainsKey(k.Key.Table)
                && !indexes[k.Key.Table].Any(i => IndexCoverage.Serves(i.Definition, k.Key.Table, k.Key.Columns)))
                .Select(k => Judge(k.Key, tables[k.Key.Table], k.Deletes, k.Updates))
                .Where(n => n.Gain > 0)
                .OrderByDescending(n => n.Gain),
        ];
    }

    /// <summary>The cost of a foreign key without an index.</summary>
    /// <param name="key">The foreign key.</param>
    /// <param name="table">The referencing table.</param>
    /// <param name="deletes">Rows deleted from the referenced table.</param>
    /// <param name="updates">Rows of the referenced table whose key is updated.</param>
    public static ForeignKeyNeed Judge(ForeignKey key, TableInfo table, double deletes, double updates)
    {
        var writes = string.Join(
            " and ", new[] { Count(deletes, "deleted from"), Count(updates, "given another key in") }.OfType<string>());
        return new ForeignKeyNeed(
            new IndexDefinition { Table = key.Table, Name = "", Keys = [.. key.Columns.Select(IndexKey.OnColumn)] },
            (deletes + updates) * WriteCost.OfMissingForeignKeyIndex(table, key.Columns.Count),
            $"Foreign key {key.Name} has no index: for each row that is {writes}, the whole of {key.Table} is read.",
            key.ReferencedTable);

        string? Count(double rows, string verb) =>
            rows > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"{verb} {key.ReferencedTable} ({Math.Ceiling(rows):N0} in the workload's time)")
                : null;
    }
}
