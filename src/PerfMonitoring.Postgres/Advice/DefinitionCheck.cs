using System.Text.RegularExpressions;
using Npgsql;
using PerfMonitoring.Advice;
using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Postgres.Indexes;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Advice;

/// <summary>Checks whether the server would create an index, without creating it.</summary>
internal sealed partial class DefinitionCheck(Database target) : IDefinitionCheck
{
    public async Task CheckAsync(IndexDefinition definition, CancellationToken cancellationToken)
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
                        throw IndexExpressions.IsAboutTheDefinition(refusal.SqlState)
                            ? IndexExpressions.Refused(definition, refusal.Reason(definition))
                            : new PerfMonitoringException(
                                ErrorIds.IndexCheckFailed, FailureKind.ServerError,
                                $"{target.Target}: {refusal.Reason(definition)}.", null, target.Target);
                    }
                }
            }
            else
            {
                await CheckKeysAsync(definition, cancellationToken);
            }
        }
        catch (PerfMonitoringException e)
            when (e.InnerException is PostgresException server && IndexExpressions.IsAboutTheDefinition(server.SqlState))
        {
            throw IndexExpressions.Refused(definition, server.MessageText, e);
        }
    }

    private async Task CheckKeysAsync(IndexDefinition definition, CancellationToken cancellationToken)
    {
        var keys = definition.Keys.Select(k => "(" + (k.Column is null ? k.Expression : Identifier.Quote(k.Column)) + ")");
        var sql = $"select {string.Join(", ", keys)} from {definition.Table}"
            + (definition.Where is null ? "" : $" where ({definition.Where})");
        var types = await IndexExpressions.DescribeAsync(target, sql, cancellationToken);
        var ownClass = definition.Keys.Select(k => k.OperatorClass is null).ToList();
        var missing = await target.QueryAsync<string>(
            Sql.Get("GetTypesWithoutOperatorClass"),
            new { Types = types.Where((_, i) => ownClass[i]).Select(t => t.Oid).ToArray(), definition.Method },
            cancellationToken);
        if (missing.Count > 0)
        {
            throw IndexExpressions.Refused(
                definition, $"type {missing[0]} has no default operator class for access method {definition.Method}");
        }

        var written = string.Join(' ', definition.Keys.Select(k => k.Expression).Append(definition.Where));
        var functions = FunctionCall().Matches(StringLiteral().Replace(written, "''"))
            .Select(m => m.Groups[1].Value.ToLowerInvariant()).Distinct().ToArray();
        var unusable = await target.QueryAsync<string>(
            Sql.Get("GetUnusableFunctions"), new { Names = functions }, cancellationToken);
        if (unusable.Count > 0)
        {
            throw IndexExpressions.Refused(definition, $"function {unusable[0]} is not immutable");
        }
    }

    [GeneratedRegex(@"([\p{L}_][\p{L}\p{N}_$]*)\s*\(")]
    private static partial Regex FunctionCall();

    [GeneratedRegex("'(?:[^']|'')*'")]
    private static partial Regex StringLiteral();
}
