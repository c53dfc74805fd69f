using Dapper;
using Npgsql;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Indexes;

/// <summary>
/// Rewrites the definition of an index. The result means the same on our connections, which know only the system's names, as the
/// definition means to the user. If a schema of the user's path also has one of the names, the server parses the text with that
/// path, as a constraint of an empty temporary table in one transaction, and writes it out without the path. A constraint is only
/// parsed; no part of it runs.
/// </summary>
/// <remarks> The path leaves out a schema if such a name in it belongs to somebody who is neither a superuser, nor the table's
/// owner, nor the role itself. The reason is that an index's expression runs with the rights of everybody who writes to the
/// table.
/// </remarks>
internal sealed class DefinitionNames(Database target)
{
    private const string Copy = "perf_monitoring_names";

    public async Task<ResolvedDefinition> ResolveAsync(IndexDefinition definition, CancellationToken cancellationToken)
    {
        var texts = definition.Keys.Select(k => k.Expression).Append(definition.Where).OfType<string>().Distinct().ToList();
        if (texts.Count == 0 && definition.Keys.All(k => k.OperatorClass is null))
        {
            return new ResolvedDefinition(definition, null);
        }

        var schemas = await target.GetUserSchemasAsync(cancellationToken);
        var keys = new List<IndexKey>();
        foreach (var key in definition.Keys)
        {
            keys.Add(await WithSchemaAsync(key, definition.Method, schemas, cancellationToken));
        }

        definition = definition with { Keys = keys };
        if (texts.Count == 0)
        {
            return new ResolvedDefinition(definition, null);
        }

        var objects = await FindAsync(
            [.. texts.SelectMany(NamesInSql.Find).Distinct()], schemas, definition.Table, cancellationToken);
        var unsafeOnes = objects.Where(o => !o.IsTrusted).ToList();
        var path = schemas.Where(
            s => s != "pg_catalog" && objects.Any(o => !o.IsExplicit && o.SchemaName == s)
            && !unsafeOnes.Exists(o => !o.IsExplicit && o.SchemaName == s)).ToList();
        // A qualified name means its schema. An unqualified name means the object in the system's schema or in a trusted schema.
        var distrusted = unsafeOnes.Find(
            o => o.IsExplicit
            || (o.Kind == nameof(SqlNameKind.Function) && !o.IsBuiltIn && !objects.Any(t => t.IsTrusted && t.Name == o.Name)));
        if (path.Count > 0 && await ReadAsync(texts, definition.Table, path, cancellationToken) is { } resolved)
        {
            var written = texts.Zip(resolved).ToDictionary(t => t.First, t => t.Second);
            definition = definition with
            {
                Keys = [.. definition.Keys.Select(
                    k => k.Expression is { } expression ? k with { Expression = written[expression] } : k)],
                Where = definition.Where is { } where ? written[where] : null,
            };
        }

        return new ResolvedDefinition(
            definition,
            distrusted is null
                ? null : $"{distrusted.Kind.ToLowerInvariant()} {Identifier.Quote(distrusted.SchemaName)}.{distrusted.Name} "
                    + $"of role {distrusted.Owner}");
    }

    private async Task<IndexKey> WithSchemaAsync(
        IndexKey key, string method, string[] schemas, CancellationToken cancellationToken)
    {
        var name = key.OperatorClass?.Split(' ')[0];
        if (name is null || name.Contains('.', StringComparison.Ordinal))
        {
            return key;
        }

        var found = await target.QueryAsync<string>(
            Sql.Get("GetOperatorClassSchemas"), new { Name = name.Trim('"'), Method = method }, cancellationToken);
        return found.Contains("pg_catalog") || schemas.FirstOrDefault(found.Contains) is not { } schema
            ? key : key with { OperatorClass = $"{Identifier.Quote(schema)}.{key.OperatorClass}" };
    }

    private Task<IReadOnlyList<ObjectRow>> FindAsync(
        List<SqlName> names, string[] schemas, RelationName table, CancellationToken cancellationToken) =>
        target.QueryAsync<ObjectRow>(
            Sql.Get("GetNamedObjects"),
            new
            {
                Kinds = names.Select(n => n.Kind.ToString()).ToArray(),
                SchemaNames = names.Select(n => n.Schema).ToArray(),
                Names = names.Select(n => n.Name).ToArray(),
                Schemas = schemas,
                TableName = table.ToString(),
            },
            cancellationToken);

    // Null if the role may not create a temporary table, the server takes no writes, or the text cannot be read. The check of the
    // definition then reports the error.
    private async Task<List<string>?> ReadAsync(
        List<string> texts, RelationName table, List<string> path, CancellationToken cancellationToken)
    {
        try
        {
            return await target.InTransactionAsync(
                async (connection, transaction) =>
                {
                    await ExecuteAsync($"create {Sql.Marker} temporary table {Copy} (like {table}) on commit drop");
                    await SetPathAsync(string.Join(", ", path.Select(Identifier.Quote)));
                    for (var i = 0; i < texts.Count; i++)
                    {
                        // IS NULL works with any type. The constraint is not valid, so the server does not check rows; the table
                        // has none.
                        await ExecuteAsync(
                            $"alter {Sql.Marker} table pg_temp.{Copy} add constraint perf_monitoring_{i} check "
                                + $"((({texts[i]})) is null) not valid");
                    }

                    await SetPathAsync(SessionSettings.SearchPath);
                    var read = await connection.QueryAsync<string>(
                        new CommandDefinition(
                            Sql.Get("GetResolved"), new { TableName = "pg_temp." + Copy }, transaction,
                            cancellationToken: cancellationToken));
                    return read.Select(WithoutTest).ToList();

                    Task SetPathAsync(string value) => connection.ExecuteAsync(new CommandDefinition(
                        Sql.Get("SetSearchPath"), new { SearchPath = value },
                        transaction, cancellationToken: cancellationToken));

                    Task ExecuteAsync(string sql) =>
                        connection.ExecuteAsync(
                            new CommandDefinition(sql, transaction: transaction, cancellationToken: cancellationToken));
                },
                cancellationToken);
        }
        catch (PerfMonitoringException e) when (e.InnerException is PostgresException { SqlState: [_, _, ..] state }
            && (state[..2] is "42" or "22" or "0A" || state is PostgresErrorCodes.ReadOnlySqlTransaction))
        {
            return null;
        }
    }

    private static string WithoutTest(string test)
    {
        const string Test = " IS NULL";
        var text = SqlFragment.Unwrap(test);
        return SqlFragment.Unwrap(text[..^Test.Length]);
    }


    private sealed class ObjectRow
    {
        public string Kind { get; init; } = "";
        public string SchemaName { get; init; } = "";
        public string Name { get; init; } = "";
        public bool IsExplicit { get; init; }
        public bool IsBuiltIn { get; init; }
        public string Owner { get; init; } = "";
        public bool IsTrusted { get; init; }
    }
}
