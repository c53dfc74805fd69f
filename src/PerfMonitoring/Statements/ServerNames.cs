using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>
/// The databases and roles that a filter names. A filter without matches is silent, unless the server does not have the name.
/// </summary>
internal static class ServerNames
{
    /// <summary>An error for each name (not pattern) that the server does not have.</summary>
    public static async Task<IReadOnlyList<PerfMonitoringException>> GetMissingAsync(
        IMonitoringConnection connection, string[]? databases, string[]? users, CancellationToken cancellationToken)
    {
        var missing = new List<PerfMonitoringException>();
        foreach (var name in await FindAsync(connection, databases, true, cancellationToken))
        {
            missing.Add(new PerfMonitoringException(
                ErrorIds.DatabaseNotFound, FailureKind.NotFound,
                $"-Database '{name}' is no database of the server of {connection.Target}.",
                "Check its name, or use a wildcard.", name));
        }

        foreach (var name in await FindAsync(connection, users, false, cancellationToken))
        {
            missing.Add(new PerfMonitoringException(
                ErrorIds.RoleNotFound, FailureKind.NotFound, $"-User '{name}' is no role of the server of {connection.Target}.",
                "Check its name, or use a wildcard.", name));
        }

        return missing;
    }

    private static async Task<IReadOnlyList<string>> FindAsync(
        IMonitoringConnection connection, string[]? texts, bool areDatabases, CancellationToken cancellationToken)
    {
        string[] names = [.. (NamePattern.Of(texts) ?? []).Where(p => !p.IsPattern).Select(p => p.Name)];
        return names.Length == 0 ? [] : await connection.Queries.GetMissingNamesAsync(names, areDatabases, cancellationToken);
    }
}
