using PerfMonitoring.Indexes;
using PerfMonitoring.Plans;

namespace PerfMonitoring.Advice;

/// <summary>A set of indexes that one plan uses together, and the cost of the plan.</summary>
/// <param name="Used">The candidates that the plan uses, by id, ascending; empty for the plan without new indexes.</param>
/// <param name="Cost">Cost of one execution in planner units, corrected for costs that the planner does not charge for
/// hypothetical indexes.</param>
/// <param name="Risk">Possible additional cost where the planner is known to be too optimistic, in planner units.</param>
/// <param name="IsEstimate">Whether this module computed the cost because the planner could not be asked.</param>
internal sealed record Configuration(IReadOnlyList<int> Used, double Cost, double Risk = 0, bool IsEstimate = false)
{
    /// <summary>The plan without its replaceable accesses; null where no plan is known.</summary>
    public PlanSkeleton? Skeleton { get; init; }

    /// <summary>Whether it follows from plans of the planner, and is not itself a plan of the planner.</summary>
    public bool IsComposed { get; init; }

    /// <summary>Cost and risk.</summary>
    public double Total => Cost + Risk;

    /// <summary>The configuration of a plan from the planner.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="find">Finds a candidate by the name of its index, with the size in bytes that the planner assumed; null for
    /// an existing index.</param>
    /// <param name="tableOf">Finds the table of that name, without schema.</param>
    /// <param name="isReal">Whether the candidates are real indexes: the planner's figures then need no correction.</param>
    /// <param name="rowsPerCall">Mean number of rows that the statement returned; null where unknown.</param>
    public static Configuration Of(
        PlanNode plan, Func<string, (Candidate Index, long PlannedBytes)?> find, Func<string, TableInfo?> tableOf, bool isReal,
        double? rowsPerCall = null)
    {
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
/// The known plans of one statement, by the indexes that they use. The cost of the statement under any set of indexes is that of
/// its cheapest plan whose indexes are all in the set, so few plans give the costs of very many sets (INUM: Papadomanolakis,
/// Dash, Ailamaki, VLDB 2007; the atomic configurations of Finkelstein, Schkolnick, Tiberio, TODS 1988).
/// </summary>
internal sealed class CostTable
{
    private readonly List<(HashSet<int> Asked, Configuration Shown, Configuration Answer)> answers = [];
    private readonly List<Configuration> configurations;
    private IReadOnlyList<Configuration>? composed;

    /// <summary>Starts with the plan without new indexes.</summary>
    /// <param name="bare">The plan without any candidate.</param>
    /// <param name="weight">Weight of the statement.</param>
    public CostTable(Configuration bare, double weight)
    {
        Bare = bare;
        Weight = weight;
        configurations = [bare];
        answers.Add(([], bare, bare));
    }

    /// <summary>Weight of the statement.</summary>
    public double Weight { get; }

    /// <summary>The plan without new indexes.</summary>
    public Configuration Bare { get; }

    /// <summary>The plans from the planner, the cheapest first; the last one is the plan without new indexes.</summary>
    public IReadOnlyList<Configuration> Configurations => configurations;

    /// <summary>
    /// The plans from the planner and the plans that follow from them, the cheapest first; the last one is the plan without new
    /// indexes. A plan follows where one or two accesses replace others of their slots (<see cref="PlanSkeleton"/>). It does not
    /// follow where the planner contradicts: for a set that allows the plan, the planner chose a more expensive one.
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
        foreach (var plan in found.Values.OrderBy(p => p.Cost).Take(Tuning.Costs.MaximumComposed))
        {
            if (!all.Exists(c => c.Cost <= plan.Cost && c.Used.All(plan.Used.Contains))
                && !answers.Exists(
                    a => Planned(plan) < Planned(a.Shown) * (1 - Tuning.Costs.Noise) && plan.Used.All(a.Asked.Contains)))
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
    /// The planner's plan for a set, where it follows from an earlier one: the best plan with more indexes is the best with
    /// fewer, provided that its indexes are all in the set. Null where the planner must be asked.
    /// </summary>
    public Configuration? Find(IReadOnlyCollection<int> set)
    {
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
    /// Adds a plan; a plan that costs more than the plan without new indexes is replaced by that one, which the planner will
    /// choose then.
    /// </summary>
    public Configuration Add(IReadOnlyCollection<int> asked, Configuration answer)
    {
        var known = configurations.Where(c => c.Used.All(asked.Contains)).MinBy(c => c.Cost)!;
        var best = known.Cost <= answer.Cost ? known : answer;
        answers.Add(([.. asked], answer, best));
        composed = null;
        // The planner preferred this plan: if the correction is slightly wrong, the planner will choose it.
        if (answer.Cost < Bare.Cost
            && !configurations.Exists(c => c != Bare && c.Used.SequenceEqual(answer.Used) && c.Cost <= answer.Cost))
        {
            configurations.RemoveAll(c => c != Bare && c.Used.SequenceEqual(answer.Used));
            Insert(configurations, answer);
        }

        return best;
    }

    /// <summary>Forgets every plan but the one without new indexes.</summary>
    public void Forget()
    {
        answers.RemoveAll(a => a.Answer != Bare || a.Asked.Count > 0);
        configurations.RemoveAll(c => c != Bare);
        composed = null;
    }

    // Keeps the cheapest first.
    private static void Insert(List<Configuration> plans, Configuration plan) =>
        plans.Insert(plans.TakeWhile(c => c.Cost <= plan.Cost).Count(), plan);

    private static double Planned(Configuration configuration) => configuration.Skeleton?.Planned ?? configuration.Cost;
}
