using PerfMonitoring.Common;
using PerfMonitoring.Sessions;

namespace PerfMonitoring.Postgres.Sessions;

/// <summary>Finds the databases of a server.</summary>
internal static class DatabaseFinder
{
    // As psql -l does. A service may have dropped or closed postgres; template1 is needed to create databases.
    private static readonly string[] Usual = ["postgres", "template1"];

    public static async Task<IReadOnlyList<string>> FindAsync(
        ConnectionSettings server, IReadOnlyList<string> patterns, CancellationToken cancellationToken)
    {
        var own = ConnectionStrings.DatabaseOf(server, LibpqEnvironment.OfProcess);
        PerfMonitoringException? first = null;
        foreach (var name in Usual.Prepend(own).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            try
            {
                await using var database = await Database.OpenAsync(server with { Database = name }, cancellationToken);
                return await FindAsync(database, patterns, cancellationToken);
            }
            catch (PerfMonitoringException e) when (IsOfDatabase(e))
            {
                first ??= e;
            }
        }

        throw first!;
    }

    /// <summary>The databases of a connected server.</summary>
    public static Task<IReadOnlyList<string>> FindAsync(
        Database database, IReadOnlyList<string> patterns, CancellationToken cancellationToken) =>
        database.QueryAsync<string>(
            Sql.Get("FindDatabases"), new { Patterns = patterns.Select(Wildcard.ToRegex).ToArray() }, cancellationToken);

    // The login was good, or pg_hba.conf closes this database.
    private static bool IsOfDatabase(PerfMonitoringException e) =>
        e.ErrorId is ErrorIds.DatabaseNotFound or ErrorIds.PermissionDenied
            || e is { ErrorId: ErrorIds.AuthenticationFailed, InnerException: Npgsql.PostgresException { SqlState: "28000" } };
}
