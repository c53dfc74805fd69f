using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>
/// Size of an index on disk right after CREATE INDEX: B-tree, hash and BRIN within a few percent, GIN and GiST roughly.
/// </summary>
/// <remarks>
/// B-tree. Sources in PostgreSQL: bufpage.h (page header 24 bytes, line pointer 4), nbtree.h (special space 16, leaf fill factor
/// 90, non-leaf 70), itup.h (tuple header 8 bytes, 16 with nulls; data aligned to 8), nbtsort.c and nbtdedup.c: CREATE INDEX
/// merges equal keys into posting lists of at most a tenth of a page, where every operator class allows it (nbtvalidate.c:
/// equalimage) and the index has no INCLUDE columns. A posting list is the key once and 6 bytes for each row. HypoPG ignores the
/// merging, so its figure is 1.4 to 6 times too large. The number of rows with the same key follows from pg_stats. The estimate
/// assumes that values are spread at random over the rows, and that columns are independent except for
/// <see cref="TableInfo.Groups"/>: combinations that ANALYZE counts tell how columns depend on each other; rows that refer to a
/// key have as many of its values as when they are drawn at random. ANALYZE counts too few values where some are frequent (the
/// estimator of Haas, Stokes, 1998, in analyze.c): 35 to 90 % of them in real data.
/// <para>Hash. hashpage.c (_hash_init) allocates space for all rows of the table, nulls too, at 75 % of a page of entries of 20
/// bytes, in a number of buckets that grows by quarters of a power of two (hashutil.c, _hash_spareindex, _hash_hashkey2bucket);
/// equal values share a bucket, which overflows to further pages.</para>
/// <para>BRIN. brin.c: one entry with the least and the greatest value for 128 pages; a page of brin_revmap.c points to 1,360 of
/// them.</para>
/// <para>GIN. ginpostinglist.c writes the distance between two rows of an entry in 7 bits a byte. The number of entries is known
/// for arrays only; for other types it is guessed from the width: one entry that is unique to the row, and others that repeat.
/// Pages of entries that arrive in any order are half full.</para>
/// <para>GiST. gist.c splits pages in halves: the estimate assumes that they are 60 % full.</para>
/// </remarks>
internal static class IndexSize
{
    private const int Page = PlannerDefaults.PageBytes;
    private const int PageHeader = 24;
    private const int Special = 16;
    private const int LinePointer = 4;
    private const int TupleHeader = 8;
    private const int NullBitmap = 8;
    private const int Tid = 6;
    private const int DefaultFillFactor = 90;
    private const int MaximumVarying = 6;
    private const double NonLeafFill = 0.70;
    private const int MaximumPosting = (Page / 10 / 8 * 8) - LinePointer;

    // Where some values are far more frequent than others, the sample of ANALYZE shows at most this many times fewer values than
    // the table has.
    private const double MaximumMissed = 4;

    private const double TenYears = 3650;

    // Assumption for an expression without a known column: a short text, all values different.
    private static readonly ColumnInfo Unknown = new() {
        Name = "", Type = "text", IsPackable = true, AverageWidth = 16, Distinct = -1, TypeAlignment = 4 };

    /// <summary>The size in bytes; null where statistics are missing, or for another access method.</summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">Its table.</param>
    /// <param name="rows">Rows in a partial index. Null means unknown for a partial index, else all rows of the table.</param>
    public static long? Estimate(IndexDefinition definition, TableInfo table, double? rows = null)
    {
        rows ??= definition.Where is null ? table.Rows : null;
        if (table.Leaves.Count > 0)
        {
            // Each leaf has its own index and contains most of the values: equal keys merge only within a leaf.
            var share = 1.0 / table.Leaves.Count;
            var leaf = table with { Leaves = [], Rows = table.Rows * share, Pages = (long)Math.Ceiling(table.Pages * share) };
            return Estimate(definition, leaf, rows * share) * table.Leaves.Count;
        }

        var keys = definition.Keys.Select(k => k.Column is { } name ? table.FindColumn(name) : OfExpression(k.Expression!, table))
            .OfType<ColumnInfo>()
            .Select(c => HasNoNulls(c, definition) ? c with { NullFraction = 0 } : c).ToList();
        var include = definition.Include.Select(table.FindColumn).OfType<ColumnInfo>().ToList();
        if (rows is not { } count || keys.Count < definition.Keys.Count || include.Count < definition.Include.Count
            || keys.Concat(include).Any(c => c.TypeLength < 0 && c.AverageWidth is null))
        {
            return null;
        }

        return definition.Method switch
        {
            "btree" => OfBtree(definition, keys, include, count, table),
            "hash" => OfHash(keys[0], count, table),
            "brin" => OfBrin(keys, count, table),
            "gin" => OfGin(definition, keys, count, table),
            "gist" => OfGist(keys, count),
            _ => null,
        };
    }

