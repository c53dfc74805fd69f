using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>A set of indexes that one plan uses together, and what the plan costs.</summary>
/// <param name="Used">The candidates that it uses, by id, ascending; none for the plan that the statement has today.</param>
/// <param name="Cost">Cost of one execution in the planner's units, corrected for what hypothetical indexes are not
/// charged.</param>
/// <param name="Risk">What it may cost beyond, in the same units, where the planner is known to be too hopeful.</param>
/// <param name="IsEstimate">Whether the cost was computed here, since the planner could not be asked.</param>
public sealed record Configuration(IReadOnlyList<int> Used, double Cost, double Risk = 0, bool IsEstimate = false)
{
    /// <summary>The plan with its accesses left open; null where no plan is known.</summary>
    public PlanSkeleton? Skeleton { get; init; }

    /// <summary>Whether it follows from plans that the planner has shown, and was not shown itself.</summary>
    public bool IsComposed { get; init; }

    /// <summary>Cost and risk.</summary>
    public double Total => Cost + Risk;

    /// <summary>What a plan that the planner has shown tells.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">The candidate of an index's name with the size in bytes that the planner took it to have; null for an
    /// index that is there.</param>
    /// <param name="tableOf">The table of that name, without schema.</param>
    /// <param name="isReal">Whether the candidates are there: the planner's figures need no correction.</param>
    /// <param name="rowsPerCall">Mean number of rows that the statement returned; null where unknown.</param>
    public static Configuration Of(
        PlanNode plan, Func<string, (Candidate Index, long PlannedBytes)?> find, Func<string, TableInfo?> tableOf, bool isReal,
        double? rowsPerCall = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var corrections = new Dictionary<PlanNode, double>(ReferenceEqualityComparer.Instance);
        var correction = isReal ? 0 : PlanCorrection.Of(plan, find, tableOf, corrections.Add);
        var risks = new Dictionary<PlanNode, double>(ReferenceEqualityComparer.Instance);
        var risk = PlanRisk.Of(plan, tableOf, rowsPerCall, risks.Add);
        var skeleton = PlanSkeleton.Of(plan, find, corrections, risks);
        return new Configuration(
            [.. skeleton.Fixed.Union(skeleton.Accesses.SelectMany(a => a.Used)).Order()], plan.TotalCost + correction, risk) {
            Skeleton = skeleton };
    }
}

/// <summary>
/// What is known of one statement: the plans that it can have, by the indexes that they use. A statement's cost under any set is
/// that of its cheapest plan whose indexes are all in the set, so few plans tell the cost of very many sets (INUM:
/// Papadomanolakis, Dash, Ailamaki, VLDB 2007; the atomic configurations of Finkelstein, Schkolnick, Tiberio, TODS 1988).
/// </summary>
public sealed class CostTable
{
    // Kept of those that follow, the cheapest: a long join has more of them than a choice can look at.
    private const int MaximumComposed = 200;

    private readonly List<(HashSet<int> Asked, Configuration Shown, Configuration Answer)> answers = [];
    private readonly List<Configuration> configurations;
    private IReadOnlyList<Configuration>? composed;

    /// <summary>Starts with the plan of today.</summary>
    /// <param name="bare">Its cost without any candidate.</param>
    /// <param name="weight">How often the statement counts.</param>
    public CostTable(Configuration bare, double weight)
    {
        ArgumentNullException.ThrowIfNull(bare);
        Bare = bare;
        Weight = weight;
        configurations = [bare];
        answers.Add(([], bare, bare));
    }

    /// <summary>How often the statement counts.</summary>
    public double Weight { get; }

    /// <summary>The plan of today.</summary>
    public Configuration Bare { get; }

    /// <summary>The plans that the planner has shown, the cheapest first; the last one is the plan of today.</summary>
    public IReadOnlyList<Configuration> Configurations => configurations;

