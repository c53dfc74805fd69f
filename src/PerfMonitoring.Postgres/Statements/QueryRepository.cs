using System.Data;
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
        SlowQueryFilter filter, IProgress<string>? warnings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var state = await extension.GetAsync(cancellationToken);
        var reset = (await extension.GetStateAsync(state, cancellationToken)).StatsReset;
        IReadOnlyList<SlowQuery> queries;
        try
        {
            queries = await ReadAsync(roles: null);
        }
        catch (PerfMonitoringException e) when (e.ErrorId == ErrorIds.StatementsUnreadable)
        {
            var (roles, unread) = await extension.GetSeparateRolesAsync(state, filter, cancellationToken);
            if (roles.Length == 0)
            {
                throw;
            }

            queries = await ReadAsync(roles);
            warnings?.Report($"{unread} statement(s) are left out: {e.Message} {e.Remedy}");
        }

        foreach (var query in queries)
        {
            yield return query;
        }

        async Task<IReadOnlyList<SlowQuery>> ReadAsync(string[]? roles)
        {
            var merge = new QueryMerge(filter);
            await foreach (var statement in extension.ReadAsync(
                state, filter, roles, withTexts: true, row => Map(row, reset), cancellationToken))
            {
                merge.Add(statement);
            }

            return merge.Take();
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

    internal static string[]? Regexes(IReadOnlyList<string>? patterns) =>
        patterns is null ? null : [.. patterns.Select(Wildcard.ToRegex)];

    // A pattern without a wildcard matches any part of a text.
    internal static string[]? TextRegexes(IReadOnlyList<string>? patterns) =>
        patterns is null ? null : [.. patterns.Select(p => Wildcard.ToRegex(Wildcard.IsIn(p) ? p : $"*{p}*"))];

    private CountedStatement Map(DbDataReader row, DateTimeOffset? reset)
    {
        var query = row.GetString("query");
        var counted = new SlowQuery
        {
            Query = query,
            QueryHash = QueryText.Hash(QueryText.Normalize(query)),
            QueryId = row.GetInt64("queryid"),
            Calls = row.GetInt64("calls"),
            TotalTimeMs = row.GetDouble("total_exec_time"),
            MeanTimeMs = row.GetDouble("mean_exec_time"),
            MinTimeMs = row.GetDouble("min_exec_time"),
            MaxTimeMs = row.GetDouble("max_exec_time"),
            StddevTimeMs = row.GetDouble("stddev_exec_time"),
            Rows = row.GetInt64("rows"),
            SharedBlocksHit = row.GetInt64("shared_blks_hit"),
            SharedBlocksRead = row.GetInt64("shared_blks_read"),
            TempBlocksWritten = row.GetInt64("temp_blks_written"),
            BlockTimeMs = row.GetFieldValue<double?>("block_time"),
            TopLevel = row.GetFieldValue<bool?>("toplevel"),
            UserName = row.GetValue("user_name") as string,
            DatabaseName = row.GetValue("database_name") as string,
            Since = row.GetFieldValue<DateTimeOffset?>("since") ?? reset,
            Until = row.GetFieldValue<DateTimeOffset>("until"),
            Source = SlowQuerySource.PgStatStatements,
            Target = Target(row.GetValue("database_name") as string, row.GetFieldValue<uint>("dbid")),
        };
        return new CountedStatement(
            counted, row.GetInt64("all_blks"), row.GetBoolean("is_asked_for"), row.GetBoolean("is_left_out"));
    }

    // A statement may belong to another database of the cluster.
    private ServerTarget Target(string? database, uint oid) =>
        oid == target.Target.DatabaseOid || database is null
            ? target.Target : target.Target with { Database = database, DatabaseOid = oid };
}
