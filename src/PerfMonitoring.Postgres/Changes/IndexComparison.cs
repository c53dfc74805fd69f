using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Changes;

/// <summary>Decides whether an existing index is equivalent to a wanted one.</summary>
internal sealed class IndexComparison(Database target)
{
    public async Task<bool> IsSameAsync(TableIndex existing, IndexDefinition wanted, CancellationToken cancellationToken) =>
        IndexEquality.CouldServe(existing.Definition, wanted)
        && (IndexEquality.IsWrittenAlike(existing.Definition, wanted)
            || await MeanSameAsync(existing, wanted, cancellationToken));

    // Only the server knows the meaning of an expression, a predicate or a default. It creates the index on an empty table with
    // the same columns, and both definitions are compared as the server writes them.
    private Task<bool> MeanSameAsync(TableIndex existing, IndexDefinition wanted, CancellationToken cancellationToken) =>
        target.RunAsync(
            async () =>
            {
                const string Copy = "perf_monitoring_comparison";
                await using var connection = await target.ConnectAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                try
                {
                    await connection.ExecuteAsync(new CommandDefinition(
                        $"create /* perf_monitoring */ temporary table {Copy} (like {wanted.Table}) on commit drop",
                        cancellationToken: cancellationToken));
                    var comparable = IndexEquality.Comparable(wanted, existing.Definition) with {
                        Table = new RelationName("pg_temp", Copy) };
                    await connection.ExecuteAsync(
                        new CommandDefinition(
                            comparable.ToCreateStatement(concurrently: false), cancellationToken: cancellationToken));
                }
                catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
                {
                    // Without the right to create temporary tables, two indexes are equivalent only if their texts are equal.
                    return false;
                }

                var copy = await connection.QuerySingleAsync<uint>(
                    IndexSql.Command("GetTemporaryIndex", new { TableName = Copy }, cancellationToken));
                var wantedBody = await connection.QuerySingleAsync<string>(
                    IndexSql.Command("GetIndexBody", new { Oid = (long)copy }, cancellationToken));
                var existingBody = await connection.QuerySingleOrDefaultAsync<string>(
                    IndexSql.Command("GetIndexBody", new { Oid = (long)existing.Oid }, cancellationToken));
                return wantedBody == existingBody;
            },
            cancellationToken);
}