    private static long OfBtree(
        IndexDefinition definition, List<ColumnInfo> keys, List<ColumnInfo> include, double rows, TableInfo table)
    {
        var canMerge = include.Count == 0 && !definition.IsUnique && keys.TrueForAll(k => k.CanDeduplicate);
        // Nulls are equal to each other, whatever the other values are.
        var nulls = canMerge && keys is [{ NullFraction: > 0 and { } share }] ? share * rows : 0;
        var tuple = nulls > 0 ? TupleSize([keys[0] with { NullFraction = 0 }]) : TupleSize([.. keys, .. include]);
        var distinct = canMerge ? DistinctKeys(keys, rows, table) : rows;
        return Estimate(
            LeafBytes(rows - nulls, tuple, distinct) + (nulls > 0 ? PostingBytes(nulls, TupleHeader + NullBitmap) : 0), tuple,
            FillFactor(definition));
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
        var perKey = Math.Max(1, entries / Math.Max(1, DistinctKeys([key], entries, table)));
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
        const double EntryFill = 0.55;
        var bytes = 0.0;
        foreach (var (key, column) in definition.Keys.Zip(keys))
        {
            var filled = rows * (1 - (column.NullFraction ?? 0));
            if (key.OperatorClass?.Contains("trgm", StringComparison.Ordinal) == true)
            {
                // Almost one trigram for each character; few of them are rare.
                bytes += filled * Width(column) * 2;
            }
            else if (column is { ElementCount: { } count, DistinctElements: > 0 and { } distinct })
            {
                var distance = Math.Max(1, table.Pages) * 2048.0 * distinct / Math.Max(1, filled * count);
                bytes += (filled * count * Math.Clamp(Math.Ceiling(Math.Log2(distance + 1) / 7), 1, 6))
                    + (distinct * 40 / EntryFill);
            }
            else
            {
                var width = column.Type switch { "tsvector" => 14.0, "jsonb" => key.OperatorClass is null ? 12 : 20, _ => 8 };
                bytes += filled * ((28 / EntryFill) + (2 * Math.Max(1, Width(column) / width)));
            }
        }

        return (long)(Math.Ceiling(bytes / (Page - PageHeader - Special)) + 2) * Page;
    }

    private static long OfGist(List<ColumnInfo> keys, double rows)
    {
        // GiST stores a point as a box.
        var entry = Align(TupleHeader + keys.Sum(k => k.Type == "point" ? 32 : Width(k)), 8) + LinePointer;
        return (long)Math.Ceiling(1 + (rows * entry / ((Page - PageHeader - Special) * 0.6))) * Page;
    }

    private static bool HasNoNulls(ColumnInfo column, IndexDefinition definition) =>
        definition.Where is { }
            where && column.Name.Length > 0
            && where.Contains(Identifier.Quote(column.Name) + " IS NOT NULL", StringComparison.Ordinal);

    private static double Width(ColumnInfo column) => column.TypeLength > 0 ? column.TypeLength : column.AverageWidth!.Value;

    /// <summary>The size in bytes of a B-tree.</summary>
    /// <param name="rows">Rows in the index.</param>
    /// <param name="tupleSize">Size of a tuple of one row in bytes, header included, aligned.</param>
    /// <param name="distinct">Different keys among the rows; the number of rows where equal keys are not merged.</param>
    /// <param name="fillFactor">Fill factor of the leaf pages in percent.</param>
    public static long Estimate(double rows, double tupleSize, double distinct, int fillFactor = DefaultFillFactor) =>
        rows < 1 ? Page : Estimate(LeafBytes(rows, tupleSize, distinct), tupleSize, fillFactor);

