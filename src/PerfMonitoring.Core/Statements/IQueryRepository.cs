using PerfMonitoring.Common;

namespace PerfMonitoring.Statements;

/// <summary>The statements in pg_stat_statements.</summary>
public interface IQueryRepository
{
    /// <summary>
    /// Queries and their costs, in the order of the filter. Statements of the module and utility statements are left out.
    /// </summary>
    /// <param name="filter">Selects the queries.</param>
    /// <param name="warnings">Receives what the result lacks, as a sentence; may be null.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">ExtensionMissing, ExtensionNotLoaded, ExtensionTooOld, StatementsUnreadable,
    /// PermissionDenied.</exception>
    IAsyncEnumerable<SlowQuery> GetSlowQueriesAsync(
        SlowQueryFilter filter, IProgress<string>? warnings, CancellationToken cancellationToken);

    /// <summary>
    /// Number of statements of other roles, within the databases and users of the filter, that this role may not read.
    /// </summary>
    /// <exception cref="PerfMonitoringException">As <see cref="GetSlowQueriesAsync"/>.</exception>
    Task<long> CountHiddenAsync(SlowQueryFilter filter, CancellationToken cancellationToken);

    /// <summary>The names that no database, or no role, of the server has.</summary>
    /// <param name="names">Literal names, not patterns.</param>
    /// <param name="areDatabases">Whether the names are databases; else they are roles.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    Task<IReadOnlyList<string>> GetMissingNamesAsync(
        IReadOnlyList<string> names, bool areDatabases, CancellationToken cancellationToken);
}
