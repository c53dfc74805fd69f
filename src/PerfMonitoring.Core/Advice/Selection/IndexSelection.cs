using System.Runtime.InteropServices;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// Selects a configuration for a complete workload, in memory, from the cost tables: it adds the largest gain per byte,
/// exchanges, destroys a part and repairs it (large neighbourhood search: Shaw, CP 1998), until nothing lowers the score.
/// </summary>
internal sealed partial class IndexSelection
{
    // The number of bits for the members of a move that were chosen before.
    private const int MaximumMove = 31;

    private readonly IReadOnlyList<CostTable> tables;
    private readonly IReadOnlyList<Candidate> candidates;
    private readonly AdvisorOptions options;
    private readonly IndexUpkeep upkeep;
    // What each candidate must gain, by id.
    private readonly double[] upkeeps;

    private readonly KnownPlans plans;
    private readonly double[] allowed;
    private readonly List<int[]> moves = [];
    private readonly int[][] rivals;

    /// <summary>Prepares a selection.</summary>
    /// <param name="tables">The cost tables of the statements.</param>
    /// <param name="candidates">The candidates; the id of a candidate is its position.</param>
    /// <param name="options">Budget and limits.</param>
    /// <param name="canServe">For a statement and a candidate, the candidates that can replace it, by id.</param>
    public IndexSelection(
        IReadOnlyList<CostTable> tables, IReadOnlyList<Candidate> candidates, AdvisorOptions options,
        Func<int, int, IReadOnlyList<int>> canServe)
    {
        this.tables = tables;
        this.candidates = candidates;
        this.options = options;
        upkeep = new IndexUpkeep(tables, options);
        upkeeps = [.. candidates.Select(upkeep.Of)];
        allowed = [.. tables.Select(t => t.Bare.Total * (1 + Math.Max(options.MaximumRegression, Tuning.Selection.Doubt)))];
        plans = new KnownPlans(tables, candidates.Count, canServe);
        var known = new HashSet<string>();
        for (var s = 0; s < tables.Count; s++)
        {
            var shown = Array.FindAll(plans[s], p => !p.Plan.IsComposed);
            var today = tables[s].Bare.Total;
            foreach (var (plan, needs) in plans[s])
            {
                if (!plan.IsComposed)
                {
                    AddMove(needs);
                    // An index that is useful elsewhere can raise the cost of this statement, unless the indexes of a still
                    // better plan come with it.
                    foreach (var (_, others) in plan.Total <= today
                        ? Array.FindAll(shown, o => o.Plan.Total > today && o.Plan.Cost > plan.Cost) : [])
                    {
                        AddMove([.. needs, .. others]);
                    }
                }

                foreach (var single in needs.SelectMany(n => n)
                    .Where(id => known.Add(id.ToString(System.Globalization.CultureInfo.InvariantCulture))))
                {
                    moves.Add([single]);
                }
            }
        }

        rivals = Rivals();
        moves.RemoveAll(move => Array.Exists(move, id => move.Intersect(rivals[id]).Any()));

        void AddMove(int[][] needs)
        {
            var move = needs.Select(n => n[0]).Distinct().Order().ToArray();
            if (move.Length is > 0 and <= MaximumMove && known.Add(string.Join(',', move)))
            {
                moves.Add(move);
            }
        }
    }

    /// <summary>What an index must gain.</summary>
    public IndexUpkeep Upkeep => upkeep;

    /// <summary>The cost table of each statement.</summary>
    public IReadOnlyList<CostTable> Tables => tables;

    /// <summary>The plans of each statement.</summary>
    public KnownPlans Plans => plans;

    /// <summary>The candidates; the id of a candidate is its position.</summary>
    public IReadOnlyList<Candidate> Candidates => candidates;

    /// <summary>For each candidate, by id, those that are not chosen beside it.</summary>
    public IReadOnlyList<int[]> NotBeside => rivals;

    /// <summary>Whether a statement may get a plan: a plan that costs too much makes a configuration worthless.</summary>
    public bool Allows(int statement, Configuration plan) => !(plan.Total > allowed[statement]);

    // The work of one round of the search: moves, and the plans in which they are looked up.
    private int Effort => Math.Max(1, Math.Max(moves.Count, plans.Count / 4));

