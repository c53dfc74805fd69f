using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advisor;

/// <summary>
/// How large a B-tree will be on disk right after CREATE INDEX.
/// </summary>
/// <remarks>
/// Sources in PostgreSQL: bufpage.h (page header 24 bytes, line pointer 4), nbtree.h (special space 16, leaf fill factor 90, non-leaf 70),
/// itup.h (tuple header 8 bytes, 16 with nulls; data aligned to 8), nbtsort.c and nbtdedup.c: CREATE INDEX merges equal keys into posting lists
/// of at most a tenth of a page, where every operator class allows it (nbtvalidate.c: equalimage) and the index has no INCLUDE columns.
/// A posting list is the key once and 6 bytes a row. HypoPG ignores the merging, which makes its figure 1.4 to 6 times too large.
/// How many rows share a key follows from pg_stats: values are taken to be spread at random over the rows.
/// </remarks>
public static class IndexSize
{
    private const int Page = 8192;
    private const int PageHeader = 24;
    private const int Special = 16;
    private const int LinePointer = 4;
    private const int TupleHeader = 8;
    private const int Tid = 6;
    private const int DefaultFillFactor = 90;
    private const double NonLeafFill = 0.70;
    private const int MaximumPosting = (Page / 10 / 8 * 8) - LinePointer;

    // What an expression is taken to be where no column tells: a short text, all different.
    private static readonly ColumnInfo Unknown = new() { Name = "", Type = "text", IsPackable = true, AverageWidth = 16, Distinct = -1, TypeAlignment = 4 };

    /// <summary>The size in bytes; null where statistics are missing, or for another access method.</summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">Its table.</param>
    /// <param name="rows">How many rows a partial index holds; null for a partial index is unknown, else all rows of the table.</param>
    public static long? Estimate(IndexDefinition definition, TableInfo table, double? rows = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(table);
        rows ??= definition.Where is null ? table.Rows : null;
        if (definition.Method != "btree" || rows is not { } count)
        {
            return null;
        }

        var keys = definition.Keys.Select(k => k.Column is { } name ? table.FindColumn(name) : OfExpression(k.Expression!, table)).ToList();
        var include = definition.Include.Select(table.FindColumn).ToList();
        if (keys.Concat(include).Any(c => c is null || (c.TypeLength < 0 && c.AverageWidth is null)))
        {
            return null;
        }

        var canMerge = include.Count == 0 && !definition.IsUnique && keys.All(k => k!.CanDeduplicate);
        var distinct = canMerge ? DistinctKeys(keys, count) : count;
        return Estimate(count, TupleSize([.. keys!, .. include!]), distinct, FillFactor(definition));
    }

    /// <summary>The size in bytes of a B-tree of so many rows.</summary>
    /// <param name="rows">Rows in the index.</param>
    /// <param name="tupleSize">Size of a tuple of one row in bytes, header included, aligned.</param>
    /// <param name="distinct">Different keys among the rows; as many as rows where equal keys are not merged.</param>
    /// <param name="fillFactor">Fill factor of the leaf pages in percent.</param>
    public static long Estimate(double rows, int tupleSize, double distinct, int fillFactor = DefaultFillFactor)
    {
        if (rows < 1)
        {
            return Page;
        }

        // A page is left when less than this would stay free; its first line pointer is the high key's, a tuple as the others.
        var usable = Page - PageHeader - Special - (Page * (100 - fillFactor) / 100) - (tupleSize + LinePointer);
        var leaves = Math.Ceiling(LeafBytes(rows, tupleSize, distinct) / usable);
        var pages = leaves;
        for (var level = leaves; level > 1;)
        {
            level = Math.Ceiling(level * (tupleSize + LinePointer) / ((Page - PageHeader - Special) * NonLeafFill));
            pages += level;
        }

        // The first page is the metapage.
        return (long)(pages + 1) * Page;
    }

    private static double LeafBytes(double rows, int tupleSize, double distinct)
    {
        var perKey = rows / Math.Max(1, Math.Min(distinct, rows));
        if (perKey <= 1.0001)
        {
            return rows * (tupleSize + LinePointer);
        }

        if (perKey > 50)
        {
            return distinct * PostingBytes(perKey, tupleSize);
        }

        // Numbers of rows a key, thrown at random, none of them zero: a Poisson distribution without its zero, of the given mean.
        var lambda = perKey;
        for (var i = 0; i < 60; i++)
        {
            lambda = perKey * (1 - Math.Exp(-lambda));
        }

        var bytes = 0.0;
        var probability = Math.Exp(-lambda) / (1 - Math.Exp(-lambda));
        for (var k = 1; k <= 200; k++)
        {
            probability *= lambda / k;
            bytes += probability * PostingBytes(k, tupleSize);
        }

        return distinct * bytes;
    }

    // Bytes on the leaves for one key with so many rows, line pointers included.
    private static double PostingBytes(double rows, int tupleSize)
    {
        if (rows <= 1)
        {
            return tupleSize + LinePointer;
        }

        var most = Math.Max(1, Math.Floor((double)(MaximumPosting - tupleSize) / Tid));
        var whole = Math.Floor(rows / most);
        var rest = rows - (whole * most);
        var bytes = whole * (Align(tupleSize + (most * Tid), 8) + LinePointer);
        return rest <= 0 ? bytes : bytes + LinePointer + (rest <= 1 ? tupleSize : Align(tupleSize + (rest * Tid), 8));
    }

    private static int TupleSize(IReadOnlyList<ColumnInfo> columns)
    {
        // A tuple has room for a null bitmap only where it has a null: the mean over both kinds.
        var withNulls = 1 - columns.Aggregate(1.0, (share, c) => share * (1 - (c.NullFraction ?? 0)));
        var data = 0.0;
        foreach (var column in columns)
        {
            var width = column.TypeLength > 0 ? column.TypeLength : column.AverageWidth!.Value;
            var alignment = column.IsPackable && width <= 126 ? 1 : column.TypeAlignment;
            data = Align(data, alignment) + ((1 - (column.NullFraction ?? 0)) * width);
        }

        return (int)Align(TupleHeader + (withNulls > 0.5 ? 8 : 0) + data, 8);
    }

    private static double DistinctKeys(List<ColumnInfo?> keys, double rows)
    {
        var combinations = 1.0;
        foreach (var key in keys)
        {
            combinations *= key!.Distinct switch { null => rows, < 0 => -key.Distinct.Value * rows, _ => Math.Max(1, key.Distinct.Value) };
        }

        // Of so many possible combinations, as many are met as when rows are drawn at random.
        return keys.Count == 1 || combinations > rows * 1e6
            ? Math.Min(rows, combinations)
            : combinations * (1 - Math.Exp(-rows / combinations));
    }

    // A function of one column is taken to be as wide and as various as the column.
    private static ColumnInfo OfExpression(string expression, TableInfo table) =>
        table.Columns.Where(c => expression.Contains(c.Name, StringComparison.Ordinal)).MaxBy(c => c.Name.Length) is { TypeLength: -1, AverageWidth: <= 126 } column
            ? column
            : Unknown;

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
