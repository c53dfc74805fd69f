using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>The kind of a relation, as far as indexes are concerned.</summary>
public enum RelationKind
{
    /// <summary>An ordinary table (a partition too).</summary>
    Table,
    /// <summary>The parent of partitions.</summary>
    PartitionedTable,
    /// <summary>A materialised view.</summary>
    MaterializedView,
    /// <summary>A foreign table, which cannot have an index.</summary>
    ForeignTable,
    /// <summary>A view, an index, a sequence or another relation that cannot have an index.</summary>
    Other,
}

/// <summary>A table in the catalog, with its statistics.</summary>
public sealed record TableInfo
{
    /// <summary>Object identifier.</summary>
    public required uint Oid { get; init; }

    /// <summary>Schema and name.</summary>
    public required RelationName Name { get; init; }

    /// <summary>The kind of relation.</summary>
    public RelationKind Kind { get; init; }

    /// <summary>Whether it is a temporary table.</summary>
    public bool IsTemporary { get; init; }

    /// <summary>Whether it belongs to a system schema (pg_catalog, information_schema, pg_toast).</summary>
    public bool IsSystem { get; init; }

    /// <summary>Whether it is a partition of another table.</summary>
    public bool IsPartition { get; init; }

    /// <summary>The root of the partition tree; null where the table is not a partition.</summary>
    public RelationName? Root { get; init; }

    /// <summary>
    /// The ordinary tables at the bottom of the tree of a partitioned table, which hold its rows, by name; empty for other
    /// tables.
    /// </summary>
    public IReadOnlyList<RelationName> Leaves { get; init; } = [];

    /// <summary>Rows at the last ANALYZE, scaled to the present size; null where the table was never analysed.</summary>
    public double? Rows { get; init; }

    /// <summary>Present size of the heap, in blocks; for a partitioned table, the sum over its leaves.</summary>
    public long Pages { get; init; }

    /// <summary>Share of the blocks that an index-only scan need not visit, 0 to 1, at the last VACUUM.</summary>
    public double AllVisibleFraction { get; init; }

    /// <summary>The columns in order, without dropped ones.</summary>
    public IReadOnlyList<ColumnInfo> Columns { get; init; } = [];

    /// <summary>
    /// Groups of columns whose combinations are counted, or of a key; a column outside the groups is assumed to be independent of
    /// the others.
    /// </summary>
    public IReadOnlyList<ColumnGroup> Groups { get; init; } = [];

    /// <summary>Whether CREATE INDEX works on it.</summary>
    public bool CanBeIndexed =>
        Kind is RelationKind.Table or RelationKind.PartitionedTable or RelationKind.MaterializedView && !IsSystem;

    /// <summary>
    /// The types of expressions on the columns, by the text of the expression; an expression that the server was not asked about
    /// is missing.
    /// </summary>
    public IReadOnlyDictionary<string, ColumnInfo> Expressions { get; init; } = new Dictionary<string, ColumnInfo>();

    /// <summary>The type of a key: that of its column or expression; null where it is unknown.</summary>
    public ColumnInfo? TypeOf(IndexKey key) =>
        key.Column is { } name ? FindColumn(name) : Expressions.GetValueOrDefault(key.Expression!);

    /// <summary>The column of that name (exact, unquoted), or null.</summary>
    public ColumnInfo? FindColumn(string name) => Columns.FirstOrDefault(c => c.Name == name);

    /// <summary>
    /// The indexes that an index of this table consists of: one for each leaf where the table is partitioned, else the index
    /// itself.
    /// </summary>
    public IReadOnlyList<IndexDefinition> Parts(IndexDefinition definition) =>
        Leaves.Count == 0 ? [definition] : [.. Leaves.Select(leaf => definition with { Table = leaf })];
}

/// <summary>A column with the statistics of ANALYZE.</summary>
public sealed record ColumnInfo
{
    /// <summary>ANALYZE does not keep wider values, in bytes (analyze.c, WIDTH_THRESHOLD).</summary>
    public const int LongestInStatistics = 1024;

    /// <summary>Name, unquoted.</summary>
    public required string Name { get; init; }

    /// <summary>Type as SQL writes it, with its modifier: <c>character varying(25)</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Name of the type as in pg_type, without schema and modifier; for a domain, the name of its base type.</summary>
    public string BaseType
    {
        get => field ?? Type;
        init;
    }

    /// <summary>Length of the type in bytes; -1 for a variable one.</summary>
    public int TypeLength { get; init; } = -1;

    /// <summary>Alignment of the type in bytes: 1, 2, 4 or 8.</summary>
    public int TypeAlignment { get; init; } = 4;

    /// <summary>Whether values can be stored with a one-byte header (false for fixed lengths and PLAIN storage).</summary>
    public bool IsPackable { get; init; }

