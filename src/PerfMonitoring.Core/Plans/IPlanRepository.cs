using PerfMonitoring.Common;

namespace PerfMonitoring.Plans;

/// <summary>Plans of statements, without execution.</summary>
public interface IPlanRepository
{
    /// <summary>
    /// The generic plan of one SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES, with or without parameters ($1), as the server
    /// writes it: EXPLAIN (FORMAT JSON, VERBOSE). The text may come from pg_stat_statements: forms such as "interval $1" are
    /// repaired first. Nothing is executed: EXPLAIN runs in a read-only transaction that is rolled back.
    /// </summary>
    /// <exception cref="PerfMonitoringException"> NotPlannable: another kind of statement, or several. PlanFailed: the server
    /// refuses it. UntrustedCode: planning could run code of a less trusted role.
    /// </exception>
    Task<string> ExplainAsync(PlanText statement, CancellationToken cancellationToken);
}
