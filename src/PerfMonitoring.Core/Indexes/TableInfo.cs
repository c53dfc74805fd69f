using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>What kind of relation it is, as far as indexes are concerned.</summary>
public enum RelationKind
{
    /// <summary>An ordinary table (a partition too).</summary>
    Table,
    /// <summary>The parent of partitions.</summary>
    PartitionedTable,
    /// <summary>A materialised view.</summary>
    MaterializedView,
    /// <summary>A foreign table: it takes no index here.</summary>
    ForeignTable,
    /// <summary>A view, an index, a sequence or another thing that takes no index.</summary>
    Other,
}

/// <summary>A table as the catalog and its statistics describe it.</summary>
public sealed record TableInfo
{
    /// <summary>Object identifier.</summary>
    public required uint Oid { get; init; }

    /// <summary>Schema and name.</summary>
    public required RelationName Name { get; init; }

    /// <summary>What it is.</summary>
    public RelationKind Kind { get; init; }

    /// <summary>Whether it is a temporary table.</summary>
    public bool IsTemporary { get; init; }

    /// <summary>Whether it belongs to a system schema (pg_catalog, information_schema, pg_toast).</summary>
    public bool IsSystem { get; init; }

    /// <summary>Whether it is a partition of another table.</summary>
    public bool IsPartition { get; init; }

    /// <summary>The table at the top of the tree that this partition belongs to; null for what is no partition.</summary>
    public RelationName? Root { get; init; }

    /// <summary>
    /// The ordinary tables at the bottom of a partitioned table's tree, where its rows are, by name; empty for other tables.
    /// </summary>
    public IReadOnlyList<RelationName> Leaves { get; init; } = [];

    /// <summary>Rows, as last analysed and scaled to the present size; null where the table was never analysed.</summary>
    public double? Rows { get; init; }

    /// <summary>Present size of the heap, in blocks; of a partitioned table, all its leaves' together.</summary>
    public long Pages { get; init; }

    /// <summary>Share of the blocks that an index-only scan need not visit, 0 to 1, as last vacuumed.</summary>
    public double AllVisibleFraction { get; init; }

    /// <summary>The columns in order, dropped ones left out.</summary>
    public IReadOnlyList<ColumnInfo> Columns { get; init; } = [];

    /// <summary>
    /// Columns whose combinations of values are counted, or those of a key; what stands in none of them is taken to be
    /// independent of the others.
    /// </summary>
    public IReadOnlyList<ColumnGroup> Groups { get; init; } = [];

    /// <summary>Whether CREATE INDEX works on it.</summary>
    public bool CanBeIndexed =>
        Kind is RelationKind.Table or RelationKind.PartitionedTable or RelationKind.MaterializedView && !IsSystem;

    /// <summary>The column of that name (exact, unquoted), or null.</summary>
    public ColumnInfo? FindColumn(string name) => Columns.FirstOrDefault(c => c.Name == name);

    /// <summary>
    /// The indexes that an index of this table consists of: one on each leaf where the table is partitioned, else itself.
    /// </summary>
    public IReadOnlyList<IndexDefinition> Parts(IndexDefinition definition) =>
        Leaves.Count == 0 ? [definition] : [.. Leaves.Select(leaf => definition with { Table = leaf })];
}

/// <summary>A column with what ANALYZE knows of it.</summary>
public sealed record ColumnInfo
{
    /// <summary>ANALYZE keeps no value of more bytes (analyze.c, WIDTH_THRESHOLD).</summary>
    public const int LongestInStatistics = 1024;

    /// <summary>Name, unquoted.</summary>
    public required string Name { get; init; }

    /// <summary>Type as in SQL, with its modifier: <c>character varying(25)</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Name of the type as in pg_type, without schema and modifier; of a domain, that of the type under it.</summary>
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
    /// The most bytes that a value needs, header included; null where the type sets no bound. A fixed length is one.
    /// </summary>
    public int? MaximumWidth
    {
        get => field ?? (TypeLength > 0 ? TypeLength : null);
        init;
    }

    /// <summary>
    /// The most bytes that an element of an array needs; null where the element's type sets no bound, or for another type.
    /// </summary>
    public int? MaximumElementWidth { get; init; }

    /// <summary>
    /// The longest value that statistics tell, in bytes; null where they tell none. More than <see cref="LongestInStatistics"/>
    /// says that all that ANALYZE saw were longer.
    /// </summary>
    public int? LongestKnown { get; init; }

    /// <summary>
    /// Whether a value is a collection of others (array, document, row, set of words, shape), as long as the application pleases.
    /// </summary>
    public bool IsCollection { get; init; }

    /// <summary>Whether it takes no nulls.</summary>
    public bool IsNotNull { get; init; }

    /// <summary>Whether its type has a default B-tree operator class, and the types of its elements, if any.</summary>
    public bool HasBtree { get; init; } = true;

    /// <summary>Whether its type has a default hash operator class, and the types of its elements, if any.</summary>
    public bool HasHash { get; init; } = true;

    /// <summary>Whether a B-tree may merge equal values (the operator class calls equal what is the same in every bit).</summary>
    public bool CanDeduplicate { get; init; } = true;

    /// <summary>
    /// Whether its collation orders by bytes, so that a plain B-tree serves LIKE 'x%'; null for a type without collation.
    /// </summary>
    public bool? IsCollationC { get; init; }

    /// <summary>Mean width of a value in bytes; null where it was never analysed or the role may not see it.</summary>
    public int? AverageWidth { get; init; }

    /// <summary>Share of nulls, 0 to 1, or null where unknown.</summary>
    public double? NullFraction { get; init; }

    /// <summary>
    /// Number of distinct values; when negative, minus their share of the rows (as in pg_stats); null where unknown.
    /// </summary>
    public double? Distinct { get; init; }

    /// <summary>How many common values ANALYZE lists; null where it lists none.</summary>
    public int? CommonCount { get; init; }

    /// <summary>Share of the rows that have one of them, 0 to 1; null where there are none.</summary>
    public double? CommonFraction { get; init; }

    /// <summary>How many rows ANALYZE looks at; null where its count of values is not an estimate of its own.</summary>
    public double? SampledRows { get; init; }

    /// <summary>Mean number of different elements of an array; null where unknown, or for another type.</summary>
    public double? ElementCount { get; init; }

    /// <summary>
    /// Number of different elements that ANALYZE keeps of all arrays (at most ten times the statistics target); null where
    /// unknown.
    /// </summary>
    public int? DistinctElements { get; init; }

    /// <summary>How many distinct values there are among so many rows; null where unknown.</summary>
    public double? CountDistinct(double rows) => Distinct < 0 ? -Distinct * rows : Distinct;

    /// <summary>Correlation of the values with the physical order, -1 to 1, or null where unknown.</summary>
    public double? Correlation { get; init; }
}

/// <summary>Columns of a table of which it is known how many different combinations of values they can have.</summary>
/// <param name="Columns">In any order.</param>
/// <param name="Distinct">Of a key, that many or fewer; where counted, what ANALYZE counts (CREATE STATISTICS,
/// ndistinct).</param>
/// <param name="IsCounted">Whether ANALYZE counts them; else they refer to a key.</param>
public sealed record ColumnGroup(IReadOnlyList<string> Columns, double Distinct, bool IsCounted = false);