    /// <summary>
    /// The most bytes that a value needs, header included; null where the type has no bound. For a fixed length, that length.
    /// </summary>
    public int? MaximumWidth
    {
        get => field ?? (TypeLength > 0 ? TypeLength : null);
        init;
    }

    /// <summary>
    /// The most bytes that an element of an array needs; null where the type of the element has no bound, or for another type.
    /// </summary>
    public int? MaximumElementWidth { get; init; }

    /// <summary>
    /// The longest value in the statistics, in bytes; null where they have none. A figure above <see cref="LongestInStatistics"/>
    /// means that all values that ANALYZE saw were longer.
    /// </summary>
    public int? LongestKnown { get; init; }

    /// <summary>
    /// Whether a value is a collection (array, document, row, set of words, shape) whose length the application decides.
    /// </summary>
    public bool IsCollection { get; init; }

    /// <summary>Whether it is NOT NULL.</summary>
    public bool IsNotNull { get; init; }

    /// <summary>Whether the type, and the type of its elements, if any, has a default B-tree operator class.</summary>
    public bool HasBtree { get; init; } = true;

    /// <summary>
    /// Whether values have an order that a B-tree is for: numbers, texts, times, enums, addresses. Collections, ranges and shapes
    /// have none, even if they can be compared.
    /// </summary>
    public bool HasOrder
    {
        get => field && HasBtree && !IsCollection;
        init;
    } = true;

    /// <summary>
    /// Types to which a cast only gives the value another label: the type below a domain, text for varchar, inet
    /// for cidr. An index on the column serves a comparison of the cast.
    /// </summary>
    public IReadOnlyList<string> Labels { get; init => field = value.ToArray(); } = [];

    /// <summary>Whether the type is an array.</summary>
    public bool IsArray { get; init; }

    /// <summary>Whether the type, and the type of its elements, if any, has a default hash operator class.</summary>
    public bool HasHash { get; init; } = true;

    /// <summary>
    /// Whether a B-tree may merge equal values (for the operator class, equal values are the same in every bit).
    /// </summary>
    public bool CanDeduplicate { get; init; } = true;

    /// <summary>
    /// Whether the collation orders by bytes, so that a plain B-tree serves LIKE 'x%'; null for a type without collation.
    /// </summary>
    public bool? IsCollationC { get; init; }

    /// <summary>Mean width of a value in bytes; null where it was never analysed or the role may not see it.</summary>
    public int? AverageWidth { get; init; }

    /// <summary>Share of nulls, 0 to 1, or null where unknown.</summary>
    public double? NullFraction { get; init; }

    /// <summary>
    /// Number of distinct values; a negative number is minus their share of the rows (as in pg_stats); null where unknown.
    /// </summary>
    public double? Distinct { get; init; }

    /// <summary>
    /// Standard deviation of the width of the values in the statistics, in bytes; null where they have none, or for a type whose
    /// text has no known relation to its width.
    /// </summary>
    public double? WidthDeviation { get; init; }

    /// <summary>
    /// Mean width of the common values in bytes, over their rows; null where there are none, or their widths are not known.
    /// </summary>
    public double? CommonWidth { get; init; }

    /// <summary>The shares of the common values in the rows, each 0 to 1; empty where the statistics have none.</summary>
    public IReadOnlyList<double> CommonFrequencies { get; init; } = [];

    /// <summary>
    /// The most common value as the type's output function writes it; null where there is none. It is the user's data: it is
    /// compared with constants, and never shown: an internal property is not part of the record's text.
    /// </summary>
    internal string? CommonestValue { get; init; }

    /// <summary>Share of the rows with the most common value, 0 to 1; null where there is none.</summary>
    public double? CommonestFraction => CommonFrequencies is [var largest, ..] ? largest : null;

    /// <summary>Rows in the sample of ANALYZE; null where its number of values is not an estimate from a sample.</summary>
    public double? SampledRows { get; init; }

    /// <summary>What ANALYZE knows of the values, where it was read: sizes of GIN indexes and of expressions need it.</summary>
    public ColumnValues? Values { get; init; }

    /// <summary>Number of distinct values among that many rows; null where unknown.</summary>
    public double? CountDistinct(double rows) => Distinct < 0 ? -Distinct * rows : Distinct;

    /// <summary>Correlation of the values with the physical order, -1 to 1, or null where unknown.</summary>
    public double? Correlation { get; init; }
}

/// <summary>A group of columns whose number of different combinations of values is known.</summary>
/// <param name="Columns">The columns, in any order.</param>
/// <param name="Distinct">For a key, an upper bound; for a counted group, the count of ANALYZE (CREATE STATISTICS,
/// ndistinct).</param>
/// <param name="IsCounted">Whether ANALYZE counts the combinations; else the columns refer to a key.</param>
public sealed record ColumnGroup(IReadOnlyList<string> Columns, double Distinct, bool IsCounted = false);
