using PerfMonitoring.Common;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>A request to the planner.</summary>
/// <param name="Statement">The statement to plan.</param>
/// <param name="Indexes">The indexes that exist for the planner in addition to the real ones.</param>
public sealed record WhatIfRequest(PlanText Statement, IReadOnlyCollection<Candidate> Indexes)
{
    /// <summary>Whether the plan includes schemas and output columns; it is then several times as long.</summary>
    public bool Verbose { get; init; }

    /// <summary>
    /// Real indexes, by object identifier, that are hidden from the planner; only for a session of
    /// <see cref="IMonitoringConnection.IndexHiding"/>.
    /// </summary>
    public IReadOnlyCollection<uint> Hidden { get; init; } = [];
}

/// <summary>The planner's plan for a request.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Candidates">For each name of a new index in the plan, the id of the candidate.</param>
/// <param name="Refused">The indexes of the request that the server could not create, by candidate id, with the reason (without
/// constants): the plan does not use them.</param>
/// <param name="Sizes">The size in bytes that the planner assumed for each index of the request, by candidate id.</param>
public sealed record WhatIfPlan(
    PlanNode Plan, IReadOnlyDictionary<string, int> Candidates, IReadOnlyDictionary<int, string> Refused,
    IReadOnlyDictionary<int, long> Sizes)
{
    /// <summary>
    /// The statement that was planned: the one of the request, repaired where the server refused it. Its parameters are those of
    /// the plan.
    /// </summary>
    public string Text { get; init; } = "";
}

/// <summary>
/// Plans with indexes that do not exist. One session, for one run of the advisor (the id of a candidate stands for one index),
/// not for concurrent use. No statement is executed, and disposal leaves no trace.
/// </summary>
public interface IWhatIf : IAsyncDisposable
{
    /// <summary>
    /// Whether the indexes are real: the plan's cost includes their descents, and <see cref="WhatIfPlan.Sizes"/> are the sizes on
    /// disk.
    /// </summary>
    bool IsReal { get; }

    /// <summary>The plan of a statement as if exactly these indexes existed in addition to the real ones.</summary>
    /// <exception cref="PerfMonitoringException">NotPlannable, PlanFailed: the server refuses the statement. UntrustedCode:
    /// planning could run code of a less trusted role.</exception>
    Task<WhatIfPlan> ExplainAsync(WhatIfRequest request, CancellationToken cancellationToken);
}

/// <summary>Opens what-if sessions.</summary>
public interface IWhatIfRepository
{
    /// <summary>Number of sessions that may be open at the same time without waiting for a connection.</summary>
    int MaximumSessions { get; }

    /// <summary>Opens a session on a separate connection; several may be open, and work, at the same time.</summary>
    /// <param name="statementTimeout">Time limit for planning one statement.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="PerfMonitoringException">HypoPgMissing; DatabaseInUse: real indexes would hinder others;
    /// TooManyConnections: neither the server nor the pool has a free connection.</exception>
    Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken);
}
