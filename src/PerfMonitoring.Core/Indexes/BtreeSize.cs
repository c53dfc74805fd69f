namespace PerfMonitoring.Indexes;

/// <summary>Size of a B-tree on disk right after CREATE INDEX.</summary>
/// <remarks>
/// Sources in PostgreSQL: bufpage.h (page header 24 bytes, line pointer 4), nbtree.h (special space 16, leaf fill factor 90,
/// non-leaf 70), itup.h (tuple header 8 bytes, 16 with nulls; data aligned to 8), nbtsort.c and nbtdedup.c: CREATE INDEX merges
/// equal keys into posting lists of at most a tenth of a page, where every operator class allows it (nbtvalidate.c: equalimage)
/// and the index is not unique and has no INCLUDE columns. A posting list is the key once and 6 bytes for each row. HypoPG
/// ignores the merging, so its figure is 1.4 to 6 times too large.
/// <para>The number of rows with the same key follows from pg_stats (<see cref="KeyFrequencies"/>). Nulls are equal to each
/// other: each combination of nulls and values is a part of its own. Columns are assumed to be independent except for <see
/// cref="TableInfo.Groups"/>: combinations that ANALYZE counts tell how columns depend on each other; rows that refer to a key
/// have as many of its values as when they are drawn at random. ANALYZE counts too few values where some are frequent (the
/// estimator of Haas, Stokes, 1998, in analyze.c): 35 to 90 % of them in real data.</para>
/// </remarks>
internal static class BtreeSize
{
    private const int Page = PlannerDefaults.PageBytes;
    private const int PageHeader = 24;
    private const int Special = 16;
    private const int LinePointer = 4;
    private const int TupleHeader = 8;
    private const int NullBitmap = 8;
    private const int Tid = 6;
    private const int DefaultFillFactor = 90;
    private const double NonLeafFill = 0.70;
    private const int MaximumPosting = (Page / 10 / 8 * 8) - LinePointer;

    // Space on a page for tuples and their line pointers, after the line pointer of the high key.
    private const int Space = Page - PageHeader - Special - LinePointer;

    // Beyond so many columns their parts are not told apart.
    private const int MaximumApart = 5;

    // Common values are a part of their own where their mean width differs by this many bytes from that of the others.
    private const double OtherWidth = 4;

    // A width that varies more than this takes every remainder of the alignment equally often.
    private const double WideDeviation = 3;

    // Where some values are far more frequent than others, the sample of ANALYZE shows at most this many times fewer values than
    // the table has.
    private const double MaximumMissed = 4;

    /// <summary>The size in bytes.</summary>
    /// <param name="definition">The index.</param>
    /// <param name="keys">Its key columns, with statistics of the whole table.</param>
    /// <param name="include">Its other columns.</param>
    /// <param name="rows">Rows in the index.</param>
    /// <param name="table">Its table.</param>
    public static long Of(
        IndexDefinition definition, IReadOnlyList<ColumnInfo> keys, IReadOnlyList<ColumnInfo> include, double rows,
        TableInfo table)
    {
        var conditions = keys.Select(k => PartialCondition.On(definition.Where, k.Name)).ToList();
        var nulls = keys.Zip(conditions, (k, c) => c.IsNull is { } isNull ? (isNull ? 1 : 0) : k.NullFraction ?? 0).ToList();
        var merges = include.Count == 0 && !definition.IsUnique && keys.All(k => k.CanDeduplicate)
            && !definition.StorageParameters.Any(IsWithoutMerging);
        var leaf = new Leaf(FillFactor(definition), keys.Concat(include).Any(HasSeveralWidths));
        if (!merges)
        {
            leaf.Add(rows, TupleSize([.. keys.Zip(nulls), .. include.Select(c => (c, c.NullFraction ?? 0))]));
        }
        else
        {
            var states = new List<(double Share, KeyPart Part)[]>();
            foreach (var (key, share, condition) in keys.Zip(nulls, conditions))
            {
                states.Add(
                    states.Count(s => s.Length > 1) < MaximumApart
                    ? [.. States(key, share, condition).Where(s => s.Share > 0)]
                    : [(1, new KeyPart(key, share, condition, null))]);
            }

            AddParts([], rows);

            void AddParts(List<KeyPart> part, double partRows)
            {
                if (part.Count < keys.Count)
                {
                    foreach (var (share, state) in states[part.Count])
                    {
                        AddParts([.. part, state], partRows * share);
                    }
                }
                else if (partRows >= 1e-3)
                {
                    var size = TupleSize(part.ConvertAll(p => (p.Column, p.Nulls)));
                    foreach (var (values, share) in Frequencies([.. part.Where(p => p.Nulls < 1)], rows, table).Classes)
                    {
                        leaf.AddKeys(values, partRows * share, size);
                    }
                }
            }
        }

        return leaf.Pages() * Page;
    }

