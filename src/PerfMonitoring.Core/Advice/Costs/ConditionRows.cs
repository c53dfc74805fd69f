using PerfMonitoring.Common;
using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>The planner's estimates of the rows that conditions select, each asked once.</summary>
/// <param name="session">Asks the planner.</param>
/// <param name="planned">The workload: whoever runs a statement on a table may ask about the table.</param>
internal sealed class ConditionRows(IWhatIf session, PlannedWorkload planned)
{
    private readonly Dictionary<string, double?> known = [];

    /// <summary>Number of planner calls.</summary>
    public int Calls => known.Count;

    /// <summary>Rows that a condition selects; null where the planner cannot be asked.</summary>
    public async Task<double?> EstimateAsync(TableInfo table, string where, CancellationToken cancellationToken)
    {
        var statement = $"select from {table.Name} where {where}";
        if (!known.TryGetValue(statement, out var rows))
        {
            try
            {
                rows = (await session.ExplainAsync(
                    new WhatIfRequest(new PlanText(statement) { Origin = OriginOf(table) }, []), cancellationToken)).Plan.Rows;
            }
            catch (PerfMonitoringException e) when (SkippedStatement.IsCausedBy(e))
            {
                // A role may read a view but not the table under it.
                rows = null;
            }

            known[statement] = rows;
        }

        return rows;
    }

    // A role that ran a statement on the table may read the table.
    private StatementOrigin OriginOf(TableInfo table) =>
        planned.Statements.FirstOrDefault(p => p.Use.Relations.Any(r => r.Table == table.Name))?.Statement.Origin
            ?? StatementOrigin.Unknown;
}
