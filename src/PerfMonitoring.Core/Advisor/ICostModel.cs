namespace PerfMonitoring.Advisor;

/// <summary>What a statement costs under a set of indexes.</summary>
/// <param name="Cost">Cost of one execution in the planner's units.</param>
/// <param name="Used">The indexes of the set that the plan uses, by id.</param>
public sealed record StatementCost(double Cost, IReadOnlySet<int> Used);

/// <summary>Costs of statements under sets of indexes that are not there.</summary>
public interface ICostModel
{
    /// <summary>How often the planner was asked so far.</summary>
    int Calls { get; }

    /// <summary>The cost of a statement, by its place in the workload.</summary>
    Task<StatementCost> CostAsync(int statement, IReadOnlyCollection<Candidate> indexes, CancellationToken cancellationToken);
}