    /// <summary>The number of different values of a column among that many rows with a value.</summary>
    public static double Distinct(ColumnInfo key, double rows, TableInfo table) =>
        Frequencies([new KeyPart(key, 0, default, null)], rows, table).Distinct(rows);

    // The mean over the rows, with shares of nulls, which need a bitmap and no space, and with widths.
    private static double TupleSize(IReadOnlyList<(ColumnInfo Column, double Nulls)> columns)
    {
        // The probability of each remainder of the size by 8, and the mean size where the remainder is that.
        var states = new (double Probability, double Bytes)[8];
        states[0] = (1, 0);
        var noNull = 1.0;
        foreach (var (column, nulls) in columns)
        {
            noNull *= 1 - nulls;
            var width = IndexSize.Width(column);
            var deviation = column.TypeLength > 0 ? 0 : column.WidthDeviation ?? 0.5;
            var alignment = column.IsPackable && width <= 126 ? 1 : column.TypeAlignment;
            var next = new (double Probability, double Bytes)[8];
            for (var remainder = 0; remainder < 8; remainder++)
            {
                var (probability, bytes) = states[remainder];
                if (probability <= 0)
                {
                    continue;
                }

                Put(remainder, probability * nulls, bytes);
                var start = (int)Align(remainder, alignment);
                foreach (var (more, weight) in Widths(width, deviation))
                {
                    Put(start + more, probability * (1 - nulls) * weight, bytes + start - remainder + more);
                }
            }

            states = next;

            void Put(double place, double probability, double bytes)
            {
                var (old, mean) = next[(int)place % 8];
                if (probability > 0)
                {
                    next[(int)place % 8] = (old + probability, ((old * mean) + (probability * bytes)) / (old + probability));
                }
            }
        }

        return TupleHeader + (NullBitmap * (1 - noNull)) + states.Select(
            (s, remainder) => s.Probability * (s.Bytes + ((8 - remainder) % 8))).Sum();
    }

    // Whole numbers of bytes with their probabilities. ANALYZE truncates a mean width.
    private static IEnumerable<(int Bytes, double Weight)> Widths(double width, double deviation)
    {
        if (deviation <= 0)
        {
            return [((int)width, 1)];
        }

        if (deviation >= WideDeviation)
        {
            return Enumerable.Range((int)width - 3, 8).Select(w => (Math.Max(0, w), 1 / 8.0));
        }

        if (deviation <= 0.5)
        {
            return [((int)width, 0.5), ((int)width + 1, 0.5)];
        }

        var weights = Enumerable.Range(-6, 14).Select(
            d => (Bytes: Math.Max(0, (int)width + d), Weight: Math.Exp(-(d - 0.5) * (d - 0.5) / (2 * deviation * deviation))))
            .ToList();
        var all = weights.Sum(w => w.Weight);
        return weights.Select(w => (w.Bytes, w.Weight / all));
    }

    // The parts of a column, with their shares: nulls, common values, others. A common value is often empty, and the others are
    // longer than the mean then.
    private static IEnumerable<(double Share, KeyPart Part)> States(ColumnInfo key, double nulls, PartialCondition condition)
    {
        yield return (nulls, new KeyPart(key, 1, condition, null));
        var common = key.CommonFrequencies.Sum() / Math.Max(1e-9, 1 - (key.NullFraction ?? 0));
        var others = key.CommonWidth is { } width && common is > 0 and < 0.99
            ? (IndexSize.Width(key) - (common * width)) / (1 - common) : (double?)null;
        if (condition.IsLimited || others is null || Math.Abs(others.Value - key.CommonWidth!.Value) < OtherWidth)
        {
            yield return (1 - nulls, new KeyPart(key, 0, condition, null));
            yield break;
        }

        yield return ((1 - nulls) * common, new KeyPart(
            key with { AverageWidth = (int)key.CommonWidth!.Value, WidthDeviation = null }, 0, condition, true));
        yield return ((1 - nulls) * (1 - common), new KeyPart(
            key with { AverageWidth = (int)others.Value }, 0, condition, false));
    }

