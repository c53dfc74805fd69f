using System.Data;
using System.Data.Common;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;
using PerfMonitoring.Statements;

namespace PerfMonitoring.Postgres.Statements;

/// <summary>One statement of the monitored database, with its counters and its text.</summary>
internal sealed record Statement(StatementCounters Counters, string Query, string UserName);

/// <summary>All statements of the monitored database at one time.</summary>
internal sealed record StatementReading(StatementsState State, bool OfAllRoles, IReadOnlyList<Statement> Statements)
{
    // A reset between the two readings of the state would give the counters a wrong start time, so the reading is repeated.
    private const int Attempts = 5;

    /// <summary>Reads the statements.</summary>
    /// <param name="target">The monitored database.</param>
    /// <param name="withTexts">Whether the texts are read; without it they are empty.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld,
    /// StatementsUnreadable.</exception>
    public static async Task<StatementReading> TakeAsync(Database target, bool withTexts, CancellationToken cancellationToken)
    {
        var extension = new StatementsExtension(target);
        var found = await extension.GetAsync(cancellationToken);
        for (var attempt = 1; ; attempt++)
        {
            var before = await extension.GetStateAsync(found, cancellationToken);
            var statements = new List<Statement>();
            await foreach (var statement in extension.ReadAsync(
                found, new SlowQueryFilter(), roles: null, withTexts, Map, cancellationToken))
            {
                statements.Add(statement);
            }

            // The later state is used, because every counted execution happened before it.
            var after = await extension.GetStateAsync(found, cancellationToken);
            if (before.StatsReset == after.StatsReset || attempt == Attempts)
            {
                return new StatementReading(after, found.ReadsAll, statements);
            }
        }
    }

    private static Statement Map(DbDataReader row) => new(
        new StatementCounters
        {
            Key = new StatementKey(
                row.GetInt64("queryid"), row.GetFieldValue<uint>("dbid"), row.GetFieldValue<uint>("userid"),
                row.GetFieldValue<bool?>("toplevel") ?? true),
            Calls = row.GetInt64("calls"),
            TotalTimeMs = row.GetDouble("total_exec_time"),
            // pg_stat_statements stores the standard deviation of the population.
            SquaredTime = row.GetInt64("calls")
                * (Math.Pow(row.GetDouble("mean_exec_time"), 2) + Math.Pow(row.GetDouble("stddev_exec_time"), 2)),
            Rows = row.GetInt64("rows"),
            SharedBlocksHit = row.GetInt64("shared_blks_hit"),
            SharedBlocksRead = row.GetInt64("shared_blks_read"),
            TempBlocksWritten = row.GetInt64("temp_blks_written"),
            BlockTimeMs = row.GetFieldValue<double?>("block_time"),
            Since = row.GetFieldValue<DateTimeOffset?>("since"),
        },
        row.GetString("query"),
        // A dropped role has no name.
        row.GetValue("user_name") as string ?? $"unknown (OID={row.GetFieldValue<uint>("userid")})");
}