    /// <summary>
    /// These and the plans that follow from them, the cheapest first; the last one is the plan of today. A plan follows where one
    /// or two accesses take the place of others of their slots (<see cref="PlanSkeleton"/>), unless the planner contradicts:
    /// asked about a set that allows it, it showed a dearer one.
    /// </summary>
    public IReadOnlyList<Configuration> Compose()
    {
        if (composed is not null)
        {
            return composed;
        }

        var accesses = configurations.SelectMany(c => c.Skeleton?.Accesses ?? []).GroupBy(a => a.Slot)
            .ToDictionary(
                g => g.Key, g => g.GroupBy(a => string.Join(',', a.Used)).Select(same => same.MinBy(a => a.Cost)!).ToList());
        var found = new Dictionary<string, Configuration>();
        foreach (var plan in configurations.Where(c => c.Skeleton is not null))
        {
            var mine = plan.Skeleton!.Accesses;
            for (var i = 0; i < mine.Count; i++)
            {
                foreach (var one in Others(mine[i]))
                {
                    Add(plan, (mine[i], one));
                    for (var j = i + 1; j < mine.Count; j++)
                    {
                        foreach (var other in Others(mine[j]))
                        {
                            Add(plan, (mine[i], one), (mine[j], other));
                        }
                    }
                }
            }
        }

        var all = configurations.TakeWhile(c => c != Bare).ToList();
        foreach (var plan in found.Values.OrderBy(p => p.Cost).Take(MaximumComposed))
        {
            if (!all.Exists(c => c.Cost <= plan.Cost && c.Used.All(plan.Used.Contains))
                && !answers.Exists(
                    a => Planned(plan) < Planned(a.Shown) * (1 - PlanExplorer.Noise) && plan.Used.All(a.Asked.Contains)))
            {
                Insert(all, plan);
            }
        }

        all.Add(Bare);
        return composed = all;

        IEnumerable<PlanAccess> Others(PlanAccess access) => accesses[access.Slot].Where(a => !a.Used.SequenceEqual(access.Used));

        void Add(Configuration plan, params ReadOnlySpan<(PlanAccess Old, PlanAccess New)> changes)
        {
            var (cost, planned, risk) = (plan.Cost, plan.Skeleton!.Planned, plan.Risk);
            var used = new SortedSet<int>(plan.Skeleton.Fixed);
            foreach (var access in plan.Skeleton.Accesses)
            {
                var now = access;
                foreach (var (old, changed) in changes)
                {
                    now = ReferenceEquals(access, old) ? changed : now;
                }

                (cost, planned, risk) = (
                    cost + now.Cost - access.Cost, planned + now.Planned - access.Planned, risk + now.Risk - access.Risk);
                used.UnionWith(now.Used);
            }

            var key = string.Join(',', used);
            if (used.Count > 0 && cost < Bare.Cost && !(found.GetValueOrDefault(key)?.Cost <= cost))
            {
                found[key] = new Configuration([.. used], cost, Math.Max(0, risk)) {
                    Skeleton = new PlanSkeleton(planned, [], []), IsComposed = true };
            }
        }
    }

    /// <summary>
    /// The planner's answer for a set, where it follows from an earlier one: what was best among more indexes is best among fewer
    /// of them as long as those that it uses are there. Null where the planner must be asked.
    /// </summary>
    public Configuration? Find(IReadOnlyCollection<int> set)
    {
        ArgumentNullException.ThrowIfNull(set);
        foreach (var (asked, shown, answer) in answers)
        {
            if (asked.Count >= set.Count && shown.Used.All(set.Contains) && answer.Used.All(set.Contains)
                && set.All(asked.Contains))
            {
                return answer;
            }
        }

        return null;
    }

    /// <summary>
    /// Keeps an answer; one that is dearer than the plan of today is that plan, which the planner will take then.
    /// </summary>
    public Configuration Add(IReadOnlyCollection<int> asked, Configuration answer)
    {
        ArgumentNullException.ThrowIfNull(asked);
        ArgumentNullException.ThrowIfNull(answer);
        var known = configurations.Where(c => c.Used.All(asked.Contains)).MinBy(c => c.Cost)!;
        var best = known.Cost <= answer.Cost ? known : answer;
        answers.Add(([.. asked], answer, best));
        composed = null;
        // The planner preferred it: where the correction is a little off, it will be taken.
        if (answer.Cost < Bare.Cost
            && !configurations.Exists(c => c != Bare && c.Used.SequenceEqual(answer.Used) && c.Cost <= answer.Cost))
        {
            configurations.RemoveAll(c => c != Bare && c.Used.SequenceEqual(answer.Used));
            Insert(configurations, answer);
        }

        return best;
    }

    // Keeps the cheapest first.
    private static void Insert(List<Configuration> plans, Configuration plan) =>
        plans.Insert(plans.TakeWhile(c => c.Cost <= plan.Cost).Count(), plan);

    private static double Planned(Configuration configuration) => configuration.Skeleton?.Planned ?? configuration.Cost;
}
