using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Connections;
using PerfMonitoring.Postgres.Store;
using PerfMonitoring.Repositories;

namespace PerfMonitoring.Postgres.Usage;

/// <summary>Index usage, from the statistics views and the store.</summary>
internal sealed class IndexUsageRepository(Database target, Database store, MonitoredDatabase monitored) : IIndexUsageRepository
{
    public async Task<UsageFacts> ReadAsync(CancellationToken cancellationToken)
    {
        var state = await target.QuerySingleOrDefaultAsync<StateRow>(Text("GetStatisticsState"), null, cancellationToken);
        var keys = await target.QueryAsync<ForeignKeyRow>(Text("GetForeignKeys"), null, cancellationToken);
        var rows = await target.QueryAsync<FactsRow>(Text("GetIndexFacts"), null, cancellationToken);
        var expressions = target.Target.MajorVersion < 14
            ? []
            : await target.QueryAsync<ExpressionsRow>(Text("GetStatisticsExpressions"), null, cancellationToken);
        var known = expressions.ToDictionary(e => e.TableOid, e => (IReadOnlyList<string>)e.Expressions);
        var seen = (await FromStoreAsync<SeenRow>("GetFirstSeen", null, cancellationToken))
            .ToDictionary(r => r.IndexOid, r => r.FirstSeen);
        return new UsageFacts(
            [.. rows.Select(r => r.ToFacts(seen) with { StatisticsExpressions = known.GetValueOrDefault(r.TableOid, []) })],
            [.. keys.Select(k => new ForeignKey(k.Name, k.TableOid, k.Columns, k.ReferencedIndexOid))],
            state!.ToState());
    }

    public async Task<IReadOnlyList<StoredScans>> GetScansAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        [.. (await FromStoreAsync<ScansRow>("GetScans", since, cancellationToken)).Select(r => r.ToScans())];

    public async IAsyncEnumerable<IndexUsageStat> GetHistoryAsync(
        DateOnly? since, DateOnly? until, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = new {
            MonitoredDatabaseId = await monitored.FindIdAsync(cancellationToken), Since = Day(since), Until = Day(until) };
        await foreach (var stat in store.StreamAsync(StoreText("GetHistory"), parameters, Read, cancellationToken))
        {
            yield return stat;
        }
    }

    public async Task<IReadOnlyList<IndexUsageStat>> SaveAsync(
        IReadOnlyList<IndexUsageStat> stats, CancellationToken cancellationToken)
    {
        var saved = await store.QueryAsync<SavedRow>(
            StoreText("SaveUsage"), new { Stats = JsonSerializer.Serialize(stats.Select(GivenRow.From), Json.Rows) },
            cancellationToken);
        var byStrategy = saved.ToDictionary(s => s.IndexStrategyId);
        return
        [
            .. stats.Select(s => s with
            {
                Id = byStrategy[s.IndexStrategyId!.Value].Id, StatsDate = ParseDay(byStrategy[s.IndexStrategyId.Value].StatsDate),
            }),
        ];
    }

    // Live figures need no store, nor rights on it; what it would have told is then unknown, and the verdict says so.
    private async Task<IReadOnlyList<T>> FromStoreAsync<T>(
        string name, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        try
        {
            return await store.QueryAsync<T>(
                StoreText(name), new { monitored.ServerIdentity, DatabaseName = target.Target.Database, Since = since },
                cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.ErrorId is ErrorIds.StoreMissing or ErrorIds.PermissionDenied)
        {
            return [];
        }
    }

    private IndexUsageStat Read(DbDataReader row) => new()
    {
        Id = row.GetGuid(0),
        IndexStrategyId = row.GetGuid(1),
        TableName = row.GetString(2),
        IndexName = row.GetString(3),
        TotalScans = Value<long>(row, 4),
        TotalTuplesRead = Value<long>(row, 5),
        TotalTuplesFetched = Value<long>(row, 6),
        AvgScanTimeMs = Value<double>(row, 7),
        SelectivityRatio = Value<double>(row, 8),
        IndexSizeBytes = Value<long>(row, 9),
        MaintenanceCostScore = Value<double>(row, 10),
        IsRecommendedForDrop = row.GetBoolean(11),
        StatsDate = ParseDay(row.GetString(12)),
        LastAnalyzed = row.GetFieldValue<DateTimeOffset>(13),
        IndexOid = Value<uint>(row, 14),
        CountersSince = Value<DateTimeOffset>(row, 15),
        LastScan = Value<DateTimeOffset>(row, 16),
        TableWrites = Value<long>(row, 17),
        IsValid = Value<bool>(row, 18),
        Definition = row.IsDBNull(19) ? null : row.GetString(19),
        Reasons = Sentences(row.GetString(20)),
        Blockers = Sentences(row.GetString(21)),
        Notes = Sentences(row.GetString(22)),
        Target = target.Target,
    };

    private static T? Value<T>(DbDataReader row, int ordinal)
        where T : struct => row.IsDBNull(ordinal) ? null : row.GetFieldValue<T>(ordinal);

    private static List<string> Sentences(string json) => JsonSerializer.Deserialize<List<string>>(json)!;

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static DateOnly ParseDay(string day) => DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture);

