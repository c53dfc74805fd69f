using PerfMonitoring.Common;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>A question to the planner.</summary>
/// <param name="Statement">What would be executed.</param>
/// <param name="Indexes">The indexes that would be there besides the real ones.</param>
public sealed record WhatIfRequest(PlanText Statement, IReadOnlyCollection<Candidate> Indexes)
{
    /// <summary>Whether the plan shall tell schemas and output columns; it is then several times as long.</summary>
    public bool Verbose { get; init; }

    /// <summary>
    /// Real indexes, by object identifier, that the planner shall not see; only for a session of
    /// <see cref="IMonitoringConnection.IndexHiding"/>.
    /// </summary>
    public IReadOnlyCollection<uint> Hidden { get; init; } = [];
}

/// <summary>The planner's answer.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="Candidates">For each name of a new index in the plan, the candidate's id.</param>
/// <param name="Refused"> The indexes of the request that the server would not make, by candidate id, with its reason (without
/// constants): the plan is one without them.
/// </param>
/// <param name="Sizes">The size in bytes that the planner took each index of the request to have, by candidate id.</param>
public sealed record WhatIfPlan(
    PlanNode Plan, IReadOnlyDictionary<string, int> Candidates, IReadOnlyDictionary<int, string> Refused,
    IReadOnlyDictionary<int, long> Sizes);

/// <summary>
/// What the planner would do with indexes that are not there. One session, for one run of the advisor (a candidate's id means one
/// index) and not to be used by two at once; no statement is executed, and disposing it leaves no trace.
/// </summary>
public interface IWhatIf : IAsyncDisposable
{
    /// <summary>
    /// Whether the indexes are real ones: the plan's cost holds their descents, and <see cref="WhatIfPlan.Sizes"/> are those on
    /// disk.
    /// </summary>
    bool IsReal { get; }

    /// <summary>The plan of a statement as if exactly these indexes were there besides the real ones.</summary>
    /// <exception cref="PerfMonitoringException"> NotPlannable, PlanFailed: what the server says against the statement.
    /// UntrustedCode: planning could run code of a less trusted role.
    /// </exception>
    Task<WhatIfPlan> ExplainAsync(WhatIfRequest request, CancellationToken cancellationToken);
}

/// <summary>Opens what-if sessions.</summary>
public interface IWhatIfRepository
{
    /// <summary>How many sessions may be open at once without one waiting for another's connection.</summary>
    int MaximumSessions { get; }

    /// <summary>Opens one on a connection of its own; several may be open, and work, at once.</summary>
    /// <param name="statementTimeout">The most that planning one statement may take.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PerfMonitoringException"> HypoPgMissing; DatabaseInUse: real indexes would hinder others;
    /// TooManyConnections: neither the server nor the pool has one left.
    /// </exception>
    Task<IWhatIf> OpenAsync(TimeSpan statementTimeout, CancellationToken cancellationToken);
}
