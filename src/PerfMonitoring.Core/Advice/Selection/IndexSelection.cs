using System.Runtime.InteropServices;
using PerfMonitoring.Indexes;

namespace PerfMonitoring.Advice;

/// <summary>
/// Chooses a set of indexes for a whole workload, in memory, from what the cost tables know: it grows by the largest saving a
/// byte, exchanges, takes apart and grows again (large neighbourhood search: Shaw, CP 1998), until nothing gets better.
/// </summary>
public sealed class IndexSelection
{
    // A set that makes a statement dearer than is allowed is worth nothing.
    private const double Forbidden = 1e6;
    private const int Rounds = 200;
    private const int LargeEffort = 1500;

    // As many as there are bits to tell which of a move were there before.
    private const int MaximumMove = 31;

    // Indexes of other tables that an exchange is tried for: those that are missed least.
    private const int Leavers = 12;

    // The planner never takes a plan that it thinks is dearer. What is feared beyond its figure is a rough one: it counts by a
    // part, and refuses a set only where a statement might take half as long again.
    internal const double RiskWeight = 0.4;
    private const double Doubt = 0.5;

    private readonly IReadOnlyList<CostTable> tables;
    private readonly IReadOnlyList<Candidate> candidates;
    private readonly AdvisorOptions options;
    private readonly double charge;

    private readonly KnownPlans plans;
    private readonly double[] allowed;
    private readonly List<int[]> moves = [];
    private readonly int[][] rivals;