    private static KeyFrequencies Frequencies(IReadOnlyList<KeyPart> keys, double rows, TableInfo table)
    {
        var whole = Math.Max(rows, table.Rows ?? rows);
        var left = keys.Where(k => k.Condition.Values is null).Select(k => k.Column).ToList();
        var frequencies = KeyFrequencies.OfEqual(1);
        foreach (var key in keys.Where(k => k.Condition.Values is not null))
        {
            frequencies = frequencies.And(KeyFrequencies.OfEqual(key.Condition.Values!.Value));
        }

        foreach (var group in table.Groups
            .Where(g => g.Columns.Count > 1 && g.Columns.All(name => left.Exists(k => k.Name == name)))
            .OrderBy(g => g.Distinct / g.Columns.Aggregate(1.0, (all, name) => all * Counted(table.FindColumn(name)!))))
        {
            if (group.Columns.All(name => left.Exists(k => k.Name == name)))
            {
                var columns = left.FindAll(k => group.Columns.Contains(k.Name));
                var filled = columns.Aggregate(whole, (all, c) => all * (1 - (c.NullFraction ?? 0)));
                var independent = columns.ConvertAll(Of).Aggregate((all, one) => all.And(one));
                frequencies = frequencies.And(
                    independent.With(
                        group.IsCounted
                            ? CountedCombinations(group, columns, independent, filled) : Referring(group, columns, filled),
                        filled));
                left.RemoveAll(k => group.Columns.Contains(k.Name));
            }
        }

        foreach (var column in left)
        {
            var of = Of(column);
            frequencies = frequencies.And(
                rows < whole && keys.First(k => k.Column == column).Condition is { IsLimited: true, Values: null }
                ? of.Times(rows / whole) : of);
        }

        return frequencies;

        // Rows that refer to a key have its values.
        KeyFrequencies Of(ColumnInfo column)
        {
            var part = keys.First(k => k.Column == column).AreCommon;
            var frequencies = DistinctValues.Frequencies(column, whole, part);
            var filled = Math.Max(1, whole * (1 - (column.NullFraction ?? 0)));
            return part is null && KeyOf(column) is { } key
                ? frequencies.With(Referring(key, [column], filled), filled) : frequencies;
        }

        ColumnGroup? KeyOf(ColumnInfo column) =>
            table.Groups.FirstOrDefault(g => !g.IsCounted && g.Columns is [var name] && name == column.Name);

        double Counted(ColumnInfo column) => Math.Max(1, DistinctValues.Of(column, whole) ?? whole);

        double Values(ColumnInfo column) =>
            KeyOf(column) is { } key ? Referring(key, [column], whole * (1 - (column.NullFraction ?? 0))) : Counted(column);

        // ANALYZE misses the same share of the combinations as of the column of which it misses most.
        double CountedCombinations(ColumnGroup group, List<ColumnInfo> columns, KeyFrequencies independent, double filled)
        {
            var values = columns.ConvertAll(Values);
            var missed = values.Zip(columns, (all, c) => all / Math.Max(1, c.CountDistinct(whole) ?? all)).Max();
            return Math.Clamp(group.Distinct * missed, values.Max(), Math.Max(values.Max(), independent.Distinct(filled)));
        }

        double Referring(ColumnGroup group, List<ColumnInfo> columns, double filled)
        {
            var drawn = Drawn(group.Distinct, filled);
            var most = columns.Aggregate(columns.Count == 1 ? MaximumMissed : 1.0, (all, c) => all * Counted(c));
            return Math.Clamp(drawn, Math.Min(columns.Max(Counted), most), most);
        }
    }

    // Number of distinct values that occur when that many rows are drawn at random from the possible values.
    private static double Drawn(double values, double rows) => values * (1 - Math.Exp(-rows / values));

    private static bool HasSeveralWidths(ColumnInfo column) =>
        column.TypeLength < 0 && column.WidthDeviation is not (null or < 0.5);

    private static bool IsWithoutMerging(string parameter) =>
        parameter.Split('=') is ["deduplicate_items", var value] && value.Trim('\'') is "off" or "false" or "no" or "0";

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

