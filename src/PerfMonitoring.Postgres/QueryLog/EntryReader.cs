using System.Data.Common;
using PerfMonitoring.QueryLog;

namespace PerfMonitoring.Postgres.QueryLog;

/// <summary>Reads the log's rows into objects. A repeated text is kept once.</summary>
internal sealed class EntryReader
{
    // Enough for the statements of a busy server. Further texts are not kept, so memory use is limited.
    private const int Most = 2000;

    private readonly Dictionary<string, (string Hash, string Pattern)> texts = new(StringComparer.Ordinal);
    private string lastUser = "";
    private string? lastContext;

    public QueryPerformanceEntry Read(DbDataReader row)
    {
        var (hash, pattern) = Text(row.GetString(1), row);
        return new QueryPerformanceEntry
        {
            Id = row.GetGuid(0),
            QueryHash = hash,
            Query = pattern,
            ExecutionTimeMs = row.GetDouble(3),
            RowsExamined = row.IsDBNull(4) ? null : row.GetInt64(4),
            RowsExaminedIsEstimate = row.IsDBNull(5) ? null : row.GetBoolean(5),
            RowsReturned = row.GetInt64(6),
            IndexesUsed = row.IsDBNull(7) ? null : row.GetString(7),
            ExecutionPlan = row.IsDBNull(8) ? null : row.GetString(8),
            UsedIndex = row.IsDBNull(9) ? null : row.GetBoolean(9),
            IsSlowQuery = row.GetBoolean(10),
            SlowQueryThresholdMs = row.GetDouble(11),
            DatabaseUser = lastUser = Same(row.GetString(12), lastUser),
            ApplicationContext = lastContext = row.IsDBNull(13) ? null : Same(row.GetString(13), lastContext),
            ExecutedAt = row.GetFieldValue<DateTimeOffset>(14),
            QueryId = row.IsDBNull(15) ? null : row.GetInt64(15),
            Calls = row.IsDBNull(16) ? null : row.GetInt64(16),
            TotalTimeMs = row.IsDBNull(17) ? null : row.GetDouble(17),
            IntervalStart = row.IsDBNull(18) ? null : row.GetFieldValue<DateTimeOffset>(18),
        };
    }

    // The hash covers the whole text, so each hash has one pattern.
    private (string Hash, string Pattern) Text(string hash, DbDataReader row)
    {
        if (texts.TryGetValue(hash, out var known))
        {
            return known;
        }

        var text = (hash, row.GetString(2));
        if (texts.Count < Most)
        {
            texts.Add(hash, text);
        }

        return text;
    }

    private static string Same(string value, string? last) => value == last ? last : value;
}
