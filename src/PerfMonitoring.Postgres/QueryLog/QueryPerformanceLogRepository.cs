using PerfMonitoring.Store;
using System.Data;
using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Plans;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Postgres.Statements;
using PerfMonitoring.QueryLog;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.QueryLog;

/// <summary>The log of queries in the store.</summary>
internal sealed class QueryPerformanceLogRepository(
    Database target, Database store, IStoreRepository schema, IPlanRepository plans) : IQueryPerformanceLogRepository
{
    private const double DefaultThresholdMs = 1000;

    public async Task<QueryPerformanceLogUpdate> UpdateAsync(IProgress<string> details, CancellationToken cancellationToken)
    {
        var hidden = await new QueryRepository(target).CountHiddenAsync(new SlowQueryFilter(), cancellationToken);
        await AddPartitionsAsync(details, cancellationToken);
        await schema.SaveSightingAsync(cancellationToken);
        return await store.InTransactionAsync(
            async (connection, transaction) =>
            {
                var work = new StoreWork(store, connection, transaction, cancellationToken);

                // The lock excludes other runs for this database until the end. The counters are read while it is held, so that
                // two runs read them in the same order as they store them.
                await work.ExecuteAsync("LockHead", null);
                var head = (await work.QueryAsync<Head>("GetHead", null)).Single();
                var last = await work.QueryAsync<StatisticsRow>("GetLastStatistics", null);
                var reading = await StatementReading.TakeAsync(target, withTexts: true, cancellationToken);

                var before = head.TakenAt is { } takenAt
                    ? new StatementsState { TakenAt = takenAt, StatsReset = head.StatsReset, Deallocations = head.Deallocations }
                    : null;
                var delta = StatisticsDelta.Between(
                    before, [.. last.Select(r => r.ToCounters())], reading.State,
                    [.. reading.Statements.Select(s => s.Counters)]);
                var threshold = (await work.QueryAsync<double>("GetQueryTimeThreshold", null)).Select(t => (double?)t)
                    .FirstOrDefault() ?? DefaultThresholdMs;

                var (entries, untrusted) = await MakeEntriesAsync(reading, delta, threshold, details, cancellationToken);
                await AddEntriesAsync(work, entries, reading.State.TakenAt, threshold);
                await ReplaceStatisticsAsync(work, delta.Changed, reading);
                await work.ExecuteAsync(
                    "SetHead",
                    new { reading.State.TakenAt, reading.State.StatsReset, reading.State.Deallocations });

                return new QueryPerformanceLogUpdate
                {
                    Target = target.Target,
                    IntervalStart = before?.TakenAt ?? reading.State.StatsReset,
                    IntervalEnd = reading.State.TakenAt,
                    Statements = entries.Count,
                    SlowStatements = entries.Count(e => e.IsSlow),
                    Plans = entries.Count(e => e.Plan is not null),
                    UntrustedStatements = untrusted.ToItemList(),
                    Calls = entries.Sum(e => e.Interval.Calls),
                    TotalTimeMs = entries.Sum(e => e.Interval.TotalTimeMs),
                    Gaps = delta.Gaps,
                    GapSince = delta.Gaps > 0 ? before?.TakenAt : null,
                    WasReset = delta.WasReset,
                    Deallocations = delta.WasReset
                        ? reading.State.Deallocations : reading.State.Deallocations - (before?.Deallocations ?? 0),
                    HiddenStatements = hidden,
                    SlowQueryThresholdMs = threshold,
                };
            },
            cancellationToken);
    }

    public async IAsyncEnumerable<QueryPerformanceEntry> GetAsync(
        QueryPerformanceLogFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        EntryReader? reader = null;
        var rows = store.StreamAsync(
            Sql.Get("GetQueryPerformanceLog"),
            new
            {
                Since = filter.Since?.UtcDateTime,
                Until = filter.Until?.UtcDateTime,
                QueryHash = filter.QueryHash?.ToArray(),
                Users = QueryRepository.Regexes(filter.Users),
                filter.SlowOnly,
                filter.MinimumMs,
                filter.First,
            },
            row => (reader ??= new EntryReader(row)).Read(),
            cancellationToken);
        await foreach (var entry in rows)
        {
            yield return entry;
        }
    }

    public async IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(
        SlowQueryFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = new
        {
            DatabaseName = target.Target.Database,
            Since = filter.Since?.UtcDateTime,
            Until = filter.Until?.UtcDateTime,
            Databases = QueryRepository.Regexes(filter.Databases),
            Users = QueryRepository.Regexes(filter.Users),
            filter.MinimumMeanMs,
            filter.MinimumCalls,
            Like = QueryRepository.TextRegexes(filter.Like),
            ExcludeLike = QueryRepository.TextRegexes(filter.ExcludeLike),
            OrderBy = filter.OrderBy.ToString(),
            filter.Top,
        };
        var rows = store.StreamAsync(Sql.Get("GetSlowQueriesFromLog"), parameters, MapSlowQuery, cancellationToken);
        await foreach (var query in rows)
        {
            yield return query;
        }
    }

    public async Task<IReadOnlyList<QueryObservation>> GetObservationsAsync(
        IReadOnlyCollection<string> hashes, string name, DateTimeOffset since, DateTimeOffset until,
        CancellationToken cancellationToken) =>
        await store.QueryAsync<QueryObservation>(
            Sql.Get("GetObservations"),
            new
            {
                Hashes = hashes.ToArray(),
                Name = name,
                Since = since.UtcDateTime,
                Until = until.UtcDateTime,
            },
            cancellationToken);

    public async Task<QueryPerformanceLogCleanup> CountAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        Summarize(before, await store.QueryAsync<LogPartition>(
            Sql.Get("GetLogPartitions"),
            new { Before = before.UtcDateTime }, cancellationToken));

    public Task<QueryPerformanceLogCleanup> ClearAsync(DateTimeOffset before, CancellationToken cancellationToken) =>
        store.InTransactionAsync(
            async (connection, transaction) =>
            {
                var work = new StoreWork(store, connection, transaction, cancellationToken);
                var parameters = new { Before = before.UtcDateTime };
                await work.ExecuteAsync("SetLockTimeout", null);
                var partitions = await work.QueryAsync<LogPartition>("GetLogPartitions", parameters);
                foreach (var partition in partitions.Where(p => p.CanGo))
                {
                    await work.QueryAsync<string>("DropPartition", new { At = partition.Week.UtcDateTime });
                }

                await work.ExecuteAsync("DeleteOldIntervals", parameters);
                var deleted = await work.ExecuteAsync("DeleteOldEntries", parameters);
                return Summarize(before, partitions) with { RowsDeleted = deleted };
            },
            cancellationToken);

    private static QueryPerformanceLogCleanup Summarize(DateTimeOffset before, IReadOnlyList<LogPartition> partitions) => new()
    {
        Before = before,
        Partitions = partitions.Count(p => p.CanGo),
        RowsInPartitions = partitions.Where(p => p.CanGo).Sum(p => p.Rows),
        RowsDeleted = partitions.Where(p => !p.CanGo).Sum(p => p.OldRows),
    };

    // Creates the partitions of this week and the next one. If that fails, the rows go to the default partition; only speed is
    // lost.
    private async Task AddPartitionsAsync(IProgress<string> details, CancellationToken cancellationToken)
    {
        foreach (var at in new[] { DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(7) })
        {
            try
            {
                await store.QuerySingleOrDefaultAsync<string>(
                    Sql.Get("AddPartition"),
                    new { At = at.UtcDateTime }, cancellationToken);
            }
            catch (PerfMonitoringException e) when (e.Kind is FailureKind.Busy or FailureKind.PermissionDenied
                || e.InnerException is PostgresException
                {
                    SqlState: PostgresErrorCodes.CheckViolation or PostgresErrorCodes.ConnectionFailure,
                })
            {
                details.Report($"The log's partition for the week of {at:yyyy-MM-dd} was not made: {e.Message}");
            }
        }
    }

    private async Task<(IReadOnlyList<Entry> Entries, IReadOnlyList<UntrustedStatement> Untrusted)> MakeEntriesAsync(
        StatementReading reading, StatisticsDelta delta, double threshold, IProgress<string> details,
        CancellationToken cancellationToken)
    {
        var statements = reading.Statements.ToDictionary(s => s.Counters.Key);
        var ids = new UuidV7(reading.State.TakenAt);
        var entries = new List<Entry>(delta.Intervals.Count);
        foreach (var interval in delta.Intervals)
        {
            var statement = statements[interval.Key];
            var normalized = QueryText.Normalize(statement.Query);
            entries.Add(new Entry
            {
                Id = ids.Next(),
                Interval = interval,
                Query = statement.Query,
                UserName = statement.UserName,
                Hash = QueryText.Hash(normalized),
                Pattern = QueryText.Shorten(normalized),
                IsSlow = interval.TotalTimeMs / interval.Calls > threshold,
            });
        }

        var slow = entries.Where(e => e.IsSlow).OrderByDescending(e => e.Interval.TotalTimeMs).ToList();
        return (entries, await new PlanAttachment(target, plans).AttachAsync(slow, details, cancellationToken));
    }

    private async Task AddEntriesAsync(
        StoreWork work, IReadOnlyList<Entry> entries, DateTimeOffset executedAt, double threshold)
    {
        if (entries.Count == 0)
        {
            return;
        }

        await work.ExecuteAsync("AddLogEntries", new
        {
            Ids = Column(e => e.Id),
            Hashes = Column(e => e.Hash),
            Patterns = Column(e => e.Pattern),
            Times = Column(e => (decimal)(e.Interval.TotalTimeMs / e.Interval.Calls)),
            RowsExamined = Column(e => e.RowsExamined ?? e.RowsReturned),
            RowsReturned = Column(e => e.RowsReturned),
            IndexesUsed = Column(e => e.IndexesUsed),
            Plans = Column(e => e.Plan),
            UsedIndex = Column(e => e.UsedIndex),
            IsSlow = Column(e => e.IsSlow),
            Users = Column(e => e.UserName),
            ThresholdMs = (decimal)threshold,
            Context = target.Target.ToString(),
            ExecutedAt = executedAt.UtcDateTime,
        });
        await work.ExecuteAsync("AddIntervals", new
        {
            Ids = Column(e => e.Id),
            QueryIds = Column(e => e.Interval.Key.QueryId),
            DatabaseOids = Column(e => (long)e.Interval.Key.DatabaseOid),
            UserOids = Column(e => (long)e.Interval.Key.UserOid),
            TopLevels = Column(e => e.Interval.Key.TopLevel),
            Calls = Column(e => e.Interval.Calls),
            TotalTimes = Column(e => e.Interval.TotalTimeMs),
            Rows = Column(e => e.Interval.Rows),
            BlocksHit = Column(e => e.Interval.SharedBlocksHit),
            BlocksRead = Column(e => e.Interval.SharedBlocksRead),
            TempBlocksWritten = Column(e => e.Interval.TempBlocksWritten),
            BlockTimes = Column(e => e.Interval.BlockTimeMs),
            Starts = Column(e => e.Interval.Since?.UtcDateTime),
            Estimates = Column(e => e.RowsExamined is null ? null : (bool?)true),
            SquaredTimes = Column(e => e.Interval.SquaredTime),
            ExecutedAt = executedAt.UtcDateTime,
        });

        T[] Column<T>(Func<Entry, T> value) => [.. entries.Select(value)];
    }

    private static async Task ReplaceStatisticsAsync(
        StoreWork work, IReadOnlyList<StatementKey> changed, StatementReading reading)
    {
        if (changed.Count == 0)
        {
            return;
        }

        await work.ExecuteAsync("RemoveStatistics", new
        {
            QueryIds = changed.Select(k => k.QueryId).ToArray(),
            DatabaseOids = changed.Select(k => (long)k.DatabaseOid).ToArray(),
            UserOids = changed.Select(k => (long)k.UserOid).ToArray(),
            TopLevels = changed.Select(k => k.TopLevel).ToArray(),
        });
        var keys = changed.ToHashSet();
        var rows = reading.Statements.Select(s => s.Counters).Where(c => keys.Contains(c.Key)).ToList();
        await work.ExecuteAsync("AddStatistics", new
        {
            QueryIds = Column(c => c.Key.QueryId),
            DatabaseOids = Column(c => (long)c.Key.DatabaseOid),
            UserOids = Column(c => (long)c.Key.UserOid),
            TopLevels = Column(c => c.Key.TopLevel),
            Calls = Column(c => c.Calls),
            TotalTimes = Column(c => c.TotalTimeMs),
            Rows = Column(c => c.Rows),
            BlocksHit = Column(c => c.SharedBlocksHit),
            BlocksRead = Column(c => c.SharedBlocksRead),
            TempBlocksWritten = Column(c => c.TempBlocksWritten),
            BlockTimes = Column(c => c.BlockTimeMs),
            Since = Column(c => c.Since?.UtcDateTime),
            SquaredTimes = Column(c => c.SquaredTime),
        });

        T[] Column<T>(Func<StatementCounters, T> value) => [.. rows.Select(value)];
    }

    private SlowQuery MapSlowQuery(DbDataReader row) => new()
    {
        Query = row.GetString("query_pattern"),
        QueryHash = row.GetString("query_hash"),
        QueryId = row.GetFieldValue<long?>("queryid"),
        Calls = row.GetInt64("calls"),
        TotalTimeMs = row.GetDouble("total_time_ms"),
        MeanTimeMs = row.GetDouble("mean_time_ms"),
        MaxTimeMs = row.GetFieldValue<double?>("max_time_ms"),
        TimeShare = row.GetFieldValue<double?>("time_share"),
        Rows = row.GetInt64("rows"),
        SharedBlocksHit = row.GetFieldValue<long?>("shared_blocks_hit"),
        SharedBlocksRead = row.GetFieldValue<long?>("shared_blocks_read"),
        TempBlocksWritten = row.GetFieldValue<long?>("temp_blocks_written"),
        BlockTimeMs = row.GetFieldValue<double?>("block_time_ms"),
        TopLevel = row.GetFieldValue<bool?>("toplevel"),
        UserName = row.GetValue("database_user") as string,
        UserNames = row.GetFieldValue<string[]>("database_users"),
        DatabaseName = row.GetValue("database_name") as string,
        Since = row.GetFieldValue<DateTimeOffset>("since"),
        Until = row.GetFieldValue<DateTimeOffset>("until"),
        Source = SlowQuerySource.QueryPerformanceLog,
        Target = row.GetValue("database_name") is string name && name != target.Target.Database ? null : target.Target,
    };

    /// <summary>The statements of one transaction of the store.</summary>
    private sealed class StoreWork(
        Database store, NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        // Another run may hold the head for as long as LockHead.sql waits, which is longer than the usual time limit of a
        // statement.
        private const int HeadSeconds = 60 + 30;

        public Task<int> ExecuteAsync(string file, object? parameters) => connection.ExecuteAsync(Command(file, parameters));

        public async Task<IReadOnlyList<T>> QueryAsync<T>(string file, object? parameters) =>
            (await connection.QueryAsync<T>(Command(file, parameters))).AsList();

        private CommandDefinition Command(string file, object? parameters) => new(
            store.Text(file), parameters, transaction,
            file is "LockHead" or "GetHead" ? HeadSeconds : null, cancellationToken: cancellationToken);
    }

    private sealed class Head
    {
        public DateTimeOffset? TakenAt { get; init; }
        public DateTimeOffset? StatsReset { get; init; }
        public long? Deallocations { get; init; }
    }

    private sealed class StatisticsRow
    {
        public long QueryId { get; init; }
        public uint DatabaseOid { get; init; }
        public uint UserOid { get; init; }
        public bool TopLevel { get; init; }
        public long Calls { get; init; }
        public double TotalTimeMs { get; init; }
        public long Rows { get; init; }
        public long SharedBlocksHit { get; init; }
        public long SharedBlocksRead { get; init; }
        public long TempBlocksWritten { get; init; }
        public double? BlockTimeMs { get; init; }
        public DateTimeOffset? Since { get; init; }
        public double? SquaredTime { get; init; }

        public StatementCounters ToCounters() => new()
        {
            Key = new StatementKey(QueryId, DatabaseOid, UserOid, TopLevel),
            Calls = Calls,
            TotalTimeMs = TotalTimeMs,
            Rows = Rows,
            SharedBlocksHit = SharedBlocksHit,
            SharedBlocksRead = SharedBlocksRead,
            TempBlocksWritten = TempBlocksWritten,
            BlockTimeMs = BlockTimeMs,
            Since = Since,
            SquaredTime = SquaredTime,
        };
    }

    private sealed class LogPartition
    {
        public string Name { get; init; } = "";
        public long Rows { get; init; }
        public long OldRows { get; init; }
        public bool IsPast { get; init; }

        /// <summary>The start of the partition's week, from its name.</summary>
        public DateTimeOffset Week =>
            DateTimeOffset.ParseExact(Name[^8..], "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

        /// <summary>Whether the partition contains no row to keep.</summary>
        public bool CanGo => IsPast && OldRows == Rows;
    }
}
