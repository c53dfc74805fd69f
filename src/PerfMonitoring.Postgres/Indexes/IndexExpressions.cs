using System.Data;
using Npgsql;
using Npgsql.Schema;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>The server's description of the expressions of an index that does not exist.</summary>
internal static class IndexExpressions
{
    /// <summary>The types of the expressions among the keys, by text, each with its modifier.</summary>
    public static async Task<IReadOnlyDictionary<string, (long Oid, int Modifier)>> DescribeExpressionsAsync(
        Database target, IndexDefinition definition, CancellationToken cancellationToken)
    {
        var expressions = definition.Keys.Select(k => k.Expression).OfType<string>().Distinct().ToList();
        try
        {
            var types = await DescribeAsync(
                target, $"select {string.Join(", ", expressions.Select(e => "(" + e + ")"))} from {definition.Table}",
                cancellationToken);
            return expressions.Zip(types).ToDictionary(p => p.First, p => p.Second);
        }
        catch (PerfMonitoringException e)
            when (e.InnerException is PostgresException server && IsAboutTheDefinition(server.SqlState))
        {
            throw Refused(definition, server.MessageText, e);
        }
    }

    // Describing parses the text and takes the lock of a SELECT. Parsing reads constants, which runs the checks of domains.
    // CREATE INDEX would do the same, and the definition is the user's own. The extended protocol accepts only one statement.
    public static Task<List<(long Oid, int Modifier)>> DescribeAsync(
        Database target, string sql, CancellationToken cancellationToken) => target.InTransactionAsync(
            async (connection, transaction) =>
            {
                await using var command = new NpgsqlCommand(sql, connection, transaction);
                await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly, cancellationToken);
                return reader.GetColumnSchema().Select(c => ((long)c.TypeOID, ModifierOf(c))).ToList();
            },
            cancellationToken);

    // As in pg_attribute.atttypmod, for the types whose length the modifier limits.
    private static int ModifierOf(NpgsqlDbColumn column) => column switch
    {
        { NumericPrecision: { } precision, DataTypeName: "numeric" } => ((precision << 16) | (column.NumericScale ?? 0)) + 4,
        { ColumnSize: > 0 and { } size, DataTypeName: "character varying" or "character" } => size + 4,
        { ColumnSize: > 0 and { } bits, DataTypeName: "bit" or "bit varying" } => bits,
        _ => -1,
    };

    // Syntax and names (42), values (22), features (0A), and errors of HypoPG itself (XX000).
    public static bool IsAboutTheDefinition(string sqlState) =>
        sqlState.StartsWith("42", StringComparison.Ordinal) && sqlState != PostgresErrorCodes.InsufficientPrivilege
        || sqlState[..2] is "22" or "0A" or "XX" or "54";

    public static PerfMonitoringException Refused(IndexDefinition definition, string why, Exception? inner = null) => new(
        ErrorIds.InvalidIndexDefinition, FailureKind.InvalidArgument,
        $"PostgreSQL would not make the index on {definition.Table}: {why}.",
        "Check -Column, -Expression, -Where and -IndexType.", definition.Table.ToString(), inner);
}
