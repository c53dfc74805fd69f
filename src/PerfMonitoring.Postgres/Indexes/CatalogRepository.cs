using System.Globalization;
using System.Text.Json;
using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>Tables, columns and indexes from pg_catalog.</summary>
internal sealed class CatalogRepository(Database target) : ICatalogRepository
{
    public async Task<IReadOnlyList<TableInfo>> FindTablesAsync(
        IReadOnlyCollection<RelationName> names, CancellationToken cancellationToken)
    {
        var tables = names.Count == 0 ? [] : await FindAsync(names, cancellationToken);
        if (tables.Count == 0)
        {
            return [];
        }

        var oids = tables.Select(t => (long)t.Oid).Distinct().ToArray();
        var columns = (await target.QueryAsync<ColumnRow>(Sql.Get("GetColumns"), new { TableOids = oids }, cancellationToken))
            .ToLookup(c => c.TableOid);
        var types = await GetTypesAsync(columns.SelectMany(g => g).Select(c => (c.TypeOid, c.TypeModifier)), cancellationToken);
        var groups = (await target.QueryAsync<GroupRow>(Sql.Get("GetColumnGroups"), new { TableOids = oids }, cancellationToken))
            .ToLookup(g => g.TableOid);
        return [.. tables.DistinctBy(t => t.Oid)
            .Select(t => t.ToTable(columns[t.Oid].Select(c => c.ToColumn(types[(c.TypeOid, c.TypeModifier)])), groups[t.Oid]))];
    }

    public async Task<IReadOnlyList<ColumnValues>> GetColumnValuesAsync(
        IReadOnlyCollection<(RelationName Table, string Column)> columns, CancellationToken cancellationToken)
    {
        var rows = await target.QueryAsync<ColumnValuesRow>(
            Sql.Get("GetColumnValues"),
            new
            {
                Schemas = columns.Select(c => c.Table.Schema).ToArray(),
                Tables = columns.Select(c => c.Table.Name).ToArray(),
                Columns = columns.Select(c => c.Column).ToArray(),
            },
            cancellationToken);
        return [.. rows.Select(r => r.ToValues())];
    }

    public async Task<TableInfo> GetTableAsync(RelationName name, CancellationToken cancellationToken)
    {
        var table = (await FindTablesAsync([name], cancellationToken)).SingleOrDefault()
            ?? throw new PerfMonitoringException(
                ErrorIds.TableNotFound, FailureKind.NotFound, $"There is no table {name} in {target.Target}.",
                name.Schema is null
                    ? "Write the schema too (schema.table) where the table is not on the search path." : "Check schema and name.",
                name.ToString());
        if (StoreSchema.IsStore(table.Name.Schema) || table.IsTemporary)
        {
            throw new PerfMonitoringException(
                ErrorIds.TableNotIndexable, FailureKind.InvalidArgument,
                table.IsTemporary
                    ? $"{table.Name} in {target.Target} is a temporary table of another session: no index is made for it."
                    : $"{table.Name} in {target.Target} belongs to PerfMonitoring's own store, which has the indexes that it "
                        + $"needs.",
                "Name a table of the application.", name.ToString());
        }

        return table.CanBeIndexed
            ? table
            : throw new PerfMonitoringException(
                ErrorIds.TableNotIndexable, FailureKind.InvalidArgument,
                $"{table.Name} in {target.Target} is no table, partitioned table or materialised view of a user's: it takes "
                    + $"no index.",
                "Name the table that holds the rows.", name.ToString());
    }

    public async Task<IReadOnlyList<TableIndex>> GetIndexesAsync(
        IReadOnlyCollection<uint> tableOids, CancellationToken cancellationToken)
    {
        var rows = await target.QueryAsync<IndexRow>(
            Sql.Get("GetIndexes"), new { TableOids = tableOids.Select(o => (long)o).ToArray() }, cancellationToken);
        return [.. rows.Select(r => r.ToIndex())];
    }