    // A key column in a part of the rows: the share of nulls among these, and whether only common values, or only others, are in
    // it.
    private sealed record KeyPart(ColumnInfo Column, double Nulls, PartialCondition Condition, bool? AreCommon);

    /// <summary>The tuples on the leaves.</summary>
    /// <remarks>
    /// nbtsort.c, _bt_buildadd: a page ends with the tuple that leaves less than the fill factor wants free, not counting the
    /// posting list of that tuple, or before one that does not fit; the last tuple goes to the next page and leaves its key here.
    /// </remarks>
    /// <param name="fillFactor">Fill factor in percent.</param>
    /// <param name="varies">Whether tuples of one row have several sizes.</param>
    private sealed class Leaf(int fillFactor, bool varies)
    {
        // So many full lists of one key fill more than a page.
        private const int ListsOfRun = 10;
        private const int Hard = Space - 8;
        private readonly int soft = Space - LinePointer - (Page * (100 - fillFactor) / 100);
        private double items;
        private double bytes;
        private double squares;
        private double bases;
        private double allItems;
        private double runPages;

        /// <summary>Tuples of one row each.</summary>
        public void Add(double rows, double tupleSize) => Put(rows, tupleSize, tupleSize);

        /// <summary>Possible keys with a mean number of rows each, Poisson distributed.</summary>
        public void AddKeys(double keys, double mean, double tupleSize)
        {
            if (mean > 50)
            {
                AddKey(keys, mean, tupleSize);
                return;
            }

            var probability = Math.Exp(-mean);
            for (var rows = 1; rows <= 200; rows++)
            {
                probability *= mean / rows;
                AddKey(keys * probability, rows, tupleSize);
                if (rows > mean && probability < 1e-9 * KeyFrequencies.Occurrence(mean))
                {
                    break;
                }
            }
        }

        /// <summary>Pages of the whole index.</summary>
        public long Pages()
        {
            if (allItems < 0.5)
            {
                return 1;
            }

            var key = bases / allItems;
            if (runPages <= 0 && bytes + key <= Space)
            {
                // The metapage, and a root that is a leaf.
                return 2;
            }

            var leaves = Math.Ceiling(runPages + MixedPages());
            var pages = leaves;
            var fanout = Math.Floor((Space - LinePointer - (Page * (1 - NonLeafFill))) / key);
            for (var level = leaves; level > 1;)
            {
                level = Math.Ceiling(level / Math.Max(2, fanout));
                pages += level;
            }

            return (long)pages + 1;
        }

        private void AddKey(double keys, double rows, double tupleSize)
        {
            var most = Math.Max(1, Math.Floor(((MaximumPosting / 8 * 8) - tupleSize) / Tid));
            var whole = Math.Floor(rows / most);
            var rest = rows - (whole * most);
            var full = most > 1 ? Align(tupleSize + (most * Tid), 8) : tupleSize;
            var last = rest <= 0 ? 0 : rest <= 1 ? tupleSize : Align(tupleSize + (rest * Tid), 8);
            if (whole >= ListsOfRun)
            {
                runPages += keys * ((whole * (full + LinePointer)) + last)
                    / UsedOfEqual(full + LinePointer, tupleSize + LinePointer);
                allItems += keys * whole;
                bases += keys * whole * (tupleSize + LinePointer);
                return;
            }

            Put(keys * whole, tupleSize, full);
            Put(last > 0 ? keys : 0, tupleSize, last);
        }

        private double MixedPages()
        {
            if (items <= 0)
            {
                return 0;
            }

            var mean = bytes / items;
            var key = bases / allItems;
            var overshoot = squares / bytes / 2;
            return bytes / (!varies && squares / items / mean / mean < 1 + 1e-9
                ? UsedOfEqual(mean, key) : Math.Max(2 * mean, Math.Min(soft - key + overshoot, Hard - overshoot - mean)));
        }

        private double UsedOfEqual(double size, double key) =>
            size * Math.Max(2, Math.Min(Math.Floor((soft + size - key) / size), Math.Floor(Hard / size) - 1));

        private void Put(double count, double tupleSize, double size)
        {
            items += count;
            allItems += count;
            bytes += count * (size + LinePointer);
            squares += count * (size + LinePointer) * (size + LinePointer);
            bases += count * (tupleSize + LinePointer);
        }
    }
}
