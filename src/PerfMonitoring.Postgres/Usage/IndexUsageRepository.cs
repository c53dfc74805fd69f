using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Postgres.Usage;

/// <summary>Index usage, from the statistics views and the store.</summary>
internal sealed class IndexUsageRepository(Database target) : IIndexUsageRepository
{
    public async Task<IReadOnlyList<IndexUsageStat>> GetCurrentAsync(CancellationToken cancellationToken)
    {
        var state = (await target.QuerySingleOrDefaultAsync<StateRow>(Text("GetStatisticsState"), null, cancellationToken))!.ToState();
        var keys = await target.QueryAsync<ForeignKeyRow>(Text("GetForeignKeys"), null, cancellationToken);
        var rows = await target.QueryAsync<FactsRow>(Text("GetIndexFacts"), null, cancellationToken);
        var facts = rows.Select(r => r.ToFacts()).ToList();
        var verdicts = DropVerdict.Judge(
            facts, [.. keys.Select(k => new ForeignKey(k.Name, k.TableOid, k.Columns, k.ReferencedIndexOid))], state);
        return [.. facts.Select(f => IndexUsageStat.From(f, verdicts[f.IndexOid], state, target.Target))];
    }

    private string Text(string name) => Sql.Get(typeof(IndexUsageRepository), name, target.Target.ServerVersionNumber);

    private sealed class StateRow
    {
        public DateTimeOffset Now { get; init; }
        public DateTimeOffset? Since { get; init; }
        public bool IsTracking { get; init; }
        public bool IsStandby { get; init; }
        public int StandbyCount { get; init; }

        public StatisticsState ToState() => new()
        {
            Now = Now, Since = Since, IsTracking = IsTracking, IsStandby = IsStandby, StandbyCount = StandbyCount,
        };
    }

    private sealed class ForeignKeyRow
    {
        public string Name { get; init; } = "";
        public uint TableOid { get; init; }
        public short[] Columns { get; init; } = [];
        public uint ReferencedIndexOid { get; init; }
    }

    private sealed class FactsRow
    {
        public uint IndexOid { get; init; }
        public uint TableOid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string IndexName { get; init; } = "";
        public string Definition { get; init; } = "";
        public string Method { get; init; } = "";
        public string[] Keys { get; init; } = [];
        public short[] KeyColumns { get; init; } = [];
        public short[] IncludeColumns { get; init; } = [];
        public string? Predicate { get; init; }
        public string? StorageParameters { get; init; }
        public bool IsUnique { get; init; }
        public bool IsPrimaryKey { get; init; }
        public bool IsExclusion { get; init; }
        public bool IsReplicaIdentity { get; init; }
        public bool IsClustered { get; init; }
        public bool IsValid { get; init; }
        public bool IsBeingBuilt { get; init; }
        public string? ParentIndex { get; init; }
        public string? Extension { get; init; }
        public long? Scans { get; init; }
        public long? TuplesRead { get; init; }
        public long? TuplesFetched { get; init; }
        public DateTimeOffset? LastScan { get; init; }
        public long? TableWrites { get; init; }
        public double? TableRows { get; init; }
        public long? SizeBytes { get; init; }
        public long? TableSizeBytes { get; init; }
        public DateTimeOffset? ExistsSince { get; init; }

        public IndexFacts ToFacts() => new()
        {
            IndexOid = IndexOid,
            TableOid = TableOid,
            Table = new RelationName(SchemaName, TableName),
            IndexName = IndexName,
            Definition = Definition,
            Method = Method,
            Keys = Keys,
            KeyColumns = KeyColumns,
            IncludeColumns = IncludeColumns,
            Predicate = Predicate,
            StorageParameters = StorageParameters,
            IsUnique = IsUnique,
            IsPrimaryKey = IsPrimaryKey,
            IsExclusion = IsExclusion,
            IsReplicaIdentity = IsReplicaIdentity,
            IsClustered = IsClustered,
            IsValid = IsValid,
            IsBeingBuilt = IsBeingBuilt,
            ParentIndex = ParentIndex,
            Extension = Extension,
            Scans = Scans,
            TuplesRead = TuplesRead,
            TuplesFetched = TuplesFetched,
            LastScan = LastScan,
            TableWrites = TableWrites,
            TableRows = TableRows,
            SizeBytes = SizeBytes,
            TableSizeBytes = TableSizeBytes,
            ExistsSince = ExistsSince,
        };
    }
}
