using System.Data.Common;
using System.Runtime.CompilerServices;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Statements;

/// <summary>The statements of pg_stat_statements.</summary>
internal sealed class QueryRepository(Database target) : IQueryRepository
{
    private readonly StatementsExtension extension = new(target);

    public async IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(
        SlowQueryFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var state = await extension.GetAsync(cancellationToken);
        var reset = (await extension.GetStateAsync(state, cancellationToken)).StatsReset;
        var rows = target.StreamAsync(
            StatementsExtension.Statement(state, "GetSlowQueries"),
            Parameters(filter, withTexts: true),
            row => Map(row, reset),
            cancellationToken);
        await foreach (var query in rows)
        {
            yield return query;
        }
    }

    public async Task<long> CountHiddenAsync(SlowQueryFilter filter, CancellationToken cancellationToken)
    {
        var state = await extension.GetAsync(cancellationToken);
        return state.ReadsAll
            ? 0
            : await target.QuerySingleOrDefaultAsync<long>(
                StatementsExtension.Statement(state, "CountHidden"),
                new { Databases = Regexes(filter.Databases), Users = Regexes(filter.Users) },
                cancellationToken);
    }

    public Task<IReadOnlyList<string>> GetMissingNamesAsync(
        IReadOnlyList<string> names, bool areDatabases, CancellationToken cancellationToken) =>
        target.QueryAsync<string>(
            Sql.Get("GetMissingNames"),
            new { Names = names.ToArray(), AreDatabases = areDatabases },
            cancellationToken);

    internal static object Parameters(SlowQueryFilter filter, bool withTexts) => new
    {
        WithText = withTexts,
        Databases = Regexes(filter.Databases),
        Users = Regexes(filter.Users),
        filter.MinimumMeanMs,
        filter.MinimumCalls,
        Like = TextRegexes(filter.Like),
        ExcludeLike = TextRegexes(filter.ExcludeLike),
        OrderBy = filter.OrderBy.ToString(),
        filter.Top,
    };

    internal static string[]? Regexes(IReadOnlyList<string>? patterns) =>
        patterns is null ? null : [.. patterns.Select(Wildcard.ToRegex)];

    // A pattern without a wildcard matches any part of a text.
    internal static string[]? TextRegexes(IReadOnlyList<string>? patterns) =>
        patterns is null ? null : [.. patterns.Select(p => Wildcard.ToRegex(Wildcard.IsIn(p) ? p : $"*{p}*"))];

    private SlowQuery Map(DbDataReader row, DateTimeOffset? reset)
    {
        var query = row.GetString(0);
        return new SlowQuery
        {
            Query = query,
            QueryHash = QueryText.Hash(QueryText.Normalize(query)),
            QueryId = row.GetInt64(1),
            Calls = row.GetInt64(2),
            TotalTimeMs = row.GetDouble(3),
            MeanTimeMs = row.GetDouble(4),
            MinTimeMs = row.GetDouble(5),
            MaxTimeMs = row.GetDouble(6),
            StddevTimeMs = row.GetDouble(7),
            TimeShare = row.IsDBNull(8) ? null : row.GetDouble(8),
            Rows = row.GetInt64(9),
            SharedBlocksHit = row.GetInt64(10),
            SharedBlocksRead = row.GetInt64(11),
            TempBlocksWritten = row.GetInt64(12),
            BlockTimeMs = row.IsDBNull(13) ? null : row.GetDouble(13),
            TopLevel = row.IsDBNull(14) ? null : row.GetBoolean(14),
            UserName = row.IsDBNull(15) ? null : row.GetString(15),
            DatabaseName = row.IsDBNull(16) ? null : row.GetString(16),
            Since = row.IsDBNull(17) ? reset : row.GetFieldValue<DateTimeOffset>(17),
            Until = row.GetFieldValue<DateTimeOffset>(18),
            Source = SlowQuerySource.PgStatStatements,
            Target = Target(row.IsDBNull(16) ? null : row.GetString(16), row.GetFieldValue<uint>(20)),
        };
    }

    // A statement may belong to another database of the cluster.
    private ServerTarget Target(string? database, uint oid) =>
        oid == target.Target.DatabaseOid || database is null
            ? target.Target : target.Target with { Database = database, DatabaseOid = oid };
}
