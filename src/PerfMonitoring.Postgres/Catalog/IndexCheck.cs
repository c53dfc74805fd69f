using System.Data;
using System.Text.RegularExpressions;
using Npgsql;
using Npgsql.Schema;
using PerfMonitoring.Indexes;
using PerfMonitoring.Model;
using PerfMonitoring.Postgres.Advisor;
using PerfMonitoring.Postgres.Connections;

namespace PerfMonitoring.Postgres.Catalog;

/// <summary>Whether the server would make an index, found out without making it.</summary>
internal static partial class IndexCheck
{
    public static async Task RunAsync(Database target, IndexDefinition definition, CancellationToken cancellationToken)
    {
        try
        {
            if (definition.Method is "btree" or "hash" or "brin"
                && await HypoPg.TryOpenAsync(target, TimeSpan.FromSeconds(30), cancellationToken) is { } hypothetical)
            {
                await using (hypothetical)
                {
                    if (await hypothetical.TryCreateAsync(definition, cancellationToken) is { } refusal)
                    {
                        throw IsAboutTheDefinition(refusal.SqlState)
                            ? Refused(definition, refusal.Reason(definition))
                            : new PerfMonitoringException(
                                ErrorIds.IndexCheckFailed, FailureKind.ServerError,
                                $"{target.Target}: {refusal.Reason(definition)}.", null, target.Target);
                    }
                }
            }
            else
            {
                await CheckKeysAsync(target, definition, cancellationToken);
            }
        }
        catch (PerfMonitoringException e)
            when (e.InnerException is PostgresException server && IsAboutTheDefinition(server.SqlState))
        {
            throw Refused(definition, server.MessageText, e);
        }
    }

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

    // Describing parses the text and takes the lock of a SELECT. Parsing reads constants, which runs the checks of domains, as
    // CREATE INDEX would: the definition is the user's own. The extended protocol takes one statement only.
    private static Task<List<(long Oid, int Modifier)>> DescribeAsync(
        Database target, string sql, CancellationToken cancellationToken) => target.InTransactionAsync(
        async (connection, transaction) =>
        {
            await using var command = new NpgsqlCommand(sql, connection, transaction);
            await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly, cancellationToken);
            return reader.GetColumnSchema().Select(c => ((long)c.TypeOID, ModifierOf(c))).ToList();
        },
        cancellationToken);

    // As in pg_attribute.atttypmod, of the types whose length it bounds.
    private static int ModifierOf(NpgsqlDbColumn column) => column switch
    {
        { NumericPrecision: { } precision, DataTypeName: "numeric" } => ((precision << 16) | (column.NumericScale ?? 0)) + 4,
        { ColumnSize: > 0 and { } size, DataTypeName: "character varying" or "character" } => size + 4,
        { ColumnSize: > 0 and { } bits, DataTypeName: "bit" or "bit varying" } => bits,
        _ => -1,
    };

    private static async Task CheckKeysAsync(Database target, IndexDefinition definition, CancellationToken cancellationToken)
    {
        var keys = definition.Keys.Select(k => "(" + (k.Column is null ? k.Expression : Identifier.Quote(k.Column)) + ")");
        var sql = $"select {string.Join(", ", keys)} from {definition.Table}"
            + (definition.Where is null ? "" : $" where ({definition.Where})");
        var types = await DescribeAsync(target, sql, cancellationToken);
        var version = target.Target.ServerVersionNumber;
        var ownClass = definition.Keys.Select(k => k.OperatorClass is null).ToList();
        var missing = await target.QueryAsync<string>(
            Sql.Get(typeof(IndexCheck), "GetTypesWithoutOperatorClass", version),
            new { Types = types.Where((_, i) => ownClass[i]).Select(t => t.Oid).ToArray(), definition.Method },
            cancellationToken);
        if (missing.Count > 0)
        {
            throw Refused(definition, $"type {missing[0]} has no default operator class for access method {definition.Method}");
        }

        var written = string.Join(' ', definition.Keys.Select(k => k.Expression).Append(definition.Where));
        var functions = FunctionCall().Matches(StringLiteral().Replace(written, "''"))
            .Select(m => m.Groups[1].Value.ToLowerInvariant()).Distinct().ToArray();
        var unusable = await target.QueryAsync<string>(
            Sql.Get(typeof(IndexCheck), "GetUnusableFunctions", version), new { Names = functions }, cancellationToken);
        if (unusable.Count > 0)
        {
            throw Refused(definition, $"function {unusable[0]} is not immutable");
        }
    }

    // Syntax and names (42), values (22), features (0A), and what HypoPG raises itself (XX000).
    private static bool IsAboutTheDefinition(string sqlState) =>
        sqlState.StartsWith("42", StringComparison.Ordinal) && sqlState != PostgresErrorCodes.InsufficientPrivilege
        || sqlState[..2] is "22" or "0A" or "XX" or "54";

    private static PerfMonitoringException Refused(IndexDefinition definition, string why, Exception? inner = null) => new(
        ErrorIds.InvalidIndexDefinition, FailureKind.InvalidArgument,
        $"PostgreSQL would not make the index on {definition.Table}: {why}.",
        "Check -Column, -Expression, -Where and -IndexType.", definition.Table.ToString(), inner);

    [GeneratedRegex(@"([\p{L}_][\p{L}\p{N}_$]*)\s*\(")]
    private static partial Regex FunctionCall();

    [GeneratedRegex("'(?:[^']|'')*'")]
    private static partial Regex StringLiteral();
}
