using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Usage;

namespace PerfMonitoring.Postgres.Usage;

/// <summary>Index usage, from the statistics views and the store.</summary>
internal sealed class IndexUsageRepository(
    Database target, Database store, ICatalogRepository catalog) : IIndexUsageRepository
{
    public async Task<UsageFacts> ReadAsync(CancellationToken cancellationToken)
    {
        var state = await target.QuerySingleOrDefaultAsync<StateRow>(Sql.Get("GetUsageState"), null, cancellationToken);
        var keys = await catalog.GetForeignKeysAsync(null, cancellationToken);
        var rows = await target.QueryAsync<UsageRow>(Sql.Get("GetIndexUsage"), null, cancellationToken);
        var indexes = (await catalog.GetIndexesAsync(
            [.. rows.Where(r => !r.IsLocked).Select(r => r.TableOid).Distinct()], cancellationToken)).ToDictionary(i => i.Oid);
        var expressions = target.Target.MajorVersion < 14
            ? []
            : await target.QueryAsync<ExpressionsRow>(Sql.Get("GetStatisticsExpressions"), null, cancellationToken);
        var known = expressions.ToDictionary(e => e.TableOid, e => (IReadOnlyList<string>)e.Expressions);
        var seen = (await FromStoreAsync<SeenRow>("GetFirstSeen", null, cancellationToken))
            .ToDictionary(r => r.IndexOid, r => r.FirstSeen);
        return new UsageFacts(
            [
                // An index that was dropped between the two statements is left out.
                .. rows.Where(r => r.IsLocked || indexes.ContainsKey(r.IndexOid))
                    .Select(r => r.ToUsage(indexes.GetValueOrDefault(r.IndexOid), seen) with
                    {
                        StatisticsExpressions = known.GetValueOrDefault(r.TableOid, []),
                    }),
            ],
            keys,
            state!.ToState());
    }

    public async Task<IReadOnlyList<StoredScans>> GetScansAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        [.. (await FromStoreAsync<ScansRow>("GetScans", since, cancellationToken)).Select(r => r.ToScans())];

    public async IAsyncEnumerable<IndexUsageStat> GetHistoryAsync(
        DateOnly? since, DateOnly? until, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = new {
            Since = Day(since), Until = Day(until) };
        await foreach (var stat in store.StreamAsync(Sql.Get("GetHistory"), parameters, Read, cancellationToken))
        {
            yield return stat;
        }
    }

    public async Task<IReadOnlyList<IndexUsageStat>> SaveAsync(
        IReadOnlyList<IndexUsageStat> stats, CancellationToken cancellationToken)
    {
        var saved = await store.QueryAsync<SavedRow>(
            Sql.Get("SaveUsage"), new { Stats = JsonSerializer.Serialize(stats.Select(GivenRow.From), Json.Rows) },
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

    // Live figures need neither a store nor rights on it. The store's part is then unknown, and the verdict says so.
    private async Task<IReadOnlyList<T>> FromStoreAsync<T>(
        string name, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        try
        {
            return await store.QueryAsync<T>(
                Sql.Get(name), new { Since = since }, cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.ErrorId is ErrorIds.StoreMissing or ErrorIds.PermissionDenied)
        {
            return [];
        }
    }

    private IndexUsageStat Read(DbDataReader row) => new()
    {
        Id = row.GetGuid("id"),
        IndexStrategyId = row.GetGuid("index_strategy_id"),
        TableName = row.GetString("table_name"),
        IndexName = row.GetString("index_name"),
        TotalScans = row.GetFieldValue<long?>("total_scans"),
        TotalTuplesRead = row.GetFieldValue<long?>("total_tuples_read"),
        TotalTuplesFetched = row.GetFieldValue<long?>("total_tuples_fetched"),
        AvgScanTimeMs = row.GetFieldValue<double?>("avg_scan_time_ms"),
        SelectivityRatio = row.GetFieldValue<double?>("selectivity_ratio"),
        IndexSizeBytes = row.GetFieldValue<long?>("index_size_bytes"),
        MaintenanceCostScore = row.GetFieldValue<double?>("maintenance_cost_score"),
        IsRecommendedForDrop = row.GetBoolean("is_recommended_for_drop"),
        StatsDate = ParseDay(row.GetString("stats_date")),
        LastAnalyzed = row.GetFieldValue<DateTimeOffset>("last_analyzed"),
        IndexOid = row.GetFieldValue<uint?>("index_oid"),
        CountersSince = row.GetFieldValue<DateTimeOffset?>("counters_since"),
        LastScan = row.GetFieldValue<DateTimeOffset?>("last_scan"),
        TableWrites = row.GetFieldValue<long?>("table_writes"),
        IsValid = row.GetFieldValue<bool?>("is_valid"),
        Definition = row.GetValue("definition") as string,
        Reasons = Sentences(row.GetString("reasons")),
        Blockers = JsonSerializer.Deserialize<List<DropBlocker>>(row.GetString("blockers"), Json.Rows)!,
        Notes = Sentences(row.GetString("notes")),
        Target = target.Target,
    };

    private static List<string> Sentences(string json) => JsonSerializer.Deserialize<List<string>>(json)!;

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static DateOnly ParseDay(string day) => DateOnly.ParseExact(day, "yyyy-MM-dd", CultureInfo.InvariantCulture);



    /// <summary>A row for SaveUsage.sql.</summary>
    private sealed record GivenRow(
        Guid IndexStrategyId, string TableName, string IndexName, long? TotalScans, long? TotalTuplesRead,
        long? TotalTuplesFetched,
        double? AvgScanTimeMs, double? SelectivityRatio, long? IndexSizeBytes, double? MaintenanceCostScore,
        bool IsRecommendedForDrop,
        DateTimeOffset LastAnalyzed, uint IndexOid, DateTimeOffset? CountersSince, DateTimeOffset? LastScan, long? TableWrites,
        bool IsValid,
        string? Definition, IReadOnlyList<string> Reasons, IReadOnlyList<DropBlocker> Blockers, IReadOnlyList<string> Notes,
        IReadOnlyList<string> UnknownColumns, IReadOnlyList<ScanCount> Counts)
    {
        public static GivenRow From(IndexUsageStat s) => new(
            s.IndexStrategyId!.Value, s.TableName, s.IndexName, s.TotalScans, s.TotalTuplesRead, s.TotalTuplesFetched,
            s.AvgScanTimeMs, s.SelectivityRatio, s.IndexSizeBytes, s.MaintenanceCostScore, s.IsRecommendedForDrop, s.LastAnalyzed,
            s.IndexOid!.Value, s.CountersSince, s.LastScan, s.TableWrites, s.IsValid!.Value, s.Definition, s.Reasons, s.Blockers,
            s.Notes,
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

    private sealed class UsageRow
    {
        public uint IndexOid { get; init; }
        public uint TableOid { get; init; }
        public string SchemaName { get; init; } = "";
        public string TableName { get; init; } = "";
        public string IndexName { get; init; } = "";
        public string Method { get; init; } = "";
        public bool IsUnique { get; init; }
        public bool IsPrimary { get; init; }
        public bool IsValid { get; init; }
        public bool IsReady { get; init; }
        public string[] Expressions { get; init; } = [];
        public bool IsLocked { get; init; }
        public bool IsBeingBuilt { get; init; }
        public string? Extension { get; init; }
        public long? Scans { get; init; }
        public long? TuplesRead { get; init; }
        public long? TuplesFetched { get; init; }
        public DateTimeOffset? LastScan { get; init; }
        public long? TableWrites { get; init; }
        public double? TableRows { get; init; }
        public double? Entries { get; init; }
        public long? TableSizeBytes { get; init; }
        public DateTimeOffset? ExistsSince { get; init; }

        public IndexUsage ToUsage(TableIndex? index, Dictionary<uint, DateTimeOffset> seen) => new()
        {
            Index = index ?? new TableIndex
            {
                Oid = IndexOid,
                TableOid = TableOid,
                Definition = new IndexDefinition
                {
                    Table = new RelationName(SchemaName, TableName), Name = IndexName, Method = Method, IsUnique = IsUnique,
                    Keys = [],
                },
                ServerDefinition = "",
                IsPrimary = IsPrimary,
                IsValid = IsValid,
                IsReady = IsReady,
            },
            IsLocked = IsLocked,
            Expressions = Expressions,
            IsBeingBuilt = IsBeingBuilt,
            Extension = Extension,
            Scans = Scans,
            TuplesRead = TuplesRead,
            TuplesFetched = TuplesFetched,
            LastScan = LastScan,
            TableWrites = TableWrites,
            TableRows = TableRows,
            Entries = Entries,
            TableSizeBytes = TableSizeBytes,
            // The earlier time wins: the index existed at both.
            ExistsSince = seen.TryGetValue(IndexOid, out var first) && !(ExistsSince < first) ? first : ExistsSince,
        };
    }
}