    /// <summary>Prepares a selection.</summary>
    /// <param name="tables">What is known of the statements.</param>
    /// <param name="candidates">The candidates; a candidate's id is its place plus one.</param>
    /// <param name="options">Budget and limits.</param>
    /// <param name="canServe">For a statement, the candidates that can stand in the place of one, by id.</param>
    public IndexSelection(
        IReadOnlyList<CostTable> tables, IReadOnlyList<Candidate> candidates, AdvisorOptions options,
        Func<int, int, IReadOnlyList<int>> canServe)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(canServe);
        this.tables = tables;
        this.candidates = candidates;
        this.options = options;
        // Of what is left at best: one statement that dwarfs all others shall not hide what helps them.
        charge = Math.Max(tables.Sum(t => t.Weight * t.Configurations[0].Total) * options.MinimumImprovement, double.Epsilon);
        allowed = [.. tables.Select(t => t.Bare.Total * (1 + Math.Max(options.MaximumRegression, Doubt)))];
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
                    // An index that is worth it elsewhere can make this statement dearer, unless it comes with those of a plan
                    // that is better still.
                    foreach (var (_, others) in plan.Total <= today
                        ? Array.FindAll(shown, o => o.Plan.Total > today && o.Plan.Cost > plan.Cost) : [])
                    {
                        AddMove([.. needs, .. others]);
                    }
                }

                foreach (var single in needs.SelectMany(n => n)
                    .Where(p => known.Add(p.ToString(System.Globalization.CultureInfo.InvariantCulture))))
                {
                    moves.Add([single]);
                }
            }
        }

        rivals = Rivals();
        moves.RemoveAll(move => Array.Exists(move, place => move.Intersect(rivals[place]).Any()));

        void AddMove(int[][] needs)
        {
            var move = needs.Select(n => n[0]).Distinct().Order().ToArray();
            if (move.Length is > 0 and <= MaximumMove && known.Add(string.Join(',', move)))
            {
                moves.Add(move);
            }
        }
    }

    /// <summary>What each index must save at least after its writes, in the planner's units.</summary>
    public double LeastGain => charge;

    /// <summary>What is known of the statements.</summary>
    internal IReadOnlyList<CostTable> Tables => tables;

    /// <summary>Their plans.</summary>
    internal KnownPlans Plans => plans;

    /// <summary>The candidates; a candidate's id is its place plus one.</summary>
    internal IReadOnlyList<Candidate> Candidates => candidates;

    /// <summary>For each index, by place, those that are not chosen beside it.</summary>
    internal IReadOnlyList<int[]> NotBeside => rivals;

    /// <summary>Whether a statement may get a plan: one that makes it too much dearer makes a set worthless.</summary>
    internal bool Allows(int statement, Configuration plan) => !(plan.Total > allowed[statement]);

    // What a round of the search has to look at: moves, and plans in which they are looked up.
    private int Effort => Math.Max(1, Math.Max(moves.Count, plans.Count / 4));

    /// <summary>The best set found.</summary>
    /// <param name="start">A set to begin with, by id.</param>
    /// <param name="thorough">Whether to take the best set apart again and again, too.</param>
    /// <param name="cancellationToken">Ends the search: the best set so far is returned.</param>
    public IReadOnlyList<int> Select(IEnumerable<int> start, bool thorough, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(start);
        var best = new State(this);
        foreach (var place in start.Select(id => id - 1))
        {
            if (best.Fits([place]))
            {
                best.Add(place);
            }
        }

        Improve(best);
        foreach (var exponent in Effort > LargeEffort ? [1.0] : (double[])[1.0, 0.7, 0.4, 0])
        {
            var state = new State(this);
            Grow(state, exponent);
            Improve(state);
            best = Better(best, state);
        }

        // The same input must give the same set: the numbers are random, the seed is not.
        var random = new Random(1);
        // With more to look at there are fewer rounds, so that the search does not take longer than the questions.
        var rounds = thorough ? (int)Math.Clamp(Rounds * Math.Pow(500.0 / Effort, 3), 5, Rounds) : 0;
        for (var round = 0; round < rounds && best.Chosen.Count > 1 && !cancellationToken.IsCancellationRequested; round++)
        {
            var state = new State(best);
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

        return [.. best.Chosen.Select(place => place + 1)];
    }

    /// <summary>The cost, with its risk, that the tables promise for a statement under a set.</summary>
    public double CostOf(int statement, IReadOnlyCollection<int> set) => Promised(statement, plans.Membership(set)).Plan.Total;

    /// <summary>What a set costs as far as the tables promise.</summary>
    public double ScoreOf(IReadOnlyCollection<int> set)
    {
        var has = plans.Membership(set);
        return ScoreOf(set, [.. tables.Select((_, s) => Promised(s, has).Plan)]);
    }

    /// <summary>What a set costs: the given plans, weighted, and what the indexes themselves are charged.</summary>
    public double ScoreOf(IReadOnlyCollection<int> set, IReadOnlyList<Configuration> after)
    {
        ArgumentNullException.ThrowIfNull(after);
        var has = plans.Membership(set);
        return after.Select((c, s) => tables[s].Weight * Judge(s, c, has)).Sum()
            + set.Sum(id => charge + candidates[id - 1].WriteCost);
    }

    /// <summary>Where a statement's promised plan under a set takes one index in the place of another: both ids.</summary>
    public IEnumerable<(int Id, int Other)> SubstitutesUsed(int statement, IReadOnlyCollection<int> set)
    {
        var has = plans.Membership(set);
        foreach (var needs in Promised(statement, has).Needs)
        {
            if (!has[needs[0]])
            {
                foreach (var other in needs.Where(p => has[p]))
                {
                    yield return (needs[0] + 1, other + 1);
                }
            }
        }
    }

    private (Configuration Plan, int[][] Needs) Promised(int statement, bool[] has) =>
        plans[statement][plans.Best(statement, has)];

    // For each index those of which one does all the work of the other, whichever: only one of them is chosen.
    private int[][] Rivals()
    {
        var found = new int[candidates.Count][];
        Array.Fill(found, []);
        foreach (var alike in moves.SelectMany(m => m).Distinct().GroupBy(p => candidates[p].First))
        {
            foreach (var place in alike)
            {
                var mine = candidates[place].Definition;
                found[place] = [
                    .. alike.Where(
                    p => p != place
                    && (IndexCoverage.Covers(candidates[p].Definition, mine)
                        || IndexCoverage.Covers(mine, candidates[p].Definition)))];
            }
        }

        return found;
    }

    private static State Better(State one, State other) => other.Score < one.Score * (1 - 1e-9) ? other : one;

    private double Value(int statement, int plan, bool[] has) =>
        tables[statement].Weight * Judge(statement, plans[statement][plan].Plan, has, plan);

    private double Judge(int statement, Configuration plan, bool[] has, int from = 0)
    {
        var feared = plans.Feared(statement, plan, has, from);
        return plan.Cost + (RiskWeight * (feared - plan.Cost)) + (Forbidden * Math.Max(0, plan.Total - allowed[statement]));
    }

    private void Grow(State state, double exponent)
    {
        // A gain only falls as the set grows, by and large: the old figure is an upper bound, and most need not be looked at
        // again.
        var open = new PriorityQueue<(int[] Move, int Age), double>();
        foreach (var move in moves)
        {
            Enqueue(move);
        }

        while (open.TryDequeue(out var next, out _))
        {
            if (next.Age == state.Age)
            {
                foreach (var place in next.Move)
                {
                    if (!state.Has(place))
                    {
                        state.Add(place);
                    }
                }
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

    // Removals, then additions and exchanges for one that is there, until nothing gets better.
    private void Improve(State state)
    {
        for (var improved = true; improved;)
        {
            improved = false;
            foreach (var old in state.Chosen.OrderByDescending(p => candidates[p].SizeBytes).ToList())
            {
                if (state.Change([], old) < 0)
                {
                    state.Remove(old);
                    improved = true;
                }
            }

            foreach (var move in moves)
            {
                var alone = state.Change(move);
                improved |= Exchange(state, move, alone) || (alone < 0 && Displace(state, move, -alone));
            }
        }
    }

    // Several that are worth little for their bytes leave for one that does not fit else.
    private static bool Displace(State state, int[] move, double gain)
    {
        if (state.Fits(move))
        {
            return false;
        }

        var leaving = state.RivalsOf(move);
        foreach (var (old, loss) in state.Cheapest().Where(o => !leaving.Contains(o.Place)))
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
        Array.ForEach(Array.FindAll(move, place => !state.Has(place)), state.Add);
        return true;
    }

    private bool Exchange(State state, int[] move, double alone)
    {
        var least = -1e-9 * state.Score;
        int? leaving = null;
        if (alone < least && state.Fits(move))
        {
            leaving = -1;
        }
        else
        {
            foreach (var old in state.LeaversFor(move[0]))
            {
                // Without an index no plan gets cheaper: nothing but its upkeep can be saved, and room for a gain.
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

        foreach (var place in move)
        {
            if (!state.Has(place))
            {
                state.Add(place);
            }
        }

        return true;
    }

    // A set with what each statement is worth under it, kept up to date.
    private sealed class State
    {
        private readonly IndexSelection selection;
        private readonly bool[] has;
        // For each index, how many of its rivals are chosen.
        private readonly int[] blocked;
        private readonly double[] value;
        private readonly int[] seen;
        private List<(int Place, double Loss)> ranked = [];
        private int rankedAt = -1;
        private int tick;
        private long size;

        public State(IndexSelection selection)
        {
            seen = new int[selection.tables.Count];
            this.selection = selection;
            has = new bool[selection.candidates.Count];
            blocked = new int[has.Length];
            value = [.. selection.tables.Select((_, s) => selection.Value(s, selection.plans[s].Length - 1, has))];
            Chosen = [];
            Score = value.Sum();
        }

        public State(State other)
        {
            selection = other.selection;
            seen = new int[selection.tables.Count];
            has = [.. other.has];
            blocked = [.. other.blocked];
            value = [.. other.value];
            size = other.size;
            Chosen = [.. other.Chosen];
            Score = other.Score;
        }

        public List<int> Chosen { get; }

        public double Score { get; private set; }

        public int Age { get; private set; }

        public bool Has(int place) => has[place];

        public long Bytes(int[] move)
        {
            var bytes = 0L;
            foreach (var place in move)
            {
                bytes += has[place] ? 0 : selection.candidates[place].SizeBytes;
            }

            return bytes;
        }

        public bool Fits(int[] move, params ReadOnlySpan<int> leaving)
        {
            var bytes = size + Bytes(move);
            var count = Chosen.Count - leaving.Length;
            foreach (var place in move)
            {
                count += has[place] ? 0 : 1;
            }

            foreach (var place in leaving)
            {
                bytes -= selection.candidates[place].SizeBytes;
            }

            return !(bytes > selection.options.StorageBudget) && !(count > selection.options.MaximumCount)
                && !HasRival(move, leaving);
        }

        // Chosen ones that cannot be there together with a move's.
        public List<int> RivalsOf(int[] move) =>
            Array.TrueForAll(move, place => blocked[place] == 0)
                ? [] : Chosen.FindAll(old => Array.Exists(move, place => Array.IndexOf(selection.rivals[place], old) >= 0));

        private bool HasRival(int[] move, ReadOnlySpan<int> leaving)
        {
            foreach (var place in move)
            {
                var count = blocked[place];
                for (var i = 0; i < leaving.Length && count > 0; i++)
                {
                    count -= Array.IndexOf(selection.rivals[place], leaving[i]) >= 0 ? 1 : 0;
                }

                if (count > 0)
                {
                    return true;
                }
            }

            return false;
        }

        // What might leave for an index: those of its table, and those that are missed least.
        public IEnumerable<int> LeaversFor(int place)
        {
            var others = 0;
            var table = selection.candidates[place].Definition.Table;
            return Ranked().Where(old => selection.candidates[old.Place].Definition.Table == table || others++ < Leavers)
                .Select(old => old.Place);
        }

        // Those that are missed least for their bytes, with what the score would rise by.
        public List<(int Place, double Loss)> Cheapest() =>
            [.. Ranked().OrderBy(old => old.Loss / Math.Max(1, selection.candidates[old.Place].SizeBytes))];

        private List<(int Place, double Loss)> Ranked()
        {
            if (rankedAt != Age)
            {
                ranked = [.. Chosen.Select(old => (old, Change([], old))).OrderBy(old => old.Item2)];
                rankedAt = Age;
            }

            return ranked;
        }

        // How the score would change.
        public double Change(int[] add, params ReadOnlySpan<int> remove)
        {
            if (++tick == int.MaxValue)
            {
                Array.Clear(seen);
                tick = 1;
            }

            var change = 0.0;
            var added = 0;
            for (var i = 0; i < add.Length; i++)
            {
                if (!has[add[i]])
                {
                    has[add[i]] = true;
                    added |= 1 << i;
                    change += Upkeep(add[i]);
                }
            }

            foreach (var place in remove)
            {
                has[place] = false;
                change -= Upkeep(place);
            }

            foreach (var place in remove)
            {
                change += Change(place);
            }

            for (var i = 0; i < add.Length; i++)
            {
                if ((added & (1 << i)) != 0)
                {
                    change += Change(add[i]);
                }
            }

            for (var i = 0; i < add.Length; i++)
            {
                if ((added & (1 << i)) != 0)
                {
                    has[add[i]] = false;
                }
            }

            foreach (var place in remove)
            {
                has[place] = true;
            }

            return change;
        }

        private double Change(int place)
        {
            var change = 0.0;
            foreach (var s in selection.plans.StatementsOf(place))
            {
                if (seen[s] != tick)
                {
                    seen[s] = tick;
                    change += selection.Value(s, selection.plans.Best(s, has), has) - value[s];
                }
            }

            return change;
        }

        public void Add(int place)
        {
            Chosen.Add(place);
            Switch(place, true);
        }

        public void Remove(int place)
        {
            Chosen.Remove(place);
            Switch(place, false);
        }

        private void Switch(int place, bool on)
        {
            has[place] = on;
            size += on ? selection.candidates[place].SizeBytes : -selection.candidates[place].SizeBytes;
            Age++;
            foreach (var rival in selection.rivals[place])
            {
                blocked[rival] += on ? 1 : -1;
            }

            foreach (var s in selection.plans.StatementsOf(place))
            {
                value[s] = selection.Value(s, selection.plans.Best(s, has), has);
            }

            // Summed up anew: differences of very large numbers would leave something over, which could pass for a gain for ever.
            Score = value.Sum() + Chosen.Sum(Upkeep);
        }

        // An index must be worth its writes, and a least share of the workload.
        public double Upkeep(int place) => selection.charge + selection.candidates[place].WriteCost;
    }
}
