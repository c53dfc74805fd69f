using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// Checks that our migrations created a schema of the store, and who owns it. A foreign table may have a trigger, a rule, a
/// default, or be a view; its code would run with the rights of everybody who uses the store.
/// </summary>
internal static class StoreTrust
{
    private const int Named = 3;

    private static readonly MigrationScripts[] Sets = [MigrationScripts.Data, MigrationScripts.Registry];

    /// <summary>Checks the catalog. Returns false if there is no such schema.</summary>
    /// <exception cref="PerfMonitoringException">StoreNotTrusted.</exception>
    public static async Task<bool> CheckAsync(Database database, string schema, CancellationToken cancellationToken)
    {
        var functions = Sets.SelectMany(s => s.Functions).ToList();
        var rows = await database.QueryAsync<Finding>(
            Sql.Get("GetUntrusted"),
            new
            {
                SchemaName = schema,
                Tables = Sets.SelectMany(s => s.Tables).ToArray(),
                Types = Sets.SelectMany(s => s.Types).ToArray(),
                Functions = functions.Select(f => f.Groups["name"].Value).ToArray(),
                Bodies = functions.Select(f => Sql.InSchema(f.Groups["body"].Value, schema)).ToArray(),
                Definers = functions.Select(f => f.Groups["head"].Value.Contains("security definer", StringComparison.Ordinal))
                    .ToArray(),
            },
            cancellationToken);
        var findings = rows.Where(r => r.What.Length > 0).ToList();
        if (findings.Count == 0)
        {
            return rows.Count > 0;
        }

        var more = findings.Count > Named ? $" and {findings.Count - Named} more" : "";
        var statements = string.Join(' ', findings.Select(f => f.Remedy).OfType<string>());
        throw new PerfMonitoringException(
            ErrorIds.StoreNotTrusted, FailureKind.Security,
            $"The store in {database.Target} could run the code of others with the rights of {database.UserName}, so it is "
                + $"not used: "
            + $"{string.Join("; ", findings.Take(Named).Select(f => f.What))}{more}.",
            "Connect to the store as a role without more rights than its owner (Connect-PerfMonitoring -StoreCredential). Or "
                + "find out who made it so, then "
            + (findings.Any(f => f.Remedy is null)
                ? $"move the schema away (alter schema {schema} rename to ...) and run Initialize-PerfMonitoringStore."
                : $"run: {statements}"),
            database.Target);
    }

    private sealed class Finding
    {
        public string What { get; init; } = "";
        public string? Remedy { get; init; }
    }
}
