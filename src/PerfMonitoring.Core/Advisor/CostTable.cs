namespace PerfMonitoring.Advisor;

/// <summary>A set of indexes that one plan uses together, and what the plan costs.</summary>
/// <param name="Used">The candidates that it uses, by id, ascending; none for the plan that the statement has today.</param>
/// <param name="Cost">Cost of one execution in the planner's units, corrected for what hypothetical indexes are not charged.</param>
/// <param name="Risk">What it may cost beyond, in the same units, where the planner is known to be too hopeful.</param>
/// <param name="IsEstimate">Whether the cost was computed here, since the planner could not be asked.</param>
public sealed record Configuration(IReadOnlyList<int> Used, double Cost, double Risk = 0, bool IsEstimate = false)
{
    /// <summary>Cost and risk.</summary>
    public double Total => Cost + Risk;
}

/// <summary>
/// What is known of one statement: the plans that it can have, by the indexes that they use. A statement's cost under any set is
/// that of its cheapest plan whose indexes are all in the set, so few plans tell the cost of very many sets (INUM: Papadomanolakis,
/// Dash, Ailamaki, VLDB 2007; the atomic configurations of Finkelstein, Schkolnick, Tiberio, TODS 1988).
/// </summary>
public sealed class CostTable
{
    private readonly List<(HashSet<int> Asked, Configuration Answer)> answers = [];
    private readonly List<Configuration> configurations;

    /// <summary>Starts with the plan of today.</summary>
    /// <param name="bare">Its cost without any candidate.</param>
    /// <param name="weight">How often the statement counts.</param>
    public CostTable(Configuration bare, double weight)
    {
        ArgumentNullException.ThrowIfNull(bare);
        Bare = bare;
        Weight = weight;
        configurations = [bare];
        answers.Add(([], bare));
    }

    /// <summary>How often the statement counts.</summary>
    public double Weight { get; }

    /// <summary>The plan of today.</summary>
    public Configuration Bare { get; }

    /// <summary>The plans, the cheapest first; the last one is the plan of today.</summary>
    public IReadOnlyList<Configuration> Configurations => configurations;

    /// <summary>
    /// The planner's answer for a set, where it follows from an earlier one: what was best among more indexes is best among fewer of
    /// them as long as those that it uses are there. Null where the planner must be asked.
    /// </summary>
    public Configuration? Find(IReadOnlyCollection<int> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        foreach (var (asked, answer) in answers)
        {
            if (asked.Count >= set.Count && answer.Used.All(set.Contains) && set.All(asked.Contains))
            {
                return answer;
            }
        }

        return null;
    }

    /// <summary>Keeps an answer; one that is dearer than the plan of today is that plan, which the planner will take then.</summary>
    public Configuration Add(IReadOnlyCollection<int> asked, Configuration answer)
    {
        ArgumentNullException.ThrowIfNull(asked);
        ArgumentNullException.ThrowIfNull(answer);
        var known = configurations.Where(c => c.Used.All(asked.Contains)).MinBy(c => c.Cost)!;
        var best = known.Cost <= answer.Cost ? known : answer;
        answers.Add(([.. asked], best));
        // The planner preferred it: where the correction is a little off, it will be taken.
        if (answer.Cost < Bare.Cost && !configurations.Exists(c => c != Bare && c.Used.SequenceEqual(answer.Used) && c.Cost <= answer.Cost))
        {
            configurations.RemoveAll(c => c != Bare && c.Used.SequenceEqual(answer.Used));
            configurations.Insert(configurations.TakeWhile(c => c.Cost <= answer.Cost).Count(), answer);
        }

        return best;
    }
}