    private string StoreText(string name) => Sql.Get(typeof(IndexUsageRepository), name, store.Target.ServerVersionNumber);

    private string Text(string name) => Sql.Get(typeof(IndexUsageRepository), name, target.Target.ServerVersionNumber);

    /// <summary>A row for SaveUsage.sql.</summary>
    private sealed record GivenRow(
        Guid IndexStrategyId, string TableName, string IndexName, long? TotalScans, long? TotalTuplesRead,
        long? TotalTuplesFetched,
        double? AvgScanTimeMs, double? SelectivityRatio, long? IndexSizeBytes, double? MaintenanceCostScore,
        bool IsRecommendedForDrop,
        DateTimeOffset LastAnalyzed, uint IndexOid, DateTimeOffset? CountersSince, DateTimeOffset? LastScan, long? TableWrites,
        bool IsValid,
        string? Definition, IReadOnlyList<string> Reasons, IReadOnlyList<string> Blockers, IReadOnlyList<string> Notes,
        IReadOnlyList<string> UnknownColumns, IReadOnlyList<ScanCount> Counts)
    {
        public static GivenRow From(IndexUsageStat s) => new(
            s.IndexStrategyId!.Value, s.TableName, s.IndexName, s.TotalScans, s.TotalTuplesRead, s.TotalTuplesFetched,
            s.AvgScanTimeMs,
            s.SelectivityRatio, s.IndexSizeBytes, s.MaintenanceCostScore, s.IsRecommendedForDrop, s.LastAnalyzed,
            s.IndexOid!.Value,
            s.CountersSince, s.LastScan, s.TableWrites, s.IsValid!.Value, s.Definition, s.Reasons, s.Blockers, s.Notes,
            [
                .. new (string Name, bool IsUnknown)[]
                {
                    ("total_scans", s.TotalScans is null),
                    ("total_tuples_read", s.TotalTuplesRead is null),
                    ("total_tuples_fetched", s.TotalTuplesFetched is null),
                    ("avg_scan_time_ms", s.AvgScanTimeMs is null),
                    ("selectivity_ratio", s.SelectivityRatio is null),
                    ("index_size_bytes", s.IndexSizeBytes is null),
                    ("maintenance_cost_score", s.MaintenanceCostScore is null),
                }.Where(c => c.IsUnknown).Select(c => c.Name),
            ],
            s.Counts);
    }

    private sealed class SavedRow
    {
        public Guid Id { get; init; }
        public Guid IndexStrategyId { get; init; }
        public string StatsDate { get; init; } = "";
    }

    private sealed class SeenRow
    {
        public uint IndexOid { get; init; }
        public DateTimeOffset FirstSeen { get; init; }
    }

    private sealed class ExpressionsRow
    {
        public uint TableOid { get; init; }
        public string[] Expressions { get; init; } = [];
    }

    private sealed class ScansRow
    {
        public uint IndexOid { get; init; }
        public DateTimeOffset At { get; init; }
        public long? Scans { get; init; }
        public DateTimeOffset? Since { get; init; }
        public DateTimeOffset? LastScan { get; init; }
        public string? Counts { get; init; }

        public StoredScans ToScans()
        {
            var counts = Counts is null ? [] : JsonSerializer.Deserialize<List<ScanCount>>(Counts, Json.Rows)!;
            return new StoredScans(IndexOid, At, counts.Count > 0 ? counts : [new ScanCount("", Scans, Since, LastScan)]);
        }
    }

    private sealed class StateRow
    {
        public DateTimeOffset Now { get; init; }
        public DateTimeOffset? Since { get; init; }
        public bool IsTracking { get; init; }
        public bool IsStandby { get; init; }
        public DateTimeOffset StartedAt { get; init; }
        public bool IsReceiving { get; init; }
        public int StandbyCount { get; init; }

        public StatisticsState ToState() => new()
        {
            Now = Now, Since = Since, IsTracking = IsTracking, IsStandby = IsStandby, StartedAt = StartedAt,
            IsReceiving = IsReceiving,
            UnaskedStandbyCount = StandbyCount,
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
        public string? Definition { get; init; }
        public string Method { get; init; } = "";
        public string[] Keys { get; init; } = [];
        public short[] KeyColumns { get; init; } = [];
        public short[] IncludeColumns { get; init; } = [];
        public string[] Expressions { get; init; } = [];
        public string? Predicate { get; init; }
        public string? StorageParameters { get; init; }
        public bool IsLocked { get; init; }
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
        public double? Entries { get; init; }
        public long? SizeBytes { get; init; }
        public long? TableSizeBytes { get; init; }
        public DateTimeOffset? ExistsSince { get; init; }

        public IndexFacts ToFacts(Dictionary<uint, DateTimeOffset> seen) => new()
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
            Expressions = Expressions,
            Predicate = Predicate,
            StorageParameters = StorageParameters,
            IsLocked = IsLocked,
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
            Entries = Entries,
            SizeBytes = SizeBytes,
            TableSizeBytes = TableSizeBytes,
            // Whichever is earlier: both are moments at which it was there.
            ExistsSince = seen.TryGetValue(IndexOid, out var first) && !(ExistsSince < first) ? first : ExistsSince,
        };
    }
}