    /// <summary>The best configuration found.</summary>
    /// <param name="start">The configuration to start with, by id.</param>
    /// <param name="thorough">Whether to also destroy and repair the best configuration repeatedly.</param>
    /// <param name="cancellationToken">Ends the search: the best configuration so far is returned.</param>
    public IReadOnlyList<int> Select(IEnumerable<int> start, bool thorough, CancellationToken cancellationToken)
    {
        var best = new SearchState(this);
        foreach (var id in start)
        {
            if (best.Fits([id]))
            {
                best.Add(id);
            }
        }

        Improve(best);
        foreach (var exponent in Effort > Tuning.Selection.LargeEffort ? [1.0] : Tuning.Selection.Exponents)
        {
            var state = new SearchState(this);
            Grow(state, exponent);
            Improve(state);
            best = Better(best, state);
        }

        // The same input must give the same configuration, so the seed of the random numbers is fixed.
        var random = new Random(1);
        // More work for each round means fewer rounds, so that the selection does not take longer than the planner calls.
        var rounds = thorough
            ? (int)Math.Clamp(Tuning.Selection.MaximumRounds * Math.Pow(500.0 / Effort, 3), 5, Tuning.Selection.MaximumRounds)
            : 0;
        for (var round = 0; round < rounds && best.Chosen.Count > 1 && !cancellationToken.IsCancellationRequested; round++)
        {
            var state = new SearchState(best);
            var count = 1 + random.Next(Math.Min(4, best.Chosen.Count));
            for (var i = 0; i < count; i++)
            {
                state.Remove(state.Chosen[random.Next(state.Chosen.Count)]);
            }

            Grow(state, random.NextDouble());
            if (state.Score < best.Score * 1.01)
            {
                Improve(state);
            }

            best = Better(best, state);
        }

        return best.Chosen;
    }

    /// <summary>
    /// A configuration without the indexes that gain too little by the planner's cost, the smallest gain first.
    /// </summary>
    public IReadOnlyList<int> WithoutCrumbs(IReadOnlyList<int> set)
    {
        var left = set.ToList();
        var has = plans.Membership(left);
        while (left.Select(id => (Id: id, Loss: Loss(id))).Where(c => c.Loss < upkeep.OfCost(candidates[c.Id]))
            .OrderBy(c => c.Loss).Select(c => (int?)c.Id).FirstOrDefault() is { } crumb)
        {
            has[crumb] = false;
            left.Remove(crumb);
        }

        return left;

        // The rise of the cost without an index; infinite where a statement may then get slower than it is today.
        double Loss(int id)
        {
            var with = plans.StatementsOf(id).ConvertAll(s => Promised(s, has).Plan.Cost);
            has[id] = false;
            var loss = 0.0;
            foreach (var (s, cost) in plans.StatementsOf(id).Zip(with))
            {
                var without = Promised(s, has).Plan;
                loss += plans.Feared(s, without, has) > tables[s].Bare.Total * (1 + Tuning.Costs.Noise)
                    ? double.PositiveInfinity : tables[s].Weight * (without.Cost - cost);
            }

            has[id] = true;
            return loss;
        }
    }

    /// <summary>Cost of a statement with a configuration by the cost tables, risk included.</summary>
    public double CostOf(int statement, IReadOnlyCollection<int> set) => Promised(statement, plans.Membership(set)).Plan.Total;

    /// <summary>Score of a configuration by the cost tables.</summary>
    public double ScoreOf(IReadOnlyCollection<int> set)
    {
        var has = plans.Membership(set);
        return ScoreOf(set, [.. tables.Select((_, s) => Promised(s, has).Plan)]);
    }

    /// <summary>Score of a configuration: the weighted costs of the given plans, and the charges for the indexes.</summary>
    public double ScoreOf(IReadOnlyCollection<int> set, IReadOnlyList<Configuration> after)
    {
        var has = plans.Membership(set);
        return after.Select((c, s) => tables[s].Weight * Judge(s, c, has)).Sum()
            + set.Sum(id => upkeeps[id]);
    }

    /// <summary>
    /// The exchanges in the promised plan of a statement with a configuration, where one index replaces another: both ids.
    /// </summary>
    public IEnumerable<(int Id, int Other)> SubstitutesUsed(int statement, IReadOnlyCollection<int> set)
    {
        var has = plans.Membership(set);
        foreach (var needs in Promised(statement, has).Needs)
        {
            if (!has[needs[0]])
            {
                foreach (var other in needs.Where(id => has[id]))
                {
                    yield return (needs[0], other);
                }
            }
        }
    }

    private (Configuration Plan, int[][] Needs) Promised(int statement, bool[] has) =>
        plans[statement][plans.Best(statement, has)];

