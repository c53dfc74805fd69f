using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>A definition that does not depend on a search path.</summary>
/// <param name="Definition">The definition.</param>
/// <param name="Distrusted">What the definition calls that belongs neither to a superuser, nor to the owner of the table, nor to
/// the role of the session, with its owner, in words; else null. It would run with the rights of everyone who writes to the
/// table.</param>
public sealed record ResolvedDefinition(IndexDefinition Definition, string? Distrusted);

/// <summary>Tables, columns and indexes in the catalog of the monitored database.</summary>
public interface ICatalogRepository
{
    /// <summary>
    /// The tables of these names, with columns and statistics. A name without a schema is searched for along the search path, as
    /// in SQL. Missing tables are left out.
    /// </summary>
    Task<IReadOnlyList<TableInfo>> FindTablesAsync(IReadOnlyCollection<RelationName> names, CancellationToken cancellationToken);

    /// <summary>
    /// What ANALYZE knows of the values of these columns, by table with its schema and column. Columns without statistics, or
    /// that the role may not read, are left out. The values are the user's data, for EXPLAIN only.
    /// </summary>
    Task<IReadOnlyList<ColumnValues>> GetColumnValuesAsync(
        IReadOnlyCollection<(RelationName Table, string Column)> columns, CancellationToken cancellationToken);

    /// <summary>The table of that name.</summary>
    /// <exception cref="PerfMonitoringException">TableNotFound; TableNotIndexable: a view, a foreign table, a system
    /// table.</exception>
    Task<TableInfo> GetTableAsync(RelationName name, CancellationToken cancellationToken);

    /// <summary>The indexes of these tables, by table and name; invalid ones are included.</summary>
    Task<IReadOnlyList<TableIndex>> GetIndexesAsync(IReadOnlyCollection<uint> tableOids, CancellationToken cancellationToken);

    /// <summary>The indexes of all partitioned tables at the roots of their trees, by table and name.</summary>
    Task<IReadOnlyList<PartitionedIndex>> GetPartitionedIndexesAsync(CancellationToken cancellationToken);

    /// <summary>The server's counters of the writes to each user table with writes.</summary>
    Task<IReadOnlyList<TableActivity>> GetWriteActivityAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The foreign keys of these tables and the foreign keys that refer to one of them, without those that a partition inherits
    /// from its parent. Where <paramref name="tables"/> is null: all foreign keys of the database, those of partitions included.
    /// </summary>
    Task<IReadOnlyList<ForeignKey>> GetForeignKeysAsync(
        IReadOnlyCollection<RelationName>? tables, CancellationToken cancellationToken);

    /// <summary>
    /// The definition with the schema of each function, operator, type, collation and operator class outside pg_catalog, as the
    /// user's search path finds it; connections of the module have an empty search path. A schema is skipped where somebody who
    /// is not trusted has an object of the same name in it.
    /// </summary>
    Task<ResolvedDefinition> ResolveAsync(IndexDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// The types of the expressions among the keys of an index, by the text of the expression; nothing is executed.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidIndexDefinition.</exception>
    Task<IReadOnlyDictionary<string, ColumnInfo>> GetExpressionTypesAsync(
        IndexDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// Reads the table once and returns the bytes that its widest row needs in the index. Only plain columns are possible,
    /// because an expression would be executed. Null where the index has expressions, the size cannot be computed for the access
    /// method, the table is empty, or the time limit passed.
    /// </summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">The table of the index.</param>
    /// <param name="timeout">Limit of the time for reading.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    Task<long?> MeasureEntriesAsync(
        IndexDefinition definition, TableInfo table, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>Whether the extension can be created in the database, and its schema where it is installed; else null.</summary>
    Task<(bool IsAvailable, string? Schema)> GetExtensionAsync(string name, CancellationToken cancellationToken);

    /// <summary>Whether the schema has a relation of that name.</summary>
    Task<bool> ExistsAsync(RelationName name, CancellationToken cancellationToken);

    /// <summary>
    /// Names of tables that can have an index and whose name (with or without schema) begins with <paramref name="prefix"/>;
    /// tables on the search path have no schema in the result; at most 200.
    /// </summary>
    Task<IReadOnlyList<RelationName>> CompleteTableNamesAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Names of indexes that begin with <paramref name="prefix"/>, at most 200.</summary>
    Task<IReadOnlyList<RelationName>> CompleteIndexNamesAsync(string prefix, CancellationToken cancellationToken);
}
