using System.Globalization;
using System.Text;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>
/// Whether every row that an application may write fits into an index. An access method refuses an entry above its limit
/// (SQLSTATE 54000), and so the INSERT or UPDATE, as soon as the index exists.
/// </summary>
/// <remarks>
/// Sources in PostgreSQL: nbtree.h (BTMaxItemSize: a third of a page), ginblock.h (GinMaxItemSize), gist_private.h
/// (GiSTPageSize), brin_page.h (BrinMaxItemSize), itup.h (header, bitmap of nulls). A hash index stores four bytes of each value.
/// Values of more than 500 bytes are compressed first (indextuple.c, TOAST_INDEX_TARGET), but how far depends on the value, so no
/// figure assumes compression.
/// </remarks>
internal sealed record EntryLimit
{
    private const int Header = 8;
    private const int NullBitmap = 8;
    private const int LengthWord = 4;
    private const int Alignment = 8;

    // Where a key has no bound, columns that are only read may take the limit divided by this: the key needs the rest.
    private const int CoveringShare = 4;

    // Bounded columns that are only together too wide: a narrower column than this is not at fault. In bytes.
    private const int Wide = 100;

    // GiST stores a box or a signature of such a value. GIN stores its words, of at most 2,046 bytes, or hashes of longer ones.
    private static readonly HashSet<string> Summarised = [
        "polygon", "circle", "tsvector", "geometry", "geography", "raster", "jsonb"];

    private List<Part> open = [];

    private EntryLimit(IndexDefinition definition, int? limit) =>
        (Method, Limit, IsPartial) = (definition.Method, limit, definition.Where is not null);

    /// <summary>The access method.</summary>
    public string Method { get; }

    /// <summary>The largest entry of the access method, in bytes; null where there is no limit.</summary>
    public int? Limit { get; }

    /// <summary>The largest entry that the types allow, in bytes; null where they have no bound.</summary>
    public int? Bound { get; private init; }

    /// <summary>The bytes that are available to the columns at fault, alone or together.</summary>
    public int Room { get; private init; }

    /// <summary>
    /// Whether an expression of the index raises an error for some values, so that a row with such a value is refused.
    /// </summary>
    public bool MayFail { get; private init; }

    /// <summary>The bytes that the widest row of the table needs in the index, where the table was read; else null.</summary>
    public long? Measured { get; init; }

    /// <summary>Whether every value of the types fits.</summary>
    public bool AlwaysFits => Limit is not { } limit || Bound <= limit;

    /// <summary>
    /// Whether the table is known to have a row that does not fit into the index, so that its build fails. For a partial index,
    /// the row may be outside the index.
    /// </summary>
    public bool IsExceeded => !AlwaysFits && !IsPartial && (open.Exists(p => p.AverageWidth > Room) || Measured > Limit);

    /// <summary>Whether known values come near to the limit.</summary>
    public bool IsLikely =>
        !AlwaysFits
        && (IsExceeded || open.Exists(p => p.LongestKnown > Room / 2 || p.LongestKnown > ColumnInfo.LongestInStatistics));

    /// <summary>What the index refuses, as one or two sentences; null where it refuses nothing.</summary>
    public string? Risk
    {
        get
        {
            var risk = new StringBuilder();
            if (!AlwaysFits)
            {
                var names = open.Select(p => p.Name).Distinct().ToList();
                var what = open.Any(p => p.IsElement) ? "An element" : open.Count == 1 ? "A value" : "A row whose values";
                risk.Append(
                    CultureInfo.InvariantCulture,
                    $"{what} of {Join(names)} {(what == "A row whose values" ? "need" : "that needs")} more than {Room:N0} bytes")
                    .Append(CultureInfo.InvariantCulture, $" is refused at writing: {Article} entry holds no more.");
            }

            return risk.Append(
                MayFail ? (risk.Length > 0 ? " " : "")
                + "A row for which its expression or condition raises an error is refused at writing." : "") is {
                Length: > 0 } text
                ? text.ToString()
                : null;
        }
    }

