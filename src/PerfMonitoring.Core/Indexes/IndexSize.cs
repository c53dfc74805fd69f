using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace PerfMonitoring.Indexes;

/// <summary>
/// Size of an index on disk right after CREATE INDEX: B-tree, hash and BRIN within a few percent, GIN and GiST roughly.
/// </summary>
/// <remarks>
/// B-trees are in <see cref="BtreeSize"/>, GIN in <see cref="GinSize"/>.
/// <para>Hash. hashpage.c (_hash_init) allocates space for all rows of the table, nulls too, at 75 % of a page of entries of 20
/// bytes, in a number of buckets that grows by quarters of a power of two (hashutil.c, _hash_spareindex, _hash_hashkey2bucket);
/// equal values share a bucket, which overflows to further pages.</para>
/// <para>BRIN. brin.c: one entry with the least and the greatest value for 128 pages; a page of brin_revmap.c points to 1,360 of
/// them.</para>
/// <para>GiST. gist.c splits pages in halves: the estimate assumes that they are 60 % full.</para>
/// </remarks>
internal static class IndexSize
{
    private const int Page = PlannerDefaults.PageBytes;
    private const int PageHeader = 24;
    private const int Special = 16;
    private const int LinePointer = 4;
    private const int TupleHeader = 8;

    // Many statements propose the same index.
    private static readonly ConditionalWeakTable<TableInfo, ConcurrentDictionary<(string, double?), long?>> Known = [];

    /// <summary>The size in bytes; null where statistics are missing, or for another access method.</summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">Its table.</param>
    /// <param name="rows">Rows in a partial index. Null means unknown for a partial index, else all rows of the table.</param>
    public static long? Estimate(IndexDefinition definition, TableInfo table, double? rows = null) =>
        Known.GetOrCreateValue(table).GetOrAdd(
            (definition.ToAnonymousStatement(), rows), _ => Compute(definition, table, rows));

    private static long? Compute(IndexDefinition definition, TableInfo table, double? rows)
    {
        rows ??= definition.Where is null ? table.Rows : null;
        if (table.Leaves.Count > 0)
        {
            // Each leaf has its own index and contains most of the values: equal keys merge only within a leaf.
            var share = 1.0 / table.Leaves.Count;
            var leaf = table with { Leaves = [], Rows = table.Rows * share, Pages = (long)Math.Ceiling(table.Pages * share) };
            return Estimate(definition, leaf, rows * share) * table.Leaves.Count;
        }

        var keys = definition.Keys
            .Select(k => k.Column is { } name ? table.FindColumn(name) : ExpressionStatistics.Of(k.Expression!, table))
            .OfType<ColumnInfo>().ToList();
        var include = definition.Include.Select(table.FindColumn).OfType<ColumnInfo>().ToList();
        if (rows is not { } count || keys.Count < definition.Keys.Count || include.Count < definition.Include.Count
            || keys.Concat(include).Any(c => c.TypeLength < 0 && c.AverageWidth is null))
        {
            return null;
        }

        return definition.Method switch
        {
            "btree" => BtreeSize.Of(definition, keys, include, count, table),
            "hash" => OfHash(keys[0], count, table),
            "brin" => OfBrin(keys, count, table),
            "gin" => OfGin(definition, keys, count, table),
            "gist" => OfGist(keys, count),
            _ => null,
        };
    }

    private static long OfHash(ColumnInfo key, double rows, TableInfo table)
    {
        const double EntrySize = 20;
        const double PerPage = (Page - PageHeader - Special) / EntrySize;
        var wanted = Math.Max(2, rows / (Page * 0.75 / EntrySize));
        var power = Math.Pow(2, Math.Floor(Math.Log2(wanted)));
        // Up to 512 buckets the number doubles; above, it grows by a quarter of the last power.
        var buckets = power == wanted
            ? power : power < 512 ? power * 2 : power + (Math.Ceiling((wanted - power) / (power / 4)) * (power / 4));
        var entries = rows * (1 - (key.NullFraction ?? 0));
        var perKey = Math.Max(1, entries / Math.Max(1, BtreeSize.Distinct(key, entries, table)));
        // Buckets beyond a power of two halve the load of as many others, not of all.
        var whole = Math.Pow(2, Math.Floor(Math.Log2(buckets)));
        var halved = buckets - whole;
        return (long)Math.Ceiling(
            (2 * halved * PagesOf(entries / perKey / (2 * whole))) + ((whole - halved) * PagesOf(entries / perKey / whole))
            + 2) * Page;

        // Pages of one bucket with this mean number of different keys.
        double PagesOf(double mean)
        {
            var probability = Math.Exp(-mean);
            var pages = 0.0;
            for (var keys = 0; keys < mean + (10 * Math.Sqrt(mean)) + 20; keys++)
            {
                pages += probability * Math.Max(1, Math.Ceiling(keys * perKey / PerPage));
                probability *= mean / (keys + 1);
            }

            return pages;
        }
    }

    private static long OfBrin(List<ColumnInfo> keys, double rows, TableInfo table)
    {
        var ranges = Math.Ceiling(Math.Max(1, table.Pages) / 128.0);
        var entry = Align(8 + keys.Sum(k => 2 * Width(k)), 8) + LinePointer;
        var perPage = Math.Max(1, Math.Floor((Page - PageHeader - Special) / entry));
        return rows < 1 ? 2 * Page : (long)(1 + Math.Ceiling(ranges / 1360) + Math.Ceiling(ranges / perPage)) * Page;
    }

    private static long OfGin(IndexDefinition definition, List<ColumnInfo> keys, double rows, TableInfo table)
    {
        var entries = definition.Keys.Zip(keys).Select(k => GinEntries.Of(
            k.First,
            k.First.Expression is { } expression ? [.. ExpressionStatistics.ColumnsOf(expression, table)] : [k.Second],
            table.Rows ?? rows)).ToList();
        if (entries.TrueForAll(e => e is not null))
        {
            return GinSize.Of(entries!, rows, table.Pages * (rows < 1 ? 0 : 1));
        }

        // Nothing is known of the values: one entry that is unique to the row, and others that repeat.
        const double UniqueEntry = 50;
        var bytes = keys.Sum(k => rows * (1 - (k.NullFraction ?? 0)) * (UniqueEntry + (2 * Math.Max(1, Width(k) / 8))));
        return (long)(Math.Ceiling(bytes / (Page - PageHeader - Special)) + 2) * Page;
    }

    private static long OfGist(List<ColumnInfo> keys, double rows)
    {
        // GiST stores a point as a box.
        var entry = Align(TupleHeader + keys.Sum(k => k.Type == "point" ? 32 : Width(k)), 8) + LinePointer;
        return (long)Math.Ceiling(1 + (rows * entry / ((Page - PageHeader - Special) * 0.6))) * Page;
    }

    /// <summary>Mean width of a value in bytes.</summary>
    public static double Width(ColumnInfo column) => column.TypeLength > 0 ? column.TypeLength : column.AverageWidth!.Value;

    private static double Align(double size, int alignment) => Math.Ceiling(size / alignment) * alignment;
}
