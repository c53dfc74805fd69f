using System.Data.Common;
using PerfMonitoring.QueryLog;

namespace PerfMonitoring.Postgres.QueryLog;

/// <summary>Reads the rows of one result of the log into objects. A repeated text is kept once.</summary>
internal sealed class EntryReader(DbDataReader row)
{
    // Enough for the statements of a busy server. Further texts are not kept, so memory use is limited.
    private const int Most = 2000;

    // The names are looked up once per result. A look-up in each row would add about a tenth to the time of a long result.
    private readonly int
        id = row.GetOrdinal("id"),
        queryHash = row.GetOrdinal("query_hash"),
        query = row.GetOrdinal("query_pattern"),
        executionTimeMs = row.GetOrdinal("execution_time_ms"),
        rowsExamined = row.GetOrdinal("rows_examined"),
        rowsExaminedIsEstimate = row.GetOrdinal("rows_examined_is_estimate"),
        rowsReturned = row.GetOrdinal("rows_returned"),
        indexesUsed = row.GetOrdinal("indexes_used"),
        executionPlan = row.GetOrdinal("execution_plan"),
        usedIndex = row.GetOrdinal("used_index"),
        isSlowQuery = row.GetOrdinal("is_slow_query"),
        slowQueryThresholdMs = row.GetOrdinal("slow_query_threshold_ms"),
        databaseUser = row.GetOrdinal("database_user"),
        applicationContext = row.GetOrdinal("application_context"),
        executedAt = row.GetOrdinal("executed_at"),
        queryId = row.GetOrdinal("queryid"),
        calls = row.GetOrdinal("calls"),
        totalTimeMs = row.GetOrdinal("total_time_ms"),
        intervalStart = row.GetOrdinal("interval_start");

    private readonly Dictionary<string, (string Hash, string Pattern)> texts = new(StringComparer.Ordinal);
    private string lastUser = "";
    private string? lastContext;

    public QueryPerformanceEntry Read()
    {
        var (hash, pattern) = Text(row.GetString(queryHash));
        return new QueryPerformanceEntry
        {
            Id = row.GetGuid(id),
            QueryHash = hash,
            Query = pattern,
            ExecutionTimeMs = row.GetDouble(executionTimeMs),
            RowsExamined = row.GetFieldValue<long?>(rowsExamined),
            RowsExaminedIsEstimate = row.GetFieldValue<bool?>(rowsExaminedIsEstimate),
            RowsReturned = row.GetInt64(rowsReturned),
            IndexesUsed = row.IsDBNull(indexesUsed) ? null : row.GetString(indexesUsed),
            ExecutionPlan = row.IsDBNull(executionPlan) ? null : row.GetString(executionPlan),
            UsedIndex = row.GetFieldValue<bool?>(usedIndex),
            IsSlowQuery = row.GetBoolean(isSlowQuery),
            SlowQueryThresholdMs = row.GetDouble(slowQueryThresholdMs),
            DatabaseUser = lastUser = Same(row.GetString(databaseUser), lastUser),
            ApplicationContext = lastContext = row.IsDBNull(applicationContext)
                ? null : Same(row.GetString(applicationContext), lastContext),
            ExecutedAt = row.GetFieldValue<DateTimeOffset>(executedAt),
            QueryId = row.GetFieldValue<long?>(queryId),
            Calls = row.GetFieldValue<long?>(calls),
            TotalTimeMs = row.GetFieldValue<double?>(totalTimeMs),
            IntervalStart = row.GetFieldValue<DateTimeOffset?>(intervalStart),
        };
    }

    // The hash covers the whole text, so each hash has one pattern.
    private (string Hash, string Pattern) Text(string hash)
    {
        if (texts.TryGetValue(hash, out var known))
        {
            return known;
        }

        var text = (hash, row.GetString(query));
        if (texts.Count < Most)
        {
            texts.Add(hash, text);
        }

        return text;
    }

    private static string Same(string value, string? last) => value == last ? last : value;
}