    /// <summary>The known length of the values at fault, as one sentence.</summary>
    public string Evidence => Measured is { } bytes
        ? string.Create(CultureInfo.InvariantCulture, $"The widest row of the table needs {bytes:N0} bytes.")
        : open.Max(p => p.LongestKnown) switch
        {
            _ when open.Select(p => p.AverageWidth).DefaultIfEmpty().Max() is var mean && mean > Room =>
                string.Create(CultureInfo.InvariantCulture, $"They have {mean:N0} bytes in the mean."),
            > ColumnInfo.LongestInStatistics =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"All values that ANALYZE saw have more than {ColumnInfo.LongestInStatistics:N0} bytes."),
            { } longest =>
                string.Create(CultureInfo.InvariantCulture, $"The longest value that statistics know has {longest:N0} bytes."),
            null => "Statistics do not tell how long its values are.",
        };

    /// <summary>The remedy, as one sentence.</summary>
    public string Remedy => RemedyFor(Method);

    private bool IsPartial { get; }

    private string Article =>
        Method switch
        {
            "btree" => "a B-tree",
            "gin" => "a GIN",
            "gist" => "a GiST",
            "spgist" => "an SP-GiST",
            _ => "a " + Method.ToUpperInvariant(),
        };

    /// <summary>The remedy for a limit, as one sentence.</summary>
    public static string RemedyFor(string method) => method switch
    {
        "btree" =>
            "A hash index (-IndexType Hash) takes any value and serves equality alone; so does a key like md5(column), or "
                + "sha256(column) for bytea, where the "
            + "statements compare the same expression; what is only read along can be left out.",
        "gist" => "Limit the length of the column by its type or a CHECK constraint; for trigrams, gin_trgm_ops takes any value.",
        _ => "Limit the length of the column by its type or a CHECK constraint.",
    };

    /// <summary>The entry limit of an index.</summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">The table of the index.</param>
    /// <param name="expressions">The types of its expressions, by text; a missing one counts as text.</param>
    public static EntryLimit Of(
        IndexDefinition definition, TableInfo table, IReadOnlyDictionary<string, ColumnInfo>? expressions = null)
    {
        var limit = definition.Method switch {
            "btree" => 2704, "gin" => 2712, "gist" or "spgist" or "brin" => 8152, _ => (int?)null };
        var keys = definition.Keys.Select(k => Part.OfKey(k, definition, table, expressions)).ToList();
        var entry = new EntryLimit(definition, limit)
        {
            MayFail = definition.Keys.Select(k => k.Expression).Append(definition.Where)
                .Any(e => e is not null && ExpressionErrors.MayOccur(e, table)),
        };
        return definition.Method == "gin"
            // Each element of each key is a separate entry.
            ? keys.Select(k => entry.With([k])).MaxBy(e => e.Bound ?? int.MaxValue)!
            : entry.With([.. keys, .. definition.Include.Select(c => Part.OfColumn(c, table))]);
    }

    /// <summary>
    /// Whether a B-tree has a key or a further column without an order (<see cref="ColumnInfo.HasOrder"/>): documents, arrays,
    /// ranges, shapes. Its build may fail, the values may be too long some day, and it seldom serves.
    /// </summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">The table of the index.</param>
    /// <param name="expressions">The types of its expressions, by text; null for those that the table knows.</param>
    public static bool HasUnordered(
        IndexDefinition definition, TableInfo table, IReadOnlyDictionary<string, ColumnInfo>? expressions = null) =>
        definition.Method == "btree"
        && definition.Keys
            .Select(k => k.Expression is { } e && expressions is not null ? expressions.GetValueOrDefault(e) : table.TypeOf(k))
            .Concat(definition.Include.Select(table.FindColumn))
            .Any(c => c is { HasOrder: false });

    /// <summary>
    /// Whether an index may have further columns that are only read. The types of these columns need a bound. Either every entry
    /// fits, or, where a key has no bound, the columns leave most of the limit to the key.
    /// </summary>
    /// <param name="definition">The index with its keys.</param>
    /// <param name="table">The table of the index.</param>
    /// <param name="columns">The further columns.</param>
    public static bool CanCover(IndexDefinition definition, TableInfo table, IReadOnlyCollection<string> columns)
    {
        var keys = Of(definition with { Include = [] }, table);
        var widths = columns.Select(c => Part.OfColumn(c, table)).ToList();
        return widths.TrueForAll(w => w.Bound is not null)
            && (keys.AlwaysFits
                ? Of(definition with { Include = [.. columns] }, table).AlwaysFits
                : widths.Sum(w => (long)w.Aligned!.Value) <= keys.Limit / CoveringShare);
    }

    private static string Join(List<string> names) =>
        names.Count == 1 ? names[0] : string.Join(", ", names.SkipLast(1)) + " and " + names[^1];

    private EntryLimit With(List<Part> parts)
    {
        var header = Header + (parts.Count > 1 && parts.Exists(p => p.IsNullable) ? NullBitmap : 0);
        var total = parts.Exists(p => p.Bound is null) ? null : parts.Sum(p => (long?)p.Aligned) + header;
        var fault = parts.FindAll(p => p.Bound is null);
        if (fault.Count == 0 || parts.Sum(p => (long)(p.Aligned ?? 0)) > Limit / CoveringShare)
        {
            fault = parts.FindAll(p => p.Bound is null or > Wide) is { Count: > 0 } wide ? wide : parts;
        }

        return this with
        {
            Bound = total is { } bytes ? (int)Math.Min(int.MaxValue, (bytes + Alignment - 1) / Alignment * Alignment) : null,
            open = fault,
            Room = (int)Math.Max(
                0, (Limit ?? 0) - header - parts.Where(p => !fault.Contains(p))
                .Sum(p => (long)p.Aligned!.Value) - (LengthWord * fault.Count))
                / fault.Select(p => p.Copies).DefaultIfEmpty(1).Max(),
        };
    }

    // The space that one key or column needs in an entry.
    private sealed record Part(string Name, int? Bound)
    {
        public bool IsNullable { get; init; }

        public bool IsElement { get; init; }

        // Number of copies of the value in an entry.
        public int Copies { get; init; } = 1;

        public int? LongestKnown { get; init; }

        public int AverageWidth { get; init; }

        // With the largest possible alignment padding before the value.
        public int? Aligned =>
            Bound is { } bytes ? (int)Math.Min(int.MaxValue, (bytes + (long)Alignment - 1) / Alignment * Alignment) : null;

        public static Part OfColumn(string name, TableInfo table) => Of(Identifier.Quote(name), table.FindColumn(name));

        public static Part OfKey(
            IndexKey key, IndexDefinition definition, TableInfo table, IReadOnlyDictionary<string, ColumnInfo>? expressions)
        {
            var column = key.Column is { } name ? table.FindColumn(name) : expressions?.GetValueOrDefault(key.Expression!);
            var part = key.Column is { } plain ? Of(Identifier.Quote(plain), column)
                : Of("its expression", column) with {
                    Bound = column?.MaximumWidth ?? BoundOf(key.Expression!, table),
                    LongestKnown = LongestOf(key.Expression!, table) };
            if (key.Column is { } fixedColumn && definition.Where is { } where && FixedBy(where, fixedColumn, table) is { } bytes)
            {
                return part with { Bound = bytes };
            }

            var type = column?.BaseType ?? "";
            var operators = key.OperatorClass?.Split(' ')[0].Split('.')[^1] ?? "";
            return definition.Method switch
            {
                "gin" when operators.Contains("trgm", StringComparison.Ordinal) || Summarised.Contains(type) =>
                    part with { Bound = 0 },
                "gin" when column is { IsCollection: true } =>
                    part with { Bound = column.MaximumElementWidth, IsElement = true, AverageWidth = 0 },
                // A key is the set of different trigrams of its text, three bytes for nearly each character.
                "gist" when operators.Contains("trgm", StringComparison.Ordinal) => part with { Copies = 3, AverageWidth = 0 },
                "gist" when Summarised.Contains(type) || type == "hstore" => part with { Bound = 0 },
                // A long text is distributed over the levels of the tree.
                "spgist" when type is "text" or "varchar" or "bpchar" && definition.Include.Count == 0 => part with { Bound = 0 },
                "brin" when operators.EndsWith("_bloom_ops", StringComparison.Ordinal) => part with { Bound = 0 },
                // An entry contains the least and the greatest value.
                "brin" => part with { Bound = part.Bound * 2, Copies = 2 },
                _ => part,
            };
        }

        private static Part Of(string name, ColumnInfo? column) => new(name, column?.MaximumWidth)
        {
            IsNullable = column is not { IsNotNull: true },
            LongestKnown = column?.LongestKnown,
            AverageWidth = column?.AverageWidth ?? 0,
        };

        // A partial index for one value, or a few values, contains no other values.
        private static int? FixedBy(string where, string column, TableInfo table)
        {
            var condition = PlanExpression.Parse(where);
            foreach (var part in condition.Split("AND") ?? [condition])
            {
                if (part.Split("OR") is null && part.AsOperation() is (var left, "=" or "= ANY", var right)
                    && left.AsColumn(_ => table)?.Name == column
                    && (right.AsCast()?.Operand ?? right) is { Tokens.Count: 1 } value && value.IsConstant())
                {
                    return LengthWord + Encoding.UTF8.GetByteCount(right.ToSql());
                }
            }

            return null;
        }

        // Bounds of results of functions that the result type does not express.
        private static int? BoundOf(string expression, TableInfo table)
        {
            const int CharacterBytes = 4;
            var parsed = PlanExpression.Parse(expression);
            if (parsed.AsColumn(_ => table) is { } column)
            {
                return table.FindColumn(column.Name)?.MaximumWidth;
            }

            return parsed.AsCall() switch
            {
                ("md5", _) => LengthWord + 32,
                ("sha224" or "sha256" or "sha384" or "sha512", _) => LengthWord + 64,
                ("left" or "right", [_, var count]) => Characters(count),
                ("substr" or "substring", [_, _, var count]) => Characters(count),
                // One letter can become up to three.
                ("lower" or "upper" or "initcap", [var text]) => 3 * BoundOf(text.ToSql(), table),
                ("btrim" or "ltrim" or "rtrim" or "reverse", [var text, ..]) => BoundOf(text.ToSql(), table),
                _ => null,
            };

            int? Characters(PlanExpression count) =>
                int.TryParse(count.ToSql(), NumberStyles.None, CultureInfo.InvariantCulture, out var characters)
                    && characters < 100_000
                    ? LengthWord + (CharacterBytes * characters) : null;
        }

        // The result of a function of a column is assumed to be no longer than the column.
        private static int? LongestOf(string expression, TableInfo table) =>
            PlanExpression.Parse(expression).BareNames().Select(table.FindColumn).Max(c => c?.LongestKnown);
    }
}