    public async Task<IReadOnlyList<PartitionedIndex>> GetPartitionedIndexesAsync(CancellationToken cancellationToken)
    {
        var rows = await target.QueryAsync<PartitionedIndexRow>(Sql.Get("GetPartitionedIndexes"), null, cancellationToken);
        return
        [
            .. rows.Select(r => new PartitionedIndex(
                r.IndexOid, r.TableOid, new RelationName(r.SchemaName, r.TableName), r.IndexName, r.Definition, r.IsUnique,
                r.IsValid,
                [.. r.LeafOids.Select(o => (uint)o)])),
        ];
    }

    public async Task<IReadOnlyList<TableActivity>> GetWriteActivityAsync(CancellationToken cancellationToken)
    {
        var rows = await target.QueryAsync<ActivityRow>(Sql.Get("GetWriteActivity"), null, cancellationToken);
        return
        [
            .. rows.Select(r => new TableActivity(
                new RelationName(r.SchemaName, r.TableName), r.Inserts, r.Updates, r.HotUpdates, r.Deletes, r.Rows,
                r.AgeSeconds is { } age ? TimeSpan.FromSeconds(age) : null)),
        ];
    }

    public async Task<IReadOnlyList<ForeignKey>> GetForeignKeysAsync(
        IReadOnlyCollection<RelationName>? tables, CancellationToken cancellationToken)
    {
        var rows = await target.QueryAsync<ForeignKeyRow>(
            Sql.Get("GetForeignKeys"), new { Names = tables?.Select(t => t.ToString()).ToArray() }, cancellationToken);
        return
        [
            .. rows.Select(r => new ForeignKey
            {
                Name = r.Name,
                Table = new RelationName(r.SchemaName, r.TableName),
                Columns = r.Columns,
                ReferencedTable = new RelationName(r.ReferencedSchema, r.ReferencedName),
                ReferencedColumns = r.ReferencedColumns,
                ReferencedIndexOid = r.ReferencedIndexOid,
                ReferencedRows = r.ReferencedRows,
            }),
        ];
    }

    public Task<ResolvedDefinition> ResolveAsync(IndexDefinition definition, CancellationToken cancellationToken) =>
        new DefinitionNames(target).ResolveAsync(definition, cancellationToken);

    public async Task<IReadOnlyDictionary<string, ColumnInfo>> GetExpressionTypesAsync(
        IndexDefinition definition, CancellationToken cancellationToken)
    {
        if (definition.Keys.All(k => k.Expression is null))
        {
            return new Dictionary<string, ColumnInfo>();
        }

        var described = await IndexExpressions.DescribeExpressionsAsync(target, definition, cancellationToken);
        var types = await GetTypesAsync(described.Values, cancellationToken);
        return described.ToDictionary(d => d.Key, d => types[d.Value].ToColumn());
    }

    // This statement is not in a file, because it contains names of columns. They are plain columns, so reading them runs no
    // user's function.
    public async Task<long?> MeasureEntriesAsync(
        IndexDefinition definition, TableInfo table, TimeSpan timeout, CancellationToken cancellationToken)
    {
        const int Header = 8;
        var columns = definition.Keys.Select(k => k.Column).Concat(definition.Include).ToList();
        if (columns.Contains(null) || definition.Method is not ("btree" or "gin"))
        {
            return null;
        }

        var quoted = columns.ConvertAll(c => Identifier.Quote(c!));
        var from = (table.Leaves.Count == 0 ? "only " : "") + table.Name;
        var sql = definition.Method == "btree"
            ? $"select {Sql.Marker} "
                + $"pg_catalog.max({string.Join(" + ", quoted.Select(c => $"coalesce(pg_catalog.pg_column_size({c}), 0)"))})"
                + $"::bigint from {from}"
            : quoted is [var only] && table.FindColumn(columns[0]!) is { IsCollection: true, HasBtree: true } column
            && column.Type.EndsWith("[]", StringComparison.Ordinal)
                ? $"select {Sql.Marker} pg_catalog.max(pg_catalog.pg_column_size(x))::bigint from {from} cross join "
                    + $"pg_catalog.unnest({only}) x"
                : null;
        return sql is null || await LongestAsync(sql, timeout, cancellationToken) is not { } bytes ? null : bytes + Header;
    }