    private static long Estimate(double leafBytes, double tupleSize, int fillFactor)
    {
        if (leafBytes < 1)
        {
            return Page;
        }

        // A page ends when less than this would remain free; its first line pointer is for the high key, a tuple like the others.
        var usable = Page - PageHeader - Special - (Page * (100 - fillFactor) / 100) - (tupleSize + LinePointer);
        var leaves = Math.Ceiling(leafBytes / usable);
        var pages = leaves;
        for (var level = leaves; level > 1;)
        {
            level = Math.Ceiling(level * (tupleSize + LinePointer) / ((Page - PageHeader - Special) * NonLeafFill));
            pages += level;
        }

        // The first page is the metapage.
        return (long)(pages + 1) * Page;
    }

    private static double LeafBytes(double rows, double tupleSize, double distinct)
    {
        if (rows < 1)
        {
            return 0;
        }

        distinct = Math.Max(1, Math.Min(distinct, rows));
        var perKey = rows / distinct;
        if (perKey <= 1.0001)
        {
            return rows * (tupleSize + LinePointer);
        }

        if (perKey > 50)
        {
            return distinct * PostingBytes(perKey, tupleSize);
        }

        // Rows for each key, distributed at random, none of them zero: a zero-truncated Poisson distribution with the given mean.
        var lambda = perKey;
        for (var (i, last) = (0, 0.0); i < 60 && Math.Abs(lambda - last) > 1e-6; i++)
        {
            last = lambda;
            lambda = perKey * (1 - Math.Exp(-lambda));
        }

        var bytes = 0.0;
        var probability = Math.Exp(-lambda) / (1 - Math.Exp(-lambda));
        for (var k = 1; k <= 200; k++)
        {
            probability *= lambda / k;
            bytes += probability * PostingBytes(k, tupleSize);
            if (k > lambda && probability < 1e-9)
            {
                break;
            }
        }

        return distinct * bytes;
    }

    // Bytes on the leaves for one key with that many rows, line pointers included.
    private static double PostingBytes(double rows, double tupleSize)
    {
        if (rows <= 1)
        {
            return tupleSize + LinePointer;
        }

        var most = Math.Max(1, Math.Floor((MaximumPosting - tupleSize) / Tid));
        var whole = Math.Floor(rows / most);
        var rest = rows - (whole * most);
        var bytes = whole * (Align(tupleSize + (most * Tid), 8) + LinePointer);
        return rest <= 0 ? bytes : bytes + LinePointer + (rest <= 1 ? tupleSize : Align(tupleSize + (rest * Tid), 8));
    }

    // The mean over the possible rows: nulls, which need a bitmap and no space, and widths.
    private static double TupleSize(IReadOnlyList<ColumnInfo> columns)
    {
        // ANALYZE truncates a mean width: a varying value is as often one byte longer, and alignment turns one byte into eight.
        var areFew = columns.Count(c => c.TypeLength < 0 || c.NullFraction > 0) <= MaximumVarying;
        return SizeFrom(0, 0, false);

        double SizeFrom(int place, double data, bool hasNull)
        {
            if (place == columns.Count)
            {
                return Align(TupleHeader + (hasNull ? NullBitmap : 0) + data, 8);
            }

            var column = columns[place];
            var nulls = column.NullFraction ?? 0;
            var width = Width(column);
            if (!areFew)
            {
                return With((1 - nulls) * width, hasNull || nulls > 0.5);
            }

            var filled = column.TypeLength < 0 && columns.Count > 1
                ? (With(width, hasNull) + With(width + 1, hasNull)) / 2 : With(width, hasNull);
            return nulls > 0 ? (nulls * SizeFrom(place + 1, data, true)) + ((1 - nulls) * filled) : filled;

            double With(double bytes, bool has) =>
                SizeFrom(place + 1, Align(data, column.IsPackable && bytes <= 126 ? 1 : column.TypeAlignment) + bytes, has);
        }
    }

