using System.Text.RegularExpressions;
using PerfMonitoring.Common;
using PerfMonitoring.Postgres.Sessions;

namespace PerfMonitoring.Postgres.Store;

/// <summary>
/// Checks that our migrations created the store, and who owns it. A foreign table may have a trigger, a rule, a default, or be a
/// view; its code would run with the rights of everybody who uses the store.
/// </summary>
internal static partial class StoreTrust
{
    private const int Named = 3;

    private static readonly string All = string.Join('\n', StoreRepository.AllMigrations.Select(m => m.Sql));

    private static readonly string[] Tables = [
        .. TableName().Matches(All).Select(m => m.Groups["name"].Value).Append(StoreRepository.Journal)];
    private static readonly string[] Types = [.. TypeName().Matches(All).Select(m => m.Groups["name"].Value)];

    // Every definition of each migration. A store of an earlier version has an earlier definition until it is upgraded.
    private static readonly Match[] Functions = Function().Matches(All).ToArray();

    /// <summary>Checks the catalog. Returns false if there is no store.</summary>
    /// <exception cref="PerfMonitoringException">StoreNotTrusted.</exception>
    public static async Task<bool> CheckAsync(Database database, CancellationToken cancellationToken)
    {
        var rows = await database.QueryAsync<Finding>(
            Sql.Get("GetUntrusted"),
            new
            {
                Tables,
                Types,
                Functions = Functions.Select(f => f.Groups["name"].Value).ToArray(),
                Bodies = Functions.Select(f => f.Groups["body"].Value).ToArray(),
                Definers = Functions.Select(f => f.Groups["head"].Value.Contains("security definer", StringComparison.Ordinal))
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
                ? "move the schema away (alter schema perf_monitoring rename to ...) and run Initialize-PerfMonitoringStore."
                : $"run: {statements}"),
            database.Target);
    }

    [GeneratedRegex("""^create table perf_monitoring\."?(?<name>\w+)""", RegexOptions.Multiline)]
    private static partial Regex TableName();

    [GeneratedRegex(@"^create type perf_monitoring\.(?<name>\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeName();

    [GeneratedRegex(
        @"^create (or replace )?function perf_monitoring\.(?<name>\w+)(?<head>[^$]*)\$\$(?<body>.*?)\$\$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Function();

    private sealed class Finding
    {
        public string What { get; init; } = "";
        public string? Remedy { get; init; }
    }
}
