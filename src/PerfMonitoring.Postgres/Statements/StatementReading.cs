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
    /// <exception cref="PerfMonitoringException">ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld.</exception>
    public static async Task<StatementReading> TakeAsync(Database target, bool withTexts, CancellationToken cancellationToken)
    {
        var extension = new StatementsExtension(target);
        var found = await extension.GetAsync(cancellationToken);
        for (var attempt = 1; ; attempt++)
        {
            var before = await extension.GetStateAsync(found, cancellationToken);
            var statements = new List<Statement>();
            var rows = target.StreamAsync(
                StatementsExtension.Statement(found, "GetSlowQueries"),
                QueryRepository.Parameters(new SlowQueryFilter(), withTexts),
                Map,
                cancellationToken);
            await foreach (var statement in rows)
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
                row.GetInt64(1), row.GetFieldValue<uint>(20), row.GetFieldValue<uint>(19),
                row.IsDBNull(14) || row.GetBoolean(14)),
            Calls = row.GetInt64(2),
            TotalTimeMs = row.GetDouble(3),
            // pg_stat_statements stores the standard deviation of the population.
            SquaredTime = row.GetInt64(2) * ((row.GetDouble(4) * row.GetDouble(4)) + (row.GetDouble(7) * row.GetDouble(7))),
            Rows = row.GetInt64(9),
            SharedBlocksHit = row.GetInt64(10),
            SharedBlocksRead = row.GetInt64(11),
            TempBlocksWritten = row.GetInt64(12),
            BlockTimeMs = row.IsDBNull(13) ? null : row.GetDouble(13),
            Since = row.IsDBNull(17) ? null : row.GetFieldValue<DateTimeOffset>(17),
        },
        row.GetString(0),
        // A dropped role has no name.
        row.IsDBNull(15) ? $"unknown (OID={row.GetFieldValue<uint>(19)})" : row.GetString(15));
}