    public async Task<(bool IsAvailable, string? Schema)> GetExtensionAsync(string name, CancellationToken cancellationToken)
    {
        var row = await target.QuerySingleOrDefaultAsync<ExtensionRow>(
            Sql.Get("GetExtension"), new { Name = name }, cancellationToken);
        return (row!.IsAvailable, row.Schema);
    }

    public async Task<bool> ExistsAsync(RelationName name, CancellationToken cancellationToken) =>
        (await FindAsync([name], cancellationToken)).Count > 0;

    public Task<IReadOnlyList<RelationName>> CompleteTableNamesAsync(string prefix, CancellationToken cancellationToken) =>
        CompleteAsync(["r", "p", "m"], prefix, cancellationToken);

    public Task<IReadOnlyList<RelationName>> CompleteIndexNamesAsync(string prefix, CancellationToken cancellationToken) =>
        CompleteAsync(["i", "I"], prefix, cancellationToken);

    private async Task<long?> LongestAsync(string sql, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await target.InTransactionAsync(
                async (connection, transaction) =>
                {
                    var limit = new { Milliseconds = ((long)timeout.TotalMilliseconds).ToString(CultureInfo.InvariantCulture) };
                    await connection.ExecuteAsync(
                        new CommandDefinition(Sql.Get("LimitReading"), limit, transaction, cancellationToken: cancellationToken));
                    return await connection.QuerySingleAsync<long?>(
                        new CommandDefinition(
                            sql, null, transaction, (int)timeout.TotalSeconds + 10, cancellationToken: cancellationToken));
                },
                cancellationToken);
        }
        catch (PerfMonitoringException e)
            when (!cancellationToken.IsCancellationRequested
            && e.InnerException is PostgresException { SqlState: PostgresErrorCodes.QueryCanceled })
        {
            return null;
        }
    }

    private async Task<IReadOnlyDictionary<(long Oid, int Modifier), TypeRow>> GetTypesAsync(
        IEnumerable<(long Oid, int Modifier)> types, CancellationToken cancellationToken)
    {
        var wanted = types.Distinct().ToList();
        var rows = await target.QueryAsync<TypeRow>(
            Sql.Get("GetTypes"),
            new { TypeOids = wanted.Select(t => t.Oid).ToArray(), Modifiers = wanted.Select(t => t.Modifier).ToArray() },
            cancellationToken);
        return rows.ToDictionary(r => (r.TypeOid, r.Modifier));
    }

    private async Task<IReadOnlyList<RelationName>> CompleteAsync(
        string[] kinds, string prefix, CancellationToken cancellationToken)
    {
        var searchPath = await target.GetUserSchemasAsync(cancellationToken);
        var rows = await target.QueryAsync<NameRow>(
            Sql.Get("CompleteNames"), new { Kinds = kinds, Prefix = prefix, SearchPath = searchPath }, cancellationToken);
        return [.. rows.Select(r => new RelationName(r.SchemaName, r.Name))];
    }

    private async Task<IReadOnlyList<TableRow>> FindAsync(
        IReadOnlyCollection<RelationName> names, CancellationToken cancellationToken)
    {
        var searchPath = names.Any(n => n.Schema is null) ? await target.GetUserSchemasAsync(cancellationToken) : [];
        return await target.QueryAsync<TableRow>(
            Sql.Get("FindTables"),
            new { Schemas = names.Select(n => n.Schema).ToArray(), Names = names.Select(n => n.Name).ToArray(),
                SearchPath = searchPath },
            cancellationToken);
    }


    private sealed class ActivityRow
    {
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public double Inserts { get; init; }
        public double Updates { get; init; }
        public double HotUpdates { get; init; }
        public double Deletes { get; init; }
        public double Rows { get; init; }
        public double? AgeSeconds { get; init; }
    }

    private sealed class ForeignKeyRow
    {
        public string Name { get; init; } = "";
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string ReferencedSchema { get; init; } = "";
        public string ReferencedName { get; init; } = "";
        public string[] Columns { get; init; } = [];
        public string[] ReferencedColumns { get; init; } = [];
        public uint ReferencedIndexOid { get; init; }
        public double? ReferencedRows { get; init; }
    }

    private sealed class ExtensionRow
    {
        public bool IsAvailable { get; init; }
        public string? Schema { get; init; }
    }

    private sealed class NameRow
    {
        public string? SchemaName { get; init; }
        public string Name { get; init; } = "";
    }

    private sealed class TableRow
    {
        public uint Oid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string Relkind { get; init; } = "";
        public bool IsTemporary { get; init; }
        public bool IsSystem { get; init; }
        public bool IsPartition { get; init; }
        public double AnalysedRows { get; init; }
        public long AnalysedPages { get; init; }
        public long AllVisiblePages { get; init; }
        public long Pages { get; init; }
        public string? RootSchema { get; init; }
        public string? RootName { get; init; }
        public string[]? LeafSchemas { get; init; }
        public string[]? LeafNames { get; init; }

        public TableInfo ToTable(IEnumerable<ColumnInfo> columns, IEnumerable<GroupRow> groups) => new()
        {
            Oid = Oid,
            Name = new RelationName(SchemaName, TableName),
            Kind = Relkind switch
            {
                "r" => RelationKind.Table,
                "p" => RelationKind.PartitionedTable,
                "m" => RelationKind.MaterializedView,
                "f" => RelationKind.ForeignTable,
                _ => RelationKind.Other,
            },
            IsTemporary = IsTemporary,
            IsSystem = IsSystem,
            IsPartition = IsPartition,
            Root = RootName is null ? null : new RelationName(RootSchema, RootName),
            Leaves = [.. (LeafSchemas ?? []).Zip(LeafNames ?? [], (schema, name) => new RelationName(schema, name))],
            // -1 means "never analysed". Before PostgreSQL 14 that was 0 rows on 0 pages.
            Rows = AnalysedRows < 0 || (AnalysedPages == 0 && Pages > 0) ? null
                : AnalysedPages > 0 ? AnalysedRows / AnalysedPages * Pages : AnalysedRows,
            Pages = Pages,
            AllVisibleFraction = AnalysedPages > 0 ? Math.Min(1, (double)AllVisiblePages / AnalysedPages) : 0,
            Columns = [.. columns],
            Groups = [.. groups.Select(g => new ColumnGroup(g.Columns, g.Distinct, IsCounted: true))],
        };
    }

    private sealed class ColumnRow
    {
        public uint TableOid { get; init; }
        public string Name { get; init; } = "";
        public string Type { get; init; } = "";
        public int TypeLength { get; init; }
        public int TypeAlignment { get; init; }
        public bool IsPackable { get; init; }
        public bool IsNotNull { get; init; }
        public long TypeOid { get; init; }
        public int TypeModifier { get; init; }
        public bool IsDeterministic { get; init; }
        public int? LongestKnown { get; init; }
        public bool? IsCollationC { get; init; }
        public int? AverageWidth { get; init; }
        public double? NullFraction { get; init; }
        public double? Distinct { get; init; }
        public double? Correlation { get; init; }
        public string? CommonestValue { get; init; }
        public double? WidthDeviation { get; init; }
        public double? CommonBytes { get; init; }
        public double[]? CommonFrequencies { get; init; }
        public double? SampledRows { get; init; }

        public ColumnInfo ToColumn(TypeRow type) => type.ToColumn() with
        {
            Name = Name,
            Type = Type,
            TypeLength = TypeLength,
            TypeAlignment = TypeAlignment,
            IsPackable = IsPackable,
            IsNotNull = IsNotNull,
            CanDeduplicate = type.CanDeduplicate && IsDeterministic,
            LongestKnown = LongestKnown is { } bytes ? ValueWidth.OfText(type.Name, bytes)
                : type.IsScalar && AverageWidth is not null && NullFraction < 1 ? ColumnInfo.LongestInStatistics + 1 : null,
            IsCollationC = IsCollationC,
            AverageWidth = AverageWidth,
            NullFraction = NullFraction,
            Distinct = Distinct,
            Correlation = Correlation,
            CommonestValue = CommonestValue,
            // Numbers whose texts have one length can have several widths.
            WidthDeviation = type.Name == "numeric" ? Math.Max(0.5, ValueWidth.PerByteOfText(type.Name) * WidthDeviation ?? 0.5)
                : ValueWidth.PerByteOfText(type.Name) * WidthDeviation,
            CommonWidth = ValueWidth.PerByteOfText(type.Name) is 1 ? ValueWidth.Stored(CommonBytes) : null,
            CommonFrequencies = CommonFrequencies ?? [],
            SampledRows = SampledRows,
        };
    }

    private sealed class TypeRow
    {
        // Types with these names have no useful order, whatever schema they are in.
        private static readonly HashSet<string> Collections =
            ["jsonb", "json", "xml", "hstore", "tsvector", "tsquery", "geometry", "geography", "raster", "vector", "halfvec",
                "sparsevec", "cube"];

        public long TypeOid { get; init; }
        public int Modifier { get; init; }
        public string Name { get; init; } = "";
        public bool IsBuiltIn { get; init; }
        public string Kind { get; init; } = "";
        public string Category { get; init; } = "";
        public int Length { get; init; }
        public int BaseModifier { get; init; }
        public int? SubtypeLength { get; init; }
        public string? ElementName { get; init; }
        public int? ElementLength { get; init; }
        public int? ElementModifier { get; init; }
        public int CharacterBytes { get; init; }
        public string[] Labels { get; init; } = [];
        public bool HasBtree { get; init; }
        public bool HasHash { get; init; }
        public bool CanDeduplicate { get; init; }

        // ANALYZE keeps common values and a histogram of every such type.
        public bool IsScalar => Length < 0 && HasBtree && Kind == "b" && !IsCollection;

        private bool IsCollection =>
            Length < 0
            && (ElementName is not null || Kind is "c" or "m" || Category is "A" or "C" or "G" || Collections.Contains(Name));

        public ColumnInfo ToColumn() => new()
        {
            Name = "",
            Type = Name,
            BaseType = Name,
            TypeLength = Length,
            MaximumWidth = ValueWidth.Maximum(IsBuiltIn ? Name : null, Length, BaseModifier, SubtypeLength, CharacterBytes),
            MaximumElementWidth = ElementLength is { } element
                ? ValueWidth.Maximum(ElementName, element, ElementModifier ?? -1, null, CharacterBytes)
                : null,
            IsCollection = IsCollection,
            IsArray = ElementName is not null,
            HasOrder = Kind is not ("r" or "m") && Category is not "G",
            Labels = Labels,
            HasBtree = HasBtree,
            HasHash = HasHash,
            CanDeduplicate = CanDeduplicate,
        };
    }

    private sealed class GroupRow
    {
        public uint TableOid { get; init; }
        public string[] Columns { get; init; } = [];
        public double Distinct { get; init; }
    }

    private sealed class ColumnValuesRow
    {
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string ColumnName { get; init; } = "";
        public string Category { get; init; } = "";
        public string TypeName { get; init; } = "";
        public double NullFraction { get; init; }
        public double Distinct { get; init; }
        public string[]? CommonValues { get; init; }
        public double[]? CommonFrequencies { get; init; }
        public string[]? Bounds { get; init; }
        public string[]? CommonElements { get; init; }
        public double[]? CommonElementFrequencies { get; init; }
        public double? ElementCount { get; init; }
        public double EmptyShare { get; init; }

        public ColumnValues ToValues() => new()
        {
            Table = new RelationName(SchemaName, TableName),
            Column = ColumnName,
            Category = Category,
            TypeName = TypeName,
            NullFraction = NullFraction,
            Distinct = Distinct,
            CommonValues = CommonValues ?? [],
            CommonFrequencies = CommonFrequencies ?? [],
            Bounds = Bounds ?? [],
            CommonElements = CommonElements ?? [],
            CommonElementFrequencies = CommonElementFrequencies ?? [],
            ElementCount = ElementCount,
            EmptyShare = EmptyShare,
        };
    }

    private sealed class PartitionedIndexRow
    {
        public uint IndexOid { get; init; }
        public uint TableOid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string IndexName { get; init; } = "";
        public string Definition { get; init; } = "";
        public bool IsUnique { get; init; }
        public bool IsValid { get; init; }
        public long[] LeafOids { get; init; } = [];
    }

    private sealed class IndexRow
    {
        public uint Oid { get; init; }
        public uint TableOid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string IndexName { get; init; } = "";
        public string Method { get; init; } = "";
        public bool IsUnique { get; init; }
        public bool NullsNotDistinct { get; init; }
        public bool IsValid { get; init; }
        public bool IsReady { get; init; }
        public bool IsPrimary { get; init; }
        public bool IsExclusion { get; init; }
        public bool IsReplicaIdentity { get; init; }
        public bool IsClustered { get; init; }
        public string? ParentIndex { get; init; }
        public bool IsPartitioned { get; init; }
        public string? ConstraintName { get; init; }
        public string[]? StorageParameters { get; init; }
        public string? Tablespace { get; init; }
        public string? Predicate { get; init; }
        public string ServerDefinition { get; init; } = "";
        public long SizeBytes { get; init; }
        public string Parts { get; init; } = "[]";

        public TableIndex ToIndex()
        {
            var parts = JsonSerializer.Deserialize<List<Part>>(Parts, Json.Options)!;
            return new TableIndex
            {
                Oid = Oid,
                TableOid = TableOid,
                Definition = new IndexDefinition
                {
                    Table = new RelationName(SchemaName, TableName),
                    Name = IndexName,
                    Method = Method,
                    IsUnique = IsUnique,
                    Keys = [.. parts.Where(p => p.IsKey).Select(p => p.ToKey())],
                    Include = [.. parts.Where(p => !p.IsKey).Select(p => p.Column!)],
                    NullsNotDistinct = NullsNotDistinct,
                    StorageParameters = StorageParameters ?? [],
                    Tablespace = Tablespace,
                    Where = Predicate,
                },
                ServerDefinition = ServerDefinition,
                IsValid = IsValid,
                IsReady = IsReady,
                IsPrimary = IsPrimary,
                IsExclusion = IsExclusion,
                ConstraintName = ConstraintName,
                IsReplicaIdentity = IsReplicaIdentity,
                IsClustered = IsClustered,
                ParentIndex = ParentIndex,
                IsPartitioned = IsPartitioned,
                SizeBytes = SizeBytes,
            };
        }
    }

    private sealed class Part
    {
        public bool IsKey { get; init; }
        public string? Column { get; init; }
        public string? Expression { get; init; }
        public string? Collation { get; init; }
        public string? OperatorClass { get; init; }
        public bool Descending { get; init; }
        public bool NullsFirst { get; init; }
        public bool IsOrdered { get; init; }

        public IndexKey ToKey() => new()
        {
            Column = Column,
            Expression = Expression is null ? null : SqlFragment.Unwrap(Expression),
            Collation = Collation,
            OperatorClass = OperatorClass,
            Descending = IsOrdered && Descending,
            // Null stands for the default order, so that two equal keys compare equal.
            NullsFirst = IsOrdered && NullsFirst != Descending ? NullsFirst : null,
        };
    }
}