    private static double DistinctKeys(List<ColumnInfo> keys, double rows, TableInfo table)
    {
        var left = keys.ToList();
        var factors = new List<double>();
        foreach (var group in table.Groups
            .Where(g => g.Columns.All(name => keys.Exists(k => k.Name == name)))
            .OrderBy(g => g.Distinct / g.Columns.Aggregate(1.0, (all, name) => all * Distinct(table.FindColumn(name)!))))
        {
            if (group.Columns.All(name => left.Exists(k => k.Name == name)))
            {
                var columns = left.FindAll(k => group.Columns.Contains(k.Name));
                factors.Add(group.IsCounted ? Counted(group, columns) : Referring(group, columns));
                left.RemoveAll(k => group.Columns.Contains(k.Name));
            }
        }

        factors.AddRange(left.Select(Distinct));
        var combinations = factors.Aggregate(1.0, (all, count) => all * count);
        // At least as many as of each column alone.
        return Math.Min(rows, combinations > rows * 1e6 ? rows : Math.Max(factors.Max(), Drawn(combinations, rows)));

        double Distinct(ColumnInfo key)
        {
            var whole = table.Rows ?? rows;
            return Math.Max(1, DistinctValues.Of(key, whole) is not { } all ? rows : key.Distinct < 0 ? all * rows / whole : all);
        }

        // ANALYZE misses the same share of the combinations as of the column of which it misses most.
        double Counted(ColumnGroup group, List<ColumnInfo> columns)
        {
            var values = columns.ConvertAll(
                c => table.Groups.FirstOrDefault(g => !g.IsCounted && g.Columns is [var name] && name == c.Name) is { } key
                ? Referring(key, [c]) : Distinct(c));
            var whole = table.Rows ?? rows;
            var missed = values.Zip(columns, (all, c) => all / Math.Max(1, c.CountDistinct(whole) ?? all)).Max();
            return Math.Clamp(
                group.Distinct * missed, values.Max(),
                Math.Max(values.Max(), Drawn(values.Aggregate(1.0, (all, count) => all * count), rows)));
        }

        double Referring(ColumnGroup group, List<ColumnInfo> columns)
        {
            var drawn = Drawn(group.Distinct, rows * columns.Aggregate(1.0, (share, c) => share * (1 - (c.NullFraction ?? 0))));
            var most = columns.Aggregate(columns.Count == 1 ? MaximumMissed : 1.0, (all, c) => all * Distinct(c));
            return Math.Clamp(drawn, Math.Min(columns.Max(Distinct), most), most);
        }
    }

    // Number of distinct values that occur when that many rows are drawn at random from the possible values.
    private static double Drawn(double values, double rows) => values * (1 - Math.Exp(-rows / values));

    // A function of one column is assumed to be as wide and as varied as the column. A day or a truncated time has as many values
    // as ten years have days. For an element of a document nothing is known.
    private static ColumnInfo OfExpression(string expression, TableInfo table)
    {
        if (expression.EndsWith("::date", StringComparison.Ordinal))
        {
            return Unknown with { Type = "date", TypeLength = 4, Distinct = TenYears };
        }

        if (expression.StartsWith("date_trunc(", StringComparison.Ordinal))
        {
            return Unknown with { Type = "timestamp without time zone", TypeLength = 8, TypeAlignment = 8, Distinct = TenYears };
        }

        var column = table.Columns.Where(c => expression.Contains(c.Name, StringComparison.Ordinal)).MaxBy(c => c.Name.Length);
        return expression.StartsWith("to_tsvector(", StringComparison.Ordinal) && column?.AverageWidth is { } text
                ? Unknown with { Type = "tsvector", AverageWidth = text }
            : column is null or { Type: "json" or "jsonb" or "xml" } or { TypeLength: < 0, AverageWidth: > 126 or null } ? Unknown
            : column;
    }

    private static int FillFactor(IndexDefinition definition)
    {
        foreach (var parameter in definition.StorageParameters)
        {
            if (parameter.Split('=') is ["fillfactor", var value] && int.TryParse(value.Trim('\''), out var percent))
            {
                return percent;
            }
        }

        return DefaultFillFactor;
    }

    private static double Align(double size, int alignment) => Math.Ceiling(size / alignment) * alignment;
}