    // For each index its rivals: one of the two does all the work of the other, so only one of them is chosen.
    private int[][] Rivals()
    {
        var found = new int[candidates.Count][];
        Array.Fill(found, []);
        foreach (var alike in moves.SelectMany(m => m).Distinct().GroupBy(id => candidates[id].First))
        {
            foreach (var id in alike)
            {
                var mine = candidates[id].Definition;
                found[id] = [
                    .. alike.Where(
                        other => other != id
                        && (IndexCoverage.Covers(candidates[other].Definition, mine)
                            || IndexCoverage.Covers(mine, candidates[other].Definition)))];
            }
        }

        return found;
    }

    private static SearchState Better(SearchState one, SearchState other) => other.Score < one.Score * (1 - 1e-9) ? other : one;

    private double Value(int statement, int plan, bool[] has) =>
        tables[statement].Weight * Judge(statement, plans[statement][plan].Plan, has, plan);

    private double Judge(int statement, Configuration plan, bool[] has, int from = 0)
    {
        var feared = plans.Feared(statement, plan, has, from);
        return plan.Cost + (Tuning.Selection.RiskWeight * (feared - plan.Cost))
            + (Tuning.Selection.Forbidden * Math.Max(0, plan.Total - allowed[statement]));
    }

    private void Grow(SearchState state, double exponent)
    {
        // A gain almost always only falls as the configuration grows, so the old figure is an upper bound, and most moves need
        // not be computed again.
        var open = new PriorityQueue<(int[] Move, int Age), double>();
        foreach (var move in moves)
        {
            Enqueue(move);
        }

        while (open.TryDequeue(out var next, out _))
        {
            if (next.Age == state.Age)
            {
                state.Add(next.Move);
            }
            else
            {
                Enqueue(next.Move);
            }
        }

        void Enqueue(int[] move)
        {
            if (Array.TrueForAll(move, state.Has) || !state.Fits(move))
            {
                return;
            }

            var gain = -state.Change(move);
            if (gain > 0)
            {
                open.Enqueue((move, state.Age), -gain / Math.Pow(Math.Max(1, state.Bytes(move)), exponent));
            }
        }
    }

    // Removes, then adds and exchanges for an existing index, until nothing lowers the score.
    private void Improve(SearchState state)
    {
        for (var improved = true; improved;)
        {
            improved = false;
            foreach (var move in moves)
            {
                var alone = state.Change(move);
                improved |= Exchange(state, move, alone) || (alone < 0 && Displace(state, move, -alone));
            }
        }
    }

    // Several indexes with little gain per byte are removed for one that does not fit otherwise.
    private static bool Displace(SearchState state, int[] move, double gain)
    {
        if (state.Fits(move))
        {
            return false;
        }

        var leaving = state.RivalsOf(move);
        foreach (var (old, loss) in state.Cheapest().Where(o => !leaving.Contains(o.Id)))
        {
            if (state.Fits(move, CollectionsMarshal.AsSpan(leaving)))
            {
                break;
            }

            if (Array.IndexOf(move, old) < 0)
            {
                leaving.Add(old);
                gain -= Math.Max(0, loss);
                if (gain <= 0)
                {
                    return false;
                }
            }
        }

        if (leaving.Count < 2 || !state.Fits(move, CollectionsMarshal.AsSpan(leaving)))
        {
            return false;
        }

        if (state.Change(move, CollectionsMarshal.AsSpan(leaving)) >= -1e-9 * state.Score)
        {
            return false;
        }

        leaving.ForEach(state.Remove);
        state.Add(move);
        return true;
    }

    private bool Exchange(SearchState state, int[] move, double alone)
    {
        var least = -1e-9 * Math.Abs(state.Score);
        int? leaving = null;
        if (alone < least && state.Fits(move))
        {
            leaving = -1;
        }
        else
        {
            foreach (var old in state.LeaversFor(move[0]))
            {
                // Without an index no plan is cheaper: a removal can only save its upkeep, and free space for a gain.
                if (alone - state.Upkeep(old) < least
                    && (alone < least || candidates[old].Definition.Table == candidates[move[0]].Definition.Table)
                    && Array.IndexOf(move, old) < 0 && state.Fits(move, [old])
                    && state.Change(move, old) is var change && change < least)
                {
                    (least, leaving) = (change, old);
                }
            }
        }

        if (leaving is null)
        {
            return false;
        }

        if (leaving >= 0)
        {
            state.Remove(leaving.Value);
        }

        state.Add(move);
        return true;
    }
}
