namespace PerfMonitoring.Advice;

/// <summary>The plans of cost tables in a form for lookups under many sets.</summary>
internal sealed class KnownPlans
{
    private readonly (Configuration Plan, int[][] Needs)[][] plans;
    private readonly List<int>[] statementsOf;

    /// <summary>Prepares the plans.</summary>
    /// <param name="tables">The cost tables of the statements.</param>
    /// <param name="candidates">Number of candidates.</param>
    /// <param name="canServe">For a statement and a candidate, the candidates that can replace it, by id.</param>
    public KnownPlans(IReadOnlyList<CostTable> tables, int candidates, Func<int, int, IReadOnlyList<int>> canServe)
    {
        plans = new (Configuration, int[][])[tables.Count][];
        statementsOf = [.. Enumerable.Range(0, candidates).Select(_ => new List<int>())];
        for (var s = 0; s < plans.Length; s++)
        {
            plans[s] = [.. tables[s].Compose()
                .Select(c => (c, c.Used.Select(id => (int[])[id, .. canServe(s, id)]).ToArray()))];
            foreach (var id in plans[s].SelectMany(p => p.Needs).SelectMany(n => n).Distinct())
            {
                statementsOf[id].Add(s);
            }
        }
    }

    /// <summary>
    /// The plans of a statement, the cheapest first; the last one is the plan without new indexes. For each index of a plan, the
    /// indexes that can replace it (itself first).
    /// </summary>
    public (Configuration Plan, int[][] Needs)[] this[int statement] => plans[statement];

    public int Count => plans.Sum(p => p.Length);

    /// <summary>The statements that an index can serve.</summary>
    public List<int> StatementsOf(int id) => statementsOf[id];

    /// <summary>For each candidate, by id, whether it is in a set.</summary>
    /// <param name="ids">The ids of the members.</param>
    public bool[] Membership(IEnumerable<int> ids)
    {
        var has = new bool[statementsOf.Length];
        foreach (var id in ids)
        {
            has[id] = true;
        }

        return has;
    }

    /// <summary>The position of a statement's cheapest plan whose indexes are all in the set.</summary>
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
    /// The highest total, risk included, of the plans that cost little more than the given one and whose indexes are all in the
    /// set: the planner may choose any of several plans with almost the same cost.
    /// </summary>
    /// <param name="statement">The statement.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="has">For each candidate, by id, whether it is in the set.</param>
    /// <param name="from">The first plan to examine: each plan before it is known to lack an index.</param>
    public double Feared(int statement, Configuration plan, bool[] has, int from = 0)
    {
        var worst = plan.Total;
        var mine = plans[statement];
        for (var i = from; i < mine.Length; i++)
        {
            var (other, needs) = mine[i];
            if (other.Cost > plan.Cost * Tuning.Costs.Tie)
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
