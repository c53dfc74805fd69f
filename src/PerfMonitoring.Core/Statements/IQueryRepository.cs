using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>The statements that pg_stat_statements knows.</summary>
public interface IQueryRepository
{
    /// <summary>
    /// Statements and what they cost, in the order asked for. The product's own and utility statements are left out.
    /// </summary>
    /// <exception cref="PerfMonitoringException">ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld,
    /// PermissionDenied.</exception>
    IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(SlowQueryFilter filter, CancellationToken cancellationToken);

    /// <summary>How many statements of other roles, among the databases and users asked for, this role may not read.</summary>
    /// <exception cref="PerfMonitoringException">As <see cref="GetSlowQueriesAsync"/>.</exception>
    Task<long> CountHiddenAsync(SlowQueryFilter filter, CancellationToken cancellationToken);

    /// <summary>Which of these names no database, or no role, of the server has.</summary>
    /// <param name="names">Names, not patterns.</param>
    /// <param name="areDatabases">Whether they are names of databases; else of roles.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task<IReadOnlyList<string>> GetMissingNamesAsync(
        IReadOnlyList<string> names, bool areDatabases, CancellationToken cancellationToken);
}
