using PerfMonitoring.Common;

namespace PerfMonitoring.Indexes;

/// <summary>A definition whose names do not depend on a search path.</summary>
/// <param name="Definition">The definition.</param>
/// <param name="Distrusted"> What it calls that belongs to neither a superuser, nor the table's owner, nor the role of the
/// session, with its owner, in words; else null. It would run for whoever writes to the table.
/// </param>
public sealed record ResolvedDefinition(IndexDefinition Definition, string? Distrusted);

/// <summary>Tables, columns and indexes of the monitored database, as its catalog has them.</summary>
public interface ICatalogRepository
{
    /// <summary>
    /// The tables of these names, with columns and statistics; a name without a schema is looked for along the search path, as in
    /// SQL. Names that do not exist are left out.
    /// </summary>
    Task<IReadOnlyList<TableInfo>> FindTablesAsync(IReadOnlyCollection<RelationName> names, CancellationToken cancellationToken);

    /// <summary>
    /// What ANALYZE knows of the values of these columns, by table with its schema and column; columns without statistics, or
    /// that the role may not read, are left out. They are the user's data, for EXPLAIN only.
    /// </summary>
    Task<IReadOnlyList<ColumnValues>> GetColumnValuesAsync(
        IReadOnlyCollection<(RelationName Table, string Column)> columns, CancellationToken cancellationToken);

    /// <summary>The table of that name.</summary>
    /// <exception cref="PerfMonitoringException">TableNotFound; TableNotIndexable: a view, a foreign table, a system
    /// table.</exception>
    Task<TableInfo> GetTableAsync(RelationName name, CancellationToken cancellationToken);

    /// <summary>The indexes of these tables, by table and name; invalid ones too.</summary>
    Task<IReadOnlyList<TableIndex>> GetIndexesAsync(IReadOnlyCollection<uint> tableOids, CancellationToken cancellationToken);

    /// <summary>The indexes of all partitioned tables at the top of their trees, by table and name.</summary>
    Task<IReadOnlyList<PartitionedIndex>> GetPartitionedIndexesAsync(CancellationToken cancellationToken);

    /// <summary>What the server counted of the writes to each user table that was written.</summary>
    Task<IReadOnlyList<TableActivity>> GetWriteActivityAsync(CancellationToken cancellationToken);

    /// <summary>
    /// The foreign keys of these tables and those that refer to one of them, without those of a partition that stem from its
    /// parent. Where <paramref name="tables"/> is null: all of the database, those of partitions too.
    /// </summary>
    Task<IReadOnlyList<ForeignKey>> GetForeignKeysAsync(
        IReadOnlyCollection<RelationName>? tables, CancellationToken cancellationToken);

    /// <summary>
    /// The definition with the schema of each function, operator, type, collation and operator class that is not the system's, as
    /// the user's search path finds it: our connections have none. Names of schemas where somebody who need not be trusted has
    /// one of the same name are not looked for there.
    /// </summary>
    Task<ResolvedDefinition> ResolveAsync(IndexDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// What the types of the expressions among an index's keys are, by the expression's text; nothing is executed.
    /// </summary>
    /// <exception cref="PerfMonitoringException">InvalidIndexDefinition.</exception>
    Task<IReadOnlyDictionary<string, ColumnInfo>> GetExpressionTypesAsync(
        IndexDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// Reads the table once and tells the bytes that its widest row needs in the index, of plain columns only (an expression
    /// would be executed). Null where there are others, the method cannot be reckoned so, the table is empty, or the time is
    /// over.
    /// </summary>
    /// <param name="definition">The index.</param>
    /// <param name="table">Its table.</param>
    /// <param name="timeout">How long reading may take.</param>
    /// <param name="cancellationToken">Cancels the reading.</param>
    Task<long?> MeasureEntriesAsync(
        IndexDefinition definition, TableInfo table, TimeSpan timeout, CancellationToken cancellationToken);

    /// <summary>
    /// Whether an extension can be created in the database, and the schema of the one that is; null where it is not.
    /// </summary>
    Task<(bool IsAvailable, string? Schema)> GetExtensionAsync(string name, CancellationToken cancellationToken);

    /// <summary>Whether the schema has a relation of that name.</summary>
    Task<bool> ExistsAsync(RelationName name, CancellationToken cancellationToken);

    /// <summary>
    /// Names of tables that take an index, whose name (with or without schema) begins with <paramref name="prefix"/>; those on
    /// the search path without their schema, at most 200.
    /// </summary>
    Task<IReadOnlyList<RelationName>> CompleteTableNamesAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Names of indexes that begin with <paramref name="prefix"/>, at most 200.</summary>
    Task<IReadOnlyList<RelationName>> CompleteIndexNamesAsync(string prefix, CancellationToken cancellationToken);
}
