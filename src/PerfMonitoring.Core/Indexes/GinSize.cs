namespace PerfMonitoring.Indexes;

/// <summary>Size of a GIN index on disk right after CREATE INDEX.</summary>
/// <remarks>
/// Sources in PostgreSQL: ginentrypage.c (an entry is an index tuple: the key, then the rows; a page is split in halves, and
/// entries that arrive in order leave halves behind), ginblock.h (a tuple has at most a third of a page; longer lists of rows
/// have pages of their own, which the build fills), ginpostinglist.c (the distance between two rows, with 11 bits for the row in
/// its page, takes 7 bits a byte; a segment of about 300 bytes has a header of 8).
/// </remarks>
internal static class GinSize
{
    private const int Page = PlannerDefaults.PageBytes;
    private const int Space = Page - 32;
    private const int LinePointer = 4;
    private const int TupleHeader = 8;
    private const int SegmentHeader = 8;
    private const int MeanSegment = 300;
    private const int MaximumTuple = 2712;
    private const int MostRowsApart = 20;

    // The build keeps entries and rows in memory (maintenance_work_mem, 64 MB by default) and writes them in order: the pages are
    // half full. What comes later finds the entries there, and fills the pages.
    private const double BuildMemory = 64 << 20;
    private const double FillLater = 0.7;
    private const double MemoryOfEntry = 130;
    private const double MemoryOfRow = 9;

    /// <summary>The size in bytes.</summary>
    /// <param name="entries">The entries of each key.</param>
    /// <param name="rows">Rows in the index.</param>
    /// <param name="pages">Pages of the table.</param>
    public static long Of(IReadOnlyList<IReadOnlyList<GinEntries.Entry>> entries, double rows, double pages)
    {
        var all = entries.SelectMany(e => e).SelectMany(
            e => Occurring(e.Keys, rows * Math.Min(1, e.Share))
                .Select(o => (o.Count, o.Rows, Key: Align(TupleHeader + (entries.Count > 1 ? 2 : 0) + e.Bytes)))).ToList();
        var memory = all.Sum(e => e.Count * (MemoryOfEntry + (e.Rows * MemoryOfRow)));
        var batches = Math.Ceiling(memory / BuildMemory);
        var (entryBytes, squares, trees, inner) = (0.0, 0.0, 0.0, 0.0);
        foreach (var (count, with, key) in all)
        {
            var list = (with - 1) * BytesPerRow(with, pages);
            var tuple = Align(key + SegmentHeader + list);
            if (tuple > MaximumTuple)
            {
                var data = Math.Ceiling(list * (1 + ((double)SegmentHeader / MeanSegment)) / Space);
                trees += count * (data > 1 ? data + 1 : 1);
                // The pages of a list that only a later batch makes too long stay.
                tuple = Align(key + (list / batches * Math.Floor(MaximumTuple * batches / tuple)));
            }

            entryBytes += count * (tuple + LinePointer);
            squares += count * (tuple + LinePointer) * (tuple + LinePointer);
            inner += count * (tuple + LinePointer) * (key + LinePointer);
        }

        // The left half of a split page has the tuple that reaches over the half.
        var fit = Math.Max(3, Math.Floor(Space / Math.Max(1, squares / Math.Max(1, entryBytes))));
        var inOrder = (Math.Floor((fit + 1) / 2) + 1) / (fit + 0.5);
        var fill = batches > 1 ? Math.Max(inOrder, FillLater) : inOrder;
        var leaves = entryBytes <= Space ? 1 : Math.Ceiling(entryBytes / (Space * fill));
        var above = leaves <= 1 ? 0 : Math.Ceiling(leaves * (inner / entryBytes) / (Space * inOrder));
        // The metapage, and the root.
        return (long)Math.Ceiling(1 + leaves + above + trees) * Page;
    }

    // Rare entries: how many have one row, two rows ... Others have the mean.
    private static IEnumerable<(double Count, double Rows)> Occurring(double keys, double mean)
    {
        if (mean > MostRowsApart)
        {
            yield return (keys, mean);
            yield break;
        }

        var probability = Math.Exp(-mean);
        for (var rows = 1; rows <= 4 * MostRowsApart; rows++)
        {
            probability *= mean / rows;
            yield return (keys * probability, rows);
        }
    }

    // Rows of an entry at random places. In the same page the distance takes one byte, in the next seven pages two.
    private static double BytesPerRow(double rows, double pages)
    {
        var perPage = rows / Math.Max(1, pages);
        var another = perPage < 1e-6 ? 1 : KeyFrequencies.Occurrence(perPage) / perPage;
        return 1 + (another * (1 + Math.Exp(-7 * perPage) + Math.Exp(-1023 * perPage) + Math.Exp(-131071 * perPage)));
    }

    private static double Align(double size) => Math.Ceiling(size / 8) * 8;
}
