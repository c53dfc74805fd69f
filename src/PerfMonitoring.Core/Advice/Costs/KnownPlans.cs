namespace PerfMonitoring.Advice;

/// <summary>
/// The plans that cost tables know, made ready for looking them up under many sets. An index is its place here: a candidate's id
/// minus one.
/// </summary>
internal sealed class KnownPlans
{
    // By how much a plan may be dearer and yet be the one that the planner takes: what is promised and what is built differ by
    // some percent.
    private const double Tie = 1.05;

    private readonly (Configuration Plan, int[][] Needs)[][] plans;
    private readonly List<int>[] statementsOf;

    /// <summary>Makes them ready.</summary>
    /// <param name="tables">What is known of the statements.</param>
    /// <param name="candidates">How many candidates there are.</param>
    /// <param name="canServe">For a statement, the candidates that can stand in the place of one, by id.</param>
    public KnownPlans(IReadOnlyList<CostTable> tables, int candidates, Func<int, int, IReadOnlyList<int>> canServe)
    {
        plans = new (Configuration, int[][])[tables.Count][];
        statementsOf = [.. Enumerable.Range(0, candidates).Select(_ => new List<int>())];
        for (var s = 0; s < plans.Length; s++)
        {
            plans[s] = [.. tables[s].Compose()
                .Select(c => (c, c.Used.Select(id => (int[])[id - 1, .. canServe(s, id).Select(other => other - 1)]).ToArray()))];
            foreach (var place in plans[s].SelectMany(p => p.Needs).SelectMany(n => n).Distinct())
            {
                statementsOf[place].Add(s);
            }
        }
    }

    /// <summary>
    /// The plans of a statement, the cheapest first; the last one is that of today. For each index of a plan, those that can
    /// stand in its place (itself first).
    /// </summary>
    public (Configuration Plan, int[][] Needs)[] this[int statement] => plans[statement];

    /// <summary>How many there are.</summary>
    public int Count => plans.Sum(p => p.Length);

    /// <summary>The statements that an index can serve.</summary>
    public List<int> StatementsOf(int place) => statementsOf[place];

    /// <summary>Which indexes a set has, by place.</summary>
    /// <param name="ids">Their ids.</param>
    public bool[] Membership(IEnumerable<int> ids)
    {
        var has = new bool[statementsOf.Length];
        foreach (var id in ids)
        {
            has[id - 1] = true;
        }

        return has;
    }

    /// <summary>The number of a statement's cheapest plan whose indexes are all there.</summary>
    public int Best(int statement, bool[] has)
    {
        var mine = plans[statement];
        for (var i = 0; i < mine.Length; i++)
        {
            if (Holds(mine[i].Needs, has))
            {
                return i;
            }
        }

        return mine.Length - 1;
    }

    /// <summary>
    /// The total of the dearest plan, risk included, that costs little more than the given one and whose indexes are all there:
    /// the planner may take any of plans that nearly tie.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="has">The indexes that are there.</param>
    /// <param name="from">Where to begin: of those before it is known that not all of their indexes are there.</param>
    public double Feared(int statement, Configuration plan, bool[] has, int from = 0)
    {
        var worst = plan.Total;
        var mine = plans[statement];
        for (var i = from; i < mine.Length; i++)
        {
            var (other, needs) = mine[i];
            if (other.Cost > plan.Cost * Tie)
            {
                break;
            }

            if (other.Total > worst && Holds(needs, has))
            {
                worst = other.Total;
            }
        }

        return worst;
    }

    private static bool Holds(int[][] needs, bool[] has)
    {
        foreach (var need in needs)
        {
            var isThere = false;
            for (var i = 0; i < need.Length && !isThere; i++)
            {
                isThere = has[need[i]];
            }

            if (!isThere)
            {
                return false;
            }
        }

        return true;
    }
}
